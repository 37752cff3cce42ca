"""Thirty ingests killed at random moments (the run, a worker, ffmpeg), then the same command: is all as it should be?

python benchmarks/kills.py /path/to/grid      # about 10 minutes; writes docs/benchmarks/kills.md
"""

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click
from page import machine, publish

from lipdata.config import load_pipeline
from lipdata.corpus.layouts import scan_corpus
from lipdata.corpus.manifest import write_manifest
from lipdata.media.ffmpeg import ffmpeg_binary
from lipdata.shards.reader import content_sha256
from lipmodel.evaluation.markdown import markdown_table

KILLS, SEED, CLIPS, CLIPS_A_SHARD = 30, 0, 12, 2
TEXT = """# Thirty kills

{clips} GRID clips in {shards} shards, two workers. Each run is hit by SIGKILL once, at a moment drawn at random over
the length of an undisturbed run ({undisturbed:.0f} s); seed {seed}. Then the same command again. Equal: content_sha256
of every shard, manifest.csv, ledger.csv and dataset.json are those of the undisturbed run, and no other file is left.
Written by `python benchmarks/kills.py GRID`.

{machine}

{table}

Ctrl-C, {interrupts} times at random moments after the first two seconds: {early} runs were at their end already; the
others had ended after {slowest:.1f} s at most (wanted: 3) with exit status 130. The same command again gave the same
files.
"""
INTERRUPTS = 5


def command(corpus: Path, work: Path, out: Path) -> list[str]:
    """The ingest, of which everything is killed in turn."""
    asked = ["ingest", corpus, "-o", out, "--manifest", work / "some.csv", "--pipeline", work / "pairs.toml", "-j", 2]
    return [sys.executable, "-m", "lipdata", *map(str, asked)]


def contents(out: Path) -> dict[str, str | bytes]:
    """All that must be equal."""
    paths = sorted(path for path in out.rglob("*") if path.is_file())
    return {
        str(path.relative_to(out)): content_sha256(path) if path.suffix == ".h5" else path.read_bytes()
        for path in paths
    }


def descendants(pid: int) -> dict[int, bytes]:
    """All processes that descend from ``pid``, and their command lines."""
    parents, lines = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
            lines[int(folder.name)] = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        parents[int(folder.name)] = int(re.findall(r"PPid:\t(\d+)", status)[0])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return {child: lines[child] for child in found - {pid}}


def victims(process: subprocess.Popen, what: str) -> list[int]:
    """The processes of one kind."""
    if what == "run":
        return [process.pid]
    below = descendants(process.pid)
    if what == "ffmpeg":
        return [pid for pid, line in below.items() if line.startswith(os.fsencode(ffmpeg_binary()))]
    return [pid for pid, line in below.items() if b"forkserver" in line]  # the server that they are forked from, too


def disturbed(asked: list[str], what: str, after_s: float) -> str:
    """Kill one process of a kind, once, some time after the start; when it was hit, and what became of the run."""
    with subprocess.Popen(asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(after_s)
        while process.poll() is None:
            if found := victims(process, what):
                os.kill(random.choice(found), signal.SIGKILL)
                process.wait()
                return "went on by itself" if process.returncode == 0 else "ended"
            time.sleep(0.001)
    return "was done already"


def interrupted_s(asked: list[str], after_s: float) -> float:
    """How long the run takes to end after Ctrl-C, seconds; 0 where it was done, or near enough to end well."""
    with subprocess.Popen(
        asked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        time.sleep(after_s)
        if process.poll() is not None:
            return 0.0
        began_s = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        status = process.wait()
        took_s = time.monotonic() - began_s
    if status not in (0, 130):
        raise SystemExit(f"Ctrl-C after {after_s:.2f} s: exit status {status}; wanted 130")
    return took_s if status else 0.0


def prepare(corpus: Path, work: Path) -> None:
    """A manifest of a few clips, and a pipeline of small shards."""
    rows = scan_corpus(corpus, load_pipeline("grid").corpus).rows
    write_manifest(work / "some.csv", rows[:: max(1, len(rows) // CLIPS)][:CLIPS])
    grid = (Path(__file__).parents[1] / "pipelines" / "grid.toml").read_text()
    (work / "pairs.toml").write_text(re.sub(r"\nclips = \d+", f"\nclips = {CLIPS_A_SHARD}", grid))


@click.command(help=__doc__)
@click.argument("corpus", type=click.Path(path_type=Path, exists=True))
def main(corpus: Path) -> None:
    about = machine()
    random.seed(SEED)
    # A shell that starts this in the background has Ctrl-C ignored, by all that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    equal, hit = Counter(), Counter()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prepare(corpus, work)
        began_s = time.monotonic()
        subprocess.run(command(corpus, work, work / "whole"), check=True)
        undisturbed_s = time.monotonic() - began_s
        whole = contents(work / "whole")
        for number in range(KILLS):
            what = ("run", "worker", "ffmpeg")[number % 3]
            out = work / f"killed-{number}"
            asked = command(corpus, work, out)
            hit[what, disturbed(asked, what, random.uniform(0, undisturbed_s))] += 1
            subprocess.run(asked, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            equal[what] += contents(out) == whole
            print(f"{number + 1}: {what}, equal so far {sum(equal.values())}", file=sys.stderr)
        took_s = []
        for number in range(INTERRUPTS):
            asked = command(corpus, work, work / f"interrupted-{number}")
            took_s.append(interrupted_s(asked, random.uniform(2, undisturbed_s)))
            subprocess.run(asked, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if contents(work / f"interrupted-{number}") != whole:
                raise SystemExit("after Ctrl-C and the same command the files differ")
    rows = [
        [
            what,
            str(sum(count for (kind, _), count in hit.items() if kind == what)),
            *(str(hit[what, became]) for became in ("ended", "went on by itself", "was done already")),
            str(equal[what]),
        ]
        for what in ("run", "worker", "ffmpeg")
    ]
    header = ["killed", "times", "run ended", "run went on by itself", "was done already", "equal"]
    text = TEXT.format(
        clips=CLIPS,
        shards=CLIPS // CLIPS_A_SHARD,
        undisturbed=undisturbed_s,
        seed=SEED,
        machine=about,
        table=markdown_table(header, rows),
        interrupts=INTERRUPTS,
        early=took_s.count(0.0),
        slowest=max(took_s),
    )
    publish("kills", text)


if __name__ == "__main__":
    main()
