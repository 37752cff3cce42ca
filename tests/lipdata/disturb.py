"""Runs of an ingest as a user starts them, to be disturbed, and what must be the same afterwards."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lipdata.ingestion.resume import STATE_FOLDER
from lipdata.media.ffmpeg import ffmpeg_binary
from lipdata.shards.reader import content_sha256

CLIPS = 6


def command(corpus: Path, out: Path, pipeline: Path, *more: object) -> list[str]:
    asked = ["ingest", corpus, "-o", out, "--pipeline", pipeline, "-j", 2, *more]
    return [sys.executable, "-m", "lipdata", *map(str, asked)]


def run(*asked: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*asked), capture_output=True, text=True, check=False)  # type: ignore[arg-type]


def contents(out: Path) -> dict[str, bytes | str]:
    """All that must be the same: every file, of the shards what they hold."""
    files = {path.name: path for path in sorted(out.iterdir())}
    return {name: content_sha256(path) if name.endswith(".h5") else path.read_bytes() for name, path in files.items()}


def until(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not reached():
        assert process.poll() is None, "it ended before it could be disturbed"
        time.sleep(0.01)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes below the fork server, which is the only one below the run that has any."""
    return [worker for child in _children(process.pid) for worker in _children(child)]


def deadly_ffmpeg(folder: Path, clips: str, does: str = "kill -9 $PPID; exit") -> Path:
    """A folder for PATH: its ffmpeg kills the worker that decodes such a clip, as a fault in a codec would.

    Args:
        does: in shell, another thing to do first.
    """
    script = folder / "bin" / "ffmpeg"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\ncase "$*" in *{clips}*) {does};; esac\nexec {ffmpeg_binary()} "$@"\n')
    script.chmod(0o755)
    return script.parent


def below(pid: int) -> list[int]:
    """All processes that this one has started, and those that they have."""
    return [one for child in _children(pid) for one in (child, *below(child))]


def servers_of(process: subprocess.Popen[str]) -> list[int]:
    """The fork server, from its first moment."""
    return [child for child in _children(process.pid) if b"forkserver" in Path(f"/proc/{child}/cmdline").read_bytes()]


def _children(pid: int) -> list[int]:
    try:
        tasks = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []  # ended in the meantime
    return [int(child) for task in tasks for child in task.split()]


def tallied(out: Path, name: str) -> int:
    path = out / STATE_FOLDER / f"{name}.tally"
    try:
        return len(path.read_text().splitlines())
    except FileNotFoundError:
        return -1
