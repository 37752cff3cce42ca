"""Does a clip cost the same in a corpus of 100 and of 10,000 clips, in time and in memory?

    python benchmarks/scale.py ../shared/grid      # an hour and 25 GB of disk; writes docs/benchmarks/scale.{md,png}

A row is a real clip under a new id. A process's memory counts what it shares with others, the predictor above all.
"""

import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import pandas as pd
from ingest import rows_of
from matplotlib.figure import Figure
from page import machine, publish
from processes import family

from lipdata.corpus.manifest import ManifestRow, write_manifest
from lipdata.shards.ledger import OK, read_ledger
from lipmodel.evaluation.markdown import markdown_table

SIZES, WORKERS, SHARD_CLIPS = (100, 1000, 10_000), 2, 64
CLIPS, EVERY_S, STEP_CLIPS = 20, 2.0, 500
TEXT = """# Ingest at scale

`lipdata ingest -j {workers}` of manifests whose rows repeat {clips} GRID clips under new ids, in shards
of {shard}. CPU time counts all processes, ffmpeg's and the start included. Written by
`python benchmarks/scale.py GRID`.

{machine}

{table}

![memory and cost over the run of {most:,} rows](scale.png)

Wanted: a cost that stays the same; memory of a worker flat and under 500 MB, of the parent under 300 MB. Memory is what
is resident; the fork server's, the predictor above all, is shared by the workers and counted in each of them too.
"""


# What a process is, by how deep below the command it is: workers are forked from the server, and wait for ffmpeg.
KINDS = ("parent", "server", "worker")


@dataclass(frozen=True)
class Course:
    """A run that was watched.

    Attributes:
        seen: a row a moment: seconds, clips (of whole shards), cpu_s, and the largest parent, server and worker, MB.
        ok: clips.
    """

    rows: int
    ok: int
    seen: pd.DataFrame


def course(rows: Sequence[ManifestRow], grid: Path, folder: Path) -> Course:
    """Ingest these rows, look every few seconds, and remove what was made."""
    out = folder / f"shards-{len(rows)}"
    write_manifest(folder / "rows.csv", rows)
    command = [sys.executable, "-m", "lipdata", "ingest", str(grid), "-o", str(out), "-j", str(WORKERS)]
    command += ["--manifest", str(folder / "rows.csv"), "--max-failed", str(len(rows))]
    moments, cpu_s = [], {}
    began_s = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            memory_mb = dict.fromkeys(KINDS, 0.0)
            for one in family(process.pid):
                if one.depth < len(KINDS):
                    kind = KINDS[one.depth]
                    memory_mb[kind] = max(memory_mb[kind], one.memory_mb)
                    cpu_s[one.pid] = one.cpu_s + (one.ended_s if kind == "worker" else 0.0)
            clips = min(SHARD_CLIPS * len(list(out.glob("*.h5"))), len(rows))
            at = {"seconds": time.perf_counter() - began_s, "clips": clips, "cpu_s": sum(cpu_s.values())}
            moments.append(at | memory_mb)
            time.sleep(EVERY_S)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    ok = int((read_ledger(out / "ledger.csv").status == OK).sum())
    shutil.rmtree(out)
    return Course(len(rows), ok, pd.DataFrame(moments[:-1]))  # at the last moment processes are ending


def table(courses: Sequence[Course]) -> str:
    rows = []
    for one in courses:
        last = one.seen.iloc[-1]
        costs = [f"{last.cpu_s / one.rows:.3f}", f"{last.seconds / one.rows:.3f}"]
        memory = [f"{one.seen[kind].max():.0f}" for kind in reversed(KINDS)]
        rows.append([f"{one.rows:,}", f"{one.ok:,}", *costs, *memory])
    header = ["rows", "ok", "CPU, s a clip", "wall, s a clip", "memory of a worker, MB", "of the fork server"]
    return markdown_table([*header, "of the parent"], rows)


def picture(one: Course) -> Figure:
    """Memory of each kind of process, and CPU time a clip of every few hundred clips, over the clips done."""
    figure = Figure(figsize=(9, 5.4), dpi=120, layout="constrained")
    memory, cost = figure.subplots(2, sharex=True)
    for kind, limit_mb in zip(KINDS, (300, None, 500), strict=True):
        (line,) = memory.plot(
            one.seen.clips, one.seen[kind], label=f"{kind}" + (" (largest)" if kind == "worker" else "")
        )
        if limit_mb:
            memory.axhline(limit_mb, color=line.get_color(), linestyle=":", linewidth=1)
    memory.set(ylabel="memory, MB", ylim=(0, 550), title=f"{one.rows:,} rows; dotted: what is allowed")
    memory.legend(loc="lower right", ncols=3)
    steps = one.seen.groupby(one.seen.clips // STEP_CLIPS).first()
    each = steps.diff().dropna()
    cost.plot(steps.clips[1:], each.cpu_s / each.clips, marker=".")
    cost.set(ylabel=f"CPU, s a clip\n(of each {STEP_CLIPS})", xlabel="clips done", ylim=(0, None))
    for axes in (memory, cost):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


@click.command(help=__doc__)
@click.argument("grid", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--work", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where the shards go.")
def main(grid: Path, work: Path | None) -> None:
    about = machine()
    clips = rows_of(grid, CLIPS)
    # By their ids they follow each other in turn: any hundred rows hold the same clips equally often.
    rows = [
        ManifestRow(f"all/{number:05d}", "all", "", row.path)
        for number, row in zip(range(SIZES[-1]), itertools.cycle(clips), strict=False)
    ]
    with tempfile.TemporaryDirectory(dir=work) as folder:
        courses = [course(rows[:size], grid, Path(folder)) for size in SIZES]
    text = TEXT.format(
        workers=WORKERS, clips=CLIPS, machine=about, table=table(courses), most=SIZES[-1], shard=SHARD_CLIPS
    )
    publish("scale", text)
    picture(courses[-1]).savefig("docs/benchmarks/scale.png")


if __name__ == "__main__":
    main()
