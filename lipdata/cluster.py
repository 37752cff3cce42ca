"""A Dask cluster to work on: the extra [dask]."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from joblib.externals.loky.process_executor import TerminatedWorkerError

from lipdata.errors import LipdataError

ANSWERS_WITHIN = "10s"


@contextmanager
def connected(scheduler: str) -> Iterator[Any]:
    """A client of the scheduler at this address, for the length of a block.

    Raises:
        LipdataError: Dask is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise LipdataError("a cluster needs Dask; pip install 'lipdata[dask]'") from error
    try:
        client = Client(scheduler, timeout=ANSWERS_WITHIN)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise LipdataError(
            f"no Dask scheduler answers at {scheduler}; start one with: dask scheduler (see docs/scaling.md)"
        ) from error
    with client:
        yield client


def deaths() -> tuple[type[Exception], ...]:
    """What is raised when a worker has died, here or, if Dask is installed, on a cluster."""
    try:
        from distributed import KilledWorker
    except ImportError:
        return (TerminatedWorkerError,)
    return TerminatedWorkerError, KilledWorker
