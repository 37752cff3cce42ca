"""Runs of an ingest as a user starts them, to be disturbed, and what must be the same afterwards."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lipdata.ingestion.resume import STATE_FOLDER
from lipdata.shards import content_sha256

CLIPS = 6


def command(corpus: Path, out: Path, pipeline: Path, *more: object) -> list[str]:
    """``lipdata ingest -j 2``; a later ``-j`` in ``more`` counts instead."""
    arguments = ["ingest", corpus, "-o", out, "--pipeline", pipeline, "-j", 2, *more]
    return [sys.executable, "-m", "lipdata", *map(str, arguments)]


def run(corpus: Path, out: Path, pipeline: Path, *more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(corpus, out, pipeline, *more), capture_output=True, text=True, check=False)


def contents(out: Path) -> dict[str, bytes | str]:
    """All that must be the same: every file, of the shards the content."""
    files = {path.name: path for path in sorted(out.iterdir())}
    return {name: content_sha256(path) if name.endswith(".h5") else path.read_bytes() for name, path in files.items()}


def times_of_shards(out: Path) -> dict[str, int]:
    """When each shard was written, in nanoseconds."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob("*.h5")}


def recorded_shards(out: Path) -> dict[str, int]:
    """When each shard was written that an unfinished run has recorded as whole."""
    records = {path.stem for path in (out / STATE_FOLDER).glob("grid-*.json")}
    return {name: written for name, written in times_of_shards(out).items() if Path(name).stem in records}


def until(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not reached():
        assert process.poll() is None, "it ended before it could be disturbed"
        time.sleep(0.01)


def clips_done(out: Path, name: str) -> int:
    """How many clips of a shard in work are done; -1 where it is not begun."""
    path = out / STATE_FOLDER / f"{name}.progress"
    try:
        return len(path.read_text().splitlines())
    except FileNotFoundError:
        return -1


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes below the fork server, which is the only one below the run that has any."""
    return [worker for child in _children(process.pid) for worker in _children(child)]


def servers_of(process: subprocess.Popen[str]) -> list[int]:
    """The fork server, from its first moment."""
    return [child for child in _children(process.pid) if b"forkserver" in Path(f"/proc/{child}/cmdline").read_bytes()]


def descendants_of(pid: int) -> list[int]:
    """All processes that this one has started, and those that they have."""
    return [one for child in _children(pid) for one in (child, *descendants_of(child))]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    try:
        tasks = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []  # ended in the meantime
    return [int(child) for task in tasks for child in task.split()]
