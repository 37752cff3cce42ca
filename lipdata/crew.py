"""Workers, here or on a cluster. When one dies its shard is tried again; a clip that kills two workers fails.

On a cluster Dask itself gives the shard of a dead worker to another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from lipdata import record
from lipdata.cluster import connected
from lipdata.errors import LipdataError
from lipdata.forked import forked_workers
from lipdata.job import Job, Result
from lipdata.worker import make_shard

# A worker died; or the server that workers are forked from, as one was asked for.
DEATHS = (TerminatedWorkerError, EOFError, ConnectionError)


@dataclass
class Crew:
    """Processes on this machine, or workers of a Dask cluster.

    Args:
        jobs: how many processes; a cluster has as many workers as it has.
        scheduler: the address of Dask's scheduler, ``tcp://HOST:PORT``; None for processes on this machine.
    """

    jobs: int
    scheduler: str | None = None
    _in_a_row: int = field(default=0, init=False)

    def make(self, plan: Sequence[Job]) -> Iterator[Result]:
        """Make all shards, in whatever order they are done.

        When a worker dies, joblib ends all of them. The shards in work are then begun again, each alone, so that the
        next death says whose it is.

        Raises:
            LipdataError: workers die again and again, and no clip is to blame.
        """
        todo = {job.name: job for job in plan}
        suspects: list[str] = []
        while todo:
            alone = next((todo[name] for name in suspects if name in todo), None)
            try:
                for result in self._run([alone] if alone else list(todo.values()), 1 if alone else self.jobs):
                    record.tally(todo.pop(result.name)).unlink(missing_ok=True)
                    self._in_a_row = 0
                    yield result
            except DEATHS as error:
                suspects = [name for name, job in todo.items() if record.tally(job).exists()]
                self._count(error, alone)

    def _run(self, plan: list[Job], workers: int) -> Iterator[Result]:
        work = (joblib.delayed(make_shard)(job) for job in plan)
        # As soon as each is done, and one shard is one task.
        options = {"return_as": "generator_unordered", "batch_size": 1}
        if self.scheduler:
            with connected(self.scheduler) as client, joblib.parallel_config("dask", client=client):
                # All are given to Dask at once: workers may join later.
                yield from joblib.Parallel(**options, pre_dispatch="all")(work)
            return
        # A worker of its own even where one is enough: what kills it must not take the run along. joblib makes one
        # only where two are allowed; no more than one of them is given work.
        processes = max(2, min(workers, len(plan)))
        in_work = "2 * n_jobs" if workers > 1 else 1
        with forked_workers(processes, plan[0].predictor):
            yield from joblib.Parallel(**options, pre_dispatch=in_work)(work)

    def _count(self, error: Exception, alone: Job | None) -> None:
        self._in_a_row += 1
        # Each clip of a shard that is made alone may cost two before it is found out.
        if self._in_a_row > record.UNEXPLAINED + (2 * len(alone.rows) if alone else 0):
            raise LipdataError(
                f"workers died {self._in_a_row} times and no shard was made, for want of memory perhaps; what is whole "
                "is kept: try the same command with a smaller -j"
            ) from error
