"""A Dask cluster to work on: the extra [dask]."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lipdata.errors import LipdataError

ANSWERS_WITHIN = "10s"
# With one worker joblib would do the work in the run itself, where a clip that kills its worker ends it all.
WORKERS, JOIN_WITHIN_S = 2, 60
# Dask gives up a task that this many workers have died of. A clip fails after two, but a shard may
# hold more than one such clip; joblib never hears of a task that was given up, and would wait for ever.
ALLOWED_DEATHS = 1000


@contextmanager
def dask_client(scheduler: str) -> Iterator[Any]:
    """A client of the scheduler at this address, for the length of a block.

    Raises:
        LipdataError: Dask is not installed, no scheduler answers, or it has too few workers.
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
        try:
            client.wait_for_workers(WORKERS, JOIN_WITHIN_S)
        except TimeoutError as error:
            there = len(client.nthreads())  # type: ignore[no-untyped-call]
            raise LipdataError(
                f"{scheduler} has {there} workers after {JOIN_WITHIN_S} s; needed: {WORKERS}; start more with: dask "
                f"worker {scheduler}"
            ) from error
        client.run_on_scheduler(_allow_deaths)  # type: ignore[no-untyped-call]
        yield client


def _allow_deaths(dask_scheduler: Any) -> None:
    dask_scheduler.allowed_failures = ALLOWED_DEATHS
