"""A command watched from outside: how long it takes, when its first ffmpeg starts, what memory its processes need."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY_S = 0.01


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
            for pid, words, peak_mb in _family(process.pid):
                if "ffmpeg" not in words[0]:
                    peaks[pid] = peak_mb
                elif first_ffmpeg_s != first_ffmpeg_s and any(word.startswith("file:") for word in words):
                    first_ffmpeg_s = time.perf_counter() - began_s
            time.sleep(EVERY_S)
        wall_s = time.perf_counter() - began_s
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    parent_mb = peaks.pop(process.pid)
    return Watched(wall_s, first_ffmpeg_s, parent_mb, max(peaks.values()))


def _family(pid: int) -> Iterator[tuple[int, list[str], float]]:
    """Process ``pid`` and all below it: pid, command line, peak of its memory in MB."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        children = [
            child for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return  # ended in the meantime
    if "VmHWM" in status:
        yield pid, words, int(status["VmHWM"].split()[0]) / 1024
    for child in children:
        yield from _family(int(child))
