"""One run at a time in a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lipdata.errors import LipdataError


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
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
        # A run that ends takes the file away: a lock on a file without a name would keep nobody out.
        if not path.exists() or path.stat().st_ino != os.fstat(handle).st_ino:
            raise LipdataError(f"another run has just ended in {what}; give the same command again")
        yield
    finally:
        os.close(handle)
