"""Whole-file writes and locks: a file under its own name is complete, whatever was killed while it was written."""

import contextlib
import fcntl
import hashlib
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

from lipdata.errors import LipdataError


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A hidden path to write to; when the block ends well it is fsynced and renamed to ``path``, else removed."""
    if not path.parent.is_dir():
        raise LipdataError(f"{path} cannot be written: there is no folder {path.parent}; make it first")
    # By machine too: after an interruption two of a cluster may be at the same file.
    machine = re.sub(r"[^\w-]", "-", platform.node())
    hidden = path.with_name(f".{path.stem}.{machine}.{os.getpid()}.part{path.suffix}")
    try:
        yield hidden
        with hidden.open("rb+") as file:
            os.fsync(file.fileno())
        hidden.replace(path)
        _fsync_folder(path.parent)
    finally:
        hidden.unlink(missing_ok=True)


def write_atomic(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, all or nothing."""
    with atomic_path(path) as hidden:
        hidden.write_bytes(content)


def remove_partial_files(folder: Path) -> None:
    """Remove the hidden files that writers killed half-way have left in ``folder`` itself, if it exists."""
    for hidden in folder.glob(".*.part*"):
        # The name that ``atomic_path`` gives, and no other: a file of the user's may be called ".part" too.
        if re.fullmatch(r"\..+\.[\w-]*\.\d+\.part(\.\w+)?", hidden.name) and hidden.is_file():
            hidden.unlink()


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def exclusive_lock(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file ``path`` for the length of a block. A run that is dead, however it died, holds none.

    Args:
        what: is locked, for the message.

    Raises:
        LipdataError: another process holds it, or has held it until now.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LipdataError(f"another run is at work in {what}; wait for it, or choose another -o") from error
        # A run that ends takes the file away: a lock on a file without a name would lock nothing.
        if not path.exists() or path.stat().st_ino != os.fstat(handle).st_ino:
            raise LipdataError(f"another run has just ended in {what}; give the same command again")
        yield
    finally:
        os.close(handle)


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
