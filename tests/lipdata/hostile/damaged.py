"""Damaged files: cut off, bytes flipped, zeros in the middle."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.lipdata.hostile import judge
from tests.lipdata.hostile.case import LOSSLESS, MP4, MPEG, Case, Good, Make, ffmpeg

Change = Callable[[bytearray, Random], None]
# The corpus' own file where there is no coding, else the short clip.
FASTSTART = (*MP4, "-movflags", "faststart")
CUT = (*3 * [("mpg", ())], ("mp4", FASTSTART), ("mp4", MP4), ("mkv", LOSSLESS), ("ts", MP4), ("avi", MPEG))
CHANGED = ("mpg", ()), ("mpg", ()), ("mp4", MP4), ("ts", MP4), ("mkv", MP4)


def truncated() -> Iterator[Case]:
    said = r"media: (no (picture|sound) in it|\d+ frames; a window needs 16|decoder complained)"
    for seed in range(40):
        suffix, coding = CUT[seed % len(CUT)]
        right = judge.begins_like if coding in ((), LOSSLESS) else judge.sane(2)
        name, of = f"cut{seed}.{suffix}", "short" if coding else "whole"
        yield Case("truncated", name, _changed(cut_off, seed, coding), right, said, of)


def bytes_changed() -> Iterator[Case]:
    said = r"media: (no (picture|sound) in it|\d+ frames; a window|no picture in frames|its time stamps)"
    said += "|media: (its picture or|decoder complained)|lips: (no face|the mouth)"
    for kind, change, n in (("bytes flipped", flip, 40), ("zeros in the middle", zero, 25)):
        for seed in range(n):
            suffix, coding = CHANGED[seed % len(CHANGED)]
            name, of = f"{kind.split()[0]}{seed}.{suffix}", "short" if coding else "whole"
            yield Case(kind, name, _changed(change, seed, coding), judge.sane(4), said, of)


def cut_off(content: bytearray, random: Random) -> None:
    del content[random.randrange(len(content) // 50, len(content)) :]


def flip(content: bytearray, random: Random) -> None:
    """4 to 1024 bits."""
    for _ in range(4 ** random.randrange(1, 6)):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)


def zero(content: bytearray, random: Random) -> None:
    """64 bytes to 32 KiB, behind the first tenth."""
    length = min(2 ** random.randrange(6, 16), len(content) // 4)
    start = random.randrange(len(content) // 10, len(content) - length)
    content[start : start + length] = bytes(length)


def _changed(change: Change, seed: int, coding: tuple[str, ...]) -> Make:
    def make(good: Good, out: Path) -> None:
        if coding:
            ffmpeg("-i", good.short, *coding, out)
        content = bytearray((out if coding else good.whole).read_bytes())
        change(content, Random(seed))
        out.write_bytes(content)

    return make
