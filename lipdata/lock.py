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
        LipdataError: another process holds it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LipdataError(f"another run is at work in {what}; wait for it, or choose another -o") from error
        yield
    finally:
        os.close(handle)
