"""Versions of what the numbers depend on: other ones, other bytes."""

import functools
from collections.abc import Mapping
from importlib import metadata

from lipdata.errors import LipdataError
from lipdata.ffmpeg_process import ffmpeg_binary, ffmpeg_version

PACKAGES = {"dlib": "dlib-bin", "lipdata": "lipdata", "numpy": "numpy", "opencv": "opencv-python-headless"}


@functools.cache
def versions() -> dict[str, str]:
    """Of ffmpeg, dlib, opencv, numpy and lipdata itself, on this machine."""
    found = {name: metadata.version(package) for name, package in PACKAGES.items()}
    return {"ffmpeg": ffmpeg_version(ffmpeg_binary())} | found


def require_same(begun: Mapping[str, str], there: Mapping[str, str], where: str, advice: str) -> None:
    """Refuse to go on with a dataset by other versions than it was begun with.

    Args:
        where, advice: what has the others and what to do about it, for the message.

    Raises:
        LipdataError: names them.
    """
    other = [
        f"{name} {begun.get(name, 'unknown')}, {where} is {there[name]}"
        for name in there
        if begun.get(name) != there[name]
    ]
    if other:
        raise LipdataError(f"the dataset was begun with {'; '.join(other)}: {advice}")
