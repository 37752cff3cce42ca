"""One damaged or odd file: what it is made from, how, and what is right."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe

from lipdata.shards import FAILED, Clip, LedgerEntry
from tests.lipdata.hostile.judge import Check

# Speech, and shorter than a clip: 30 frames are two windows.
BEGIN_S, LENGTH_S = 0.6, 1.2
LOSSLESS = ("-c:v", "ffv1", "-c:a", "pcm_s16le")
H264 = ("-c:v", "libx264", "-qp", "12", "-preset", "ultrafast", "-threads", "1")
MP4 = (*H264, "-c:a", "aac", "-b:a", "192k")
MPEG = ("-c:v", "mpeg1video", "-q:v", "2", "-c:a", "mp2", "-b:a", "224k")


@dataclass(frozen=True)
class Good:
    """A real clip, and short lossless pieces of it and of another speaker's.

    Attributes:
        whole: the corpus' own MPEG-1 file.
        short: LENGTH_S of it in Matroska, ffv1 and PCM.
        other: as ``short``, of somebody else.
    """

    whole: Path
    short: Path
    other: Path


Make = Callable[[Good, Path], object]


@dataclass(frozen=True)
class Case:
    """One damaged or odd file.

    Attributes:
        kind: the row of the table it belongs to.
        name: its file name; unique.
        make: writes the file.
        right: what its data must be beside those of the undamaged clip; None: it must fail.
        failure: ``stage: reason`` that is right too, a pattern; empty: it must be ok.
        of: the undamaged clip, ``whole`` or ``short``.
    """

    kind: str
    name: str
    make: Make
    right: Check | None = None
    failure: str = ""
    of: str = "short"


def verdict(case: Case, entry: LedgerEntry, made: Clip | None, real: Clip) -> str:
    """What is wrong with the end of a case; empty where nothing is."""
    if entry.status == FAILED:
        said = f"{entry.stage}: {entry.reason}"
        return "" if case.failure and re.match(case.failure, said) else f"failed, {said}"
    if made is None or case.right is None:
        return "ok, and it should have failed"
    return case.right(made, real)


def prepare(whole: Path, other: Path, folder: Path) -> Good:
    """``whole`` as it is, and the short pieces, written to ``folder``."""
    short = [folder / "short.mkv", folder / "other.mkv"]
    for path, out in zip((whole, other), short, strict=True):
        ffmpeg("-i", path, "-ss", BEGIN_S, "-t", LENGTH_S, *LOSSLESS, out)
    return Good(whole, *short)


def ffmpeg(*arguments: object) -> None:
    """Always the bundled one: whichever decodes, the files are the same, and older ones cannot turn pictures."""
    command = [get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-threads", "1", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def coded(*options: object) -> Make:
    """The short clip with other coding, filters or streams."""
    return lambda good, out: ffmpeg("-i", good.short, *options, out)


def number(rate: str) -> float:
    """Of a fraction: "30000/1001"."""
    over, _, under = rate.partition("/")
    return float(over) / float(under or 1)


def still(suffix: str) -> bytes:
    """A picture file."""
    return cv2.imencode(suffix, np.full((288, 360, 3), 90, np.uint8))[1].tobytes()
