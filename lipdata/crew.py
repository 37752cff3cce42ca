"""Workers, here or on a cluster. When one dies its shard is tried again; a clip that kills its worker twice fails.

On a cluster Dask itself gives the shard of a dead worker to others, three times, before we hear of it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import joblib

from lipdata import record
from lipdata.cluster import connected, deaths
from lipdata.errors import LipdataError
from lipdata.forked import forked_workers
from lipdata.job import Job, Result
from lipdata.worker import make_shard

# Deaths that no clip can be blamed for, before the run is given up.
UNEXPLAINED = 10


@dataclass
class Crew:
    """Processes on this machine, or workers of a Dask cluster.

    Args:
        jobs: how many processes; a cluster has as many workers as it has.
        scheduler: the address of Dask's scheduler, ``tcp://HOST:PORT``; None for processes on this machine.
    """

    jobs: int
    scheduler: str | None = None
    _unexplained: int = field(default=0, init=False)

    def make(self, plan: Sequence[Job]) -> Iterator[Result]:
        """Make all shards, in whatever order they are done.

        When a worker dies, all shards in work are begun again, each alone, so that the next death says whose it is. A
        clip at which the worker was when its shard was in work at both deaths is tried no more.

        Raises:
            LipdataError: workers die again and again, and no clip is to blame.
        """
        todo = {job.name: job for job in plan}
        suspects: dict[str, str | None] = {}  # shard -> the clip in work at its last death
        while todo:
            alone = next((todo[name] for name in suspects if name in todo), None)
            try:
                for result in self._run([alone] if alone else list(todo.values()), 1 if alone else self.jobs):
                    record.tally(todo.pop(result.name)).unlink(missing_ok=True)
                    suspects.pop(result.name, None)
                    yield result
            except deaths() as error:
                signal = ", ".join(sorted(set(re.findall(r"SIG[A-Z]+", str(error))))) or "no signal"
                begun = {name: clip for name, clip in map(_in_work, todo.values()) if clip is not None}
                if alone and begun.get(alone.name) and begun[alone.name] == suspects[alone.name]:
                    blamed = (begun[alone.name], f"its worker died twice ({signal})")
                    todo[alone.name] = replace(alone, guilty=(*alone.guilty, blamed))
                    suspects[alone.name] = None
                else:
                    self._count(signal)
                    suspects |= begun

    def _run(self, plan: list[Job], workers: int) -> Iterator[Result]:
        work = (joblib.delayed(make_shard)(job) for job in plan)
        if self.scheduler:
            with connected(self.scheduler) as client, joblib.parallel_config("dask", client=client):
                yield from joblib.Parallel(batch_size=1)(work)
            return
        # A worker of its own even where one is enough: what kills it must not take the run along. joblib makes one
        # only where two are allowed; no more than one of them is given work.
        processes = max(2, min(workers, len(plan)))
        in_work = "2 * n_jobs" if workers > 1 else 1
        with forked_workers(processes, plan[0].predictor):
            yield from joblib.Parallel(return_as="generator_unordered", pre_dispatch=in_work, batch_size=1)(work)

    def _count(self, signal: str) -> None:
        self._unexplained += 1
        if self._unexplained > UNEXPLAINED:
            raise LipdataError(
                f"workers died {self._unexplained} times ({signal}), for want of memory perhaps; what is whole is "
                "kept: try the same command with a smaller -j"
            )


def _in_work(job: Job) -> tuple[str, str | None]:
    """A shard's name, and the clip that it is at; None where it is not begun or all clips are done."""
    tally = record.tally(job)
    done = len(tally.read_text().splitlines()) if tally.exists() else len(job.rows)
    return job.name, job.rows[done].clip_id if done < len(job.rows) else None
