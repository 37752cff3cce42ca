"""Writing whole files: a file that bears its name is complete, whatever was killed on the way."""

import contextlib
import hashlib
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

from lipdata.errors import LipdataError


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
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


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, all or nothing."""
    with whole(path) as hidden:
        hidden.write_bytes(content)


def remove_leftovers(folder: Path) -> None:
    """Remove the hidden files that writers killed half-way have left in ``folder`` itself, if it exists."""
    for hidden in folder.glob(".*.part*"):
        # The name that ``whole`` gives, and no other: somebody else's file may be a part of something too.
        if re.fullmatch(r"\..+\.[\w-]*\.\d+\.part(\.\w+)?", hidden.name) and hidden.is_file():
            hidden.unlink()


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
