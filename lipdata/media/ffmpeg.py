"""The ffmpeg of this machine, and one run of it: into memory, not longer and not larger than is allowed."""

import contextlib
import functools
import mmap
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
from importlib import resources
from pathlib import Path
from typing import IO

from lipdata.errors import ClipError, LipdataError

MAX_BYTES = 2 << 30
TIMEOUT_S = 300
TICK_S = 0.1
TRIES = 3
FFMPEG_VARIABLE = "LIPDATA_FFMPEG"
OLDEST = (5, 1)  # knows fps_mode
# The ffmpegs of this process.
_running: set[int] = set()


class Killed(ClipError):
    """ffmpeg was killed: from outside, for want of memory, or by a fault of its own. Another try may succeed."""


@functools.cache
def ffmpeg_binary() -> str:
    """The ffmpeg that the package imageio-ffmpeg carries, or the one that the variable LIPDATA_FFMPEG names.

    Raises:
        LipdataError: it is not there.
    """
    chosen = os.environ.get(FFMPEG_VARIABLE)
    if chosen:
        found = shutil.which(chosen)
        if not found:
            raise LipdataError(f"{FFMPEG_VARIABLE} names {chosen}, which is no program; unset it, or name an ffmpeg")
        return found
    if carried := _carried():
        return carried
    raise LipdataError(f"no ffmpeg found; pip install imageio-ffmpeg, or name one with {FFMPEG_VARIABLE}")


def ffmpeg_is_supported(binary: str) -> bool:
    """Whether its version lies between ``OLDEST`` and the one that imageio-ffmpeg carries: the tests run with both."""
    carried = _carried()
    return _version(binary) >= OLDEST and (not carried or _version(binary) <= _version(carried))


def _carried() -> str | None:
    # Not by its get_ffmpeg_exe: that asks ffmpeg for its version, and takes one that is killed for none.
    with contextlib.suppress(ModuleNotFoundError):
        carried = sorted(Path(str(resources.files("imageio_ffmpeg"))).glob("binaries/ffmpeg-*"))
        return str(carried[-1]) if carried else None
    return None


def _version(binary: str) -> tuple[int, int]:
    """Major and minor; a build without a number is of today."""
    number = re.match(r"n?(\d+)\.(\d+)", ffmpeg_version(binary))
    return (int(number[1]), int(number[2])) if number else (999, 0)


@functools.cache
def ffmpeg_version(binary: str) -> str:
    """What ``-version`` says; empty where it says nothing. One that is killed is asked again."""
    for _ in range(TRIES):
        asked = subprocess.run([binary, "-version"], capture_output=True, text=True, check=False)
        if asked.returncode >= 0:
            break
    said = re.match(r"ffmpeg version (\S+)", asked.stdout)
    return said[1] if said else ""


def memory_file() -> IO[bytes]:
    """A file for ffmpeg to write into, so that it never waits for us and nothing is copied. It has no name."""
    with contextlib.suppress(AttributeError, OSError):  # not Linux, or forbidden
        return os.fdopen(os.memfd_create("lipdata"), "r+b")
    return tempfile.TemporaryFile()


def mapped_output(file: IO[bytes]) -> memoryview:
    """All that was written. It takes up memory as long as it is kept.

    Raises:
        MemoryError: there is no room to map it.
    """
    size = os.fstat(file.fileno()).st_size
    try:
        return memoryview(mmap.mmap(file.fileno(), size) if size else b"")
    except OSError as error:
        raise MemoryError(str(error)) from error


def run_ffmpeg(command: list[str], outputs: list[IO[bytes]]) -> tuple[str, int]:
    """Run ffmpeg to its end.

    Args:
        outputs: the files of ``memory_file`` that it writes into as ``pipe:N``, N their number.

    Returns:
        What it said, and its exit status: negative where it was ended for writing more than ``MAX_BYTES``.

    Raises:
        ClipError: stage ``ffmpeg``: it took longer than ``TIMEOUT_S``; :class:`Killed`.
    """
    with (
        memory_file() as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            # Ctrl-C is for the run, which then ends its workers: an ffmpeg that ends by it looks like a damaged clip.
            process_group=0,
            pass_fds=[output.fileno() for output in outputs],
        ) as process,
    ):
        ended, late = threading.Event(), threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, [*outputs, log], ended, late), daemon=True)
        _running.add(process.pid)
        try:
            _limit(process.pid)
            watch.start()
            status = process.wait()
            ended.set()
            watch.join()  # before the files are closed that it looks at
        finally:
            ended.set()
            _kill(process.pid)
            _running.discard(process.pid)
        said = bytes(mapped_output(log)).decode("utf-8", "replace")
        stopped_by_size = status < 0 and _too_large([*outputs, log])
    if late.is_set():
        raise ClipError("ffmpeg", f"ffmpeg did not end within {TIMEOUT_S} s and was stopped")
    if status < 0 and not stopped_by_size:
        raise Killed("ffmpeg", f"ffmpeg was killed by signal {-status}")
    return said, status


def _watch(pid: int, outputs: list[IO[bytes]], ended: threading.Event, late: threading.Event) -> None:
    """End ffmpeg when it takes too long or fills the memory."""
    # By the tick: the time for which the machine or the run is suspended does not count.
    for _ in range(round(TIMEOUT_S / TICK_S)):
        if ended.wait(TICK_S):
            return
        if _too_large(outputs):
            break
    else:
        late.set()
    _kill(pid)


def _too_large(outputs: list[IO[bytes]]) -> bool:
    return any(os.fstat(output.fileno()).st_size > MAX_BYTES for output in outputs)


def _limit(pid: int) -> None:
    """By the kernel too: a process that is killed watches no more. A fault of ffmpeg's leaves no core behind."""
    limits = {resource.RLIMIT_FSIZE: MAX_BYTES + 1, resource.RLIMIT_CPU: 2 * TIMEOUT_S, resource.RLIMIT_CORE: 0}
    with contextlib.suppress(AttributeError, OSError):  # not Linux, forbidden, or done already
        for what, most in limits.items():
            _, hard = resource.prlimit(pid, what)
            if hard == resource.RLIM_INFINITY or hard > most:
                resource.prlimit(pid, what, (most, most))


def kill_running_ffmpegs() -> None:
    """End what ``run_ffmpeg`` has started in this process, which is about to end."""
    for pid in list(_running):
        _kill(pid)


def _kill(group: int) -> None:
    """End ffmpeg, and what it has started: it may be a script."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
