"""Workers, here or on a cluster. When one dies its shard is tried again; a clip that kills two workers fails.

On a cluster Dask itself gives the shard of a dead worker to another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from lipdata.errors import LipdataError
from lipdata.face import DLIB, detector_name
from lipdata.ingestion.dask_cluster import dask_client
from lipdata.ingestion.process_pool import process_pool_workers
from lipdata.ingestion.resume import MAX_UNEXPLAINED_DEATHS, progress_file
from lipdata.ingestion.task import Task, TaskResult
from lipdata.ingestion.worker import make_shard

# A worker died; or the server that workers are forked from, as one was asked for.
DEATHS = (TerminatedWorkerError, EOFError, ConnectionError)


@dataclass
class Scheduler:
    """Gives tasks to processes on this machine, or to the workers of a Dask cluster.

    Args:
        workers: how many processes; a cluster has as many workers as it has.
        address: of Dask's scheduler, ``tcp://HOST:PORT``; None for processes on this machine.
    """

    workers: int
    address: str | None = None
    _in_a_row: int = field(default=0, init=False)

    def run(self, plan: Sequence[Task]) -> Iterator[TaskResult]:
        """Make all shards, in whatever order they are done.

        When a worker dies, joblib ends all of them. The shards in work are then begun again, each alone, so that the
        next death says whose it is.

        Raises:
            LipdataError: workers die again and again, and no clip is the cause.
        """
        todo = {task.name: task for task in plan}
        unfinished: list[str] = []
        while todo:
            alone = next((todo[name] for name in unfinished if name in todo), None)
            try:
                for result in self._run([alone] if alone else list(todo.values()), 1 if alone else self.workers):
                    progress_file(todo.pop(result.name)).unlink(missing_ok=True)
                    self._in_a_row = 0
                    yield result
            except DEATHS as error:
                unfinished = [name for name, task in todo.items() if progress_file(task).exists()]
                self._count(error, alone)

    def _run(self, plan: list[Task], workers: int) -> Iterator[TaskResult]:
        work = (joblib.delayed(make_shard)(task) for task in plan)
        # As soon as each is done, and one shard is one task.
        options = {"return_as": "generator_unordered", "batch_size": 1}
        if self.address:
            with dask_client(self.address) as client, joblib.parallel_config("dask", client=client):
                # All are given to Dask at once: workers may join later.
                yield from joblib.Parallel(**options, pre_dispatch="all")(work)
            return
        # A worker of its own even where one is enough: what kills it must not take the run along. joblib makes one
        # only where two are allowed; no more than one of them is given work.
        processes = max(2, min(workers, len(plan)))
        in_work = "2 * n_jobs" if workers > 1 else 1
        with process_pool_workers(processes, _predictor(plan[0])):
            yield from joblib.Parallel(**options, pre_dispatch=in_work)(work)

    def _count(self, error: Exception, alone: Task | None) -> None:
        self._in_a_row += 1
        # Each clip of a shard that is made alone may cost two before it is found out.
        if self._in_a_row > MAX_UNEXPLAINED_DEATHS + (2 * len(alone.rows) if alone else 0):
            raise LipdataError(
                f"workers died {self._in_a_row} times and no shard was made, for want of memory perhaps; what is whole "
                "is kept: try the same command with a smaller -j"
            ) from error


def _predictor(task: Task) -> Path | None:
    """The predictor to load before workers are forked, where the task uses dlib with one of its own."""
    return task.landmarks if detector_name(task.pipeline.lips.detector, task.landmarks) == DLIB else None
