"""A command watched from outside: how long it takes, when its first ffmpeg starts, what memory its processes need."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# Often until the first ffmpeg starts, then seldom: looking takes time from what is looked at.
OFTEN_S, SELDOM_S = 0.02, 0.5
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One process at one moment.

    Attributes:
        depth: 0 for the command itself, 1 for what it has started, and so on.
        words: its command line.
        memory_mb, peak_mb: resident now, and at most so far; what it shares with others is counted for each.
        cpu_s, ended_s: CPU time of itself, and of those of its children that have ended.
    """

    pid: int
    depth: int
    words: list[str]
    memory_mb: float
    peak_mb: float
    cpu_s: float
    ended_s: float


@dataclass(frozen=True)
class Watched:
    """Seconds since the command was started, and the most memory at one time, in MB."""

    wall_s: float
    first_ffmpeg_s: float
    parent_mb: float
    worker_mb: float  # the largest of the Python processes that it started


def watch(command: Sequence[str]) -> Watched:
    """Run a command to its end. Raises CalledProcessError where that is no good one."""
    peaks: dict[int, float] = {}
    first_ffmpeg_s = float("nan")
    began_s = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for seen in family(process.pid):
                if "ffmpeg" not in seen.words[0]:
                    peaks[seen.pid] = seen.peak_mb
                elif first_ffmpeg_s != first_ffmpeg_s and any(word.startswith("file:") for word in seen.words):
                    first_ffmpeg_s = time.perf_counter() - began_s
            time.sleep(OFTEN_S if first_ffmpeg_s != first_ffmpeg_s else SELDOM_S)
        wall_s = time.perf_counter() - began_s
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    parent_mb = peaks.pop(process.pid)
    return Watched(wall_s, first_ffmpeg_s, parent_mb, max(peaks.values()))


def family(pid: int, depth: int = 0) -> Iterator[Process]:
    """Process ``pid`` and all below it."""
    folder = Path(f"/proc/{pid}")
    try:
        words = (folder / "cmdline").read_text().split("\0")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        ticks = [int(word) for word in (folder / "stat").read_text().rpartition(")")[2].split()[11:15]]
        children = [child for task in folder.glob("task/*/children") for child in task.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return  # ended in the meantime
    if "VmHWM" in status:
        memory_mb, peak_mb = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
        cpu_s, ended_s = (sum(pair) / TICKS_A_SECOND for pair in (ticks[:2], ticks[2:]))
        yield Process(pid, depth, words, memory_mb, peak_mb, cpu_s, ended_s)
    for child in children:
        yield from family(int(child), depth + 1)
