"""Runs of an ingest as a user starts them, to be disturbed, and what must be the same afterwards."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lipdata import record, shards

CLIPS = 6


def command(corpus: Path, out: Path, pipeline: Path, *more: object) -> list[str]:
    asked = ["ingest", corpus, "-o", out, "--pipeline", pipeline, "-j", 2, *more]
    return [sys.executable, "-m", "lipdata", *map(str, asked)]


def run(*asked: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*asked), capture_output=True, text=True, check=False)  # type: ignore[arg-type]


def contents(out: Path) -> dict[str, bytes | str]:
    """All that must be the same: every file, of the shards what they hold."""
    files = {path.name: path for path in sorted(out.iterdir())}
    return {
        name: shards.content_sha256(path) if name.endswith(".h5") else path.read_bytes() for name, path in files.items()
    }


def until(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not reached():
        assert process.poll() is None, "it ended before it could be disturbed"
        time.sleep(0.01)


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """loky's workers, but not its tracker of resources."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            said = (folder / "cmdline").read_bytes()
            parent = int(re.findall(r"PPid:\t(\d+)", (folder / "status").read_text())[0])
        except (OSError, IndexError):
            continue
        if parent == process.pid and b"loky" in said and b"tracker" not in said:
            found.append(int(folder.name))
    return found


def tallied(out: Path, name: str) -> int:
    path = out / record.FOLDER / f"{name}.tally"
    try:
        return len(path.read_text().splitlines())
    except FileNotFoundError:
        return -1
