"""Versions of what the numbers depend on: other ones, other bytes."""

import functools
from collections.abc import Mapping
from importlib import metadata

from lipdata.config import Pipeline
from lipdata.errors import LipdataError
from lipdata.media import ffmpeg_binary, ffmpeg_version
from lipdata.plugins import DETECTORS, FEATURES, plugins_in_use

PACKAGES = {"dlib": "dlib-bin", "lipdata": "lipdata", "numpy": "numpy", "opencv": "opencv-python-headless"}


def installed_versions(pipeline: Pipeline) -> dict[str, str]:
    """Of ffmpeg, dlib, opencv, numpy and lipdata itself, and of the packages whose detector or features are used."""
    return _versions(pipeline.lips.detector, pipeline.shards.features)


@functools.cache
def _versions(detector: str, features: tuple[str, ...]) -> dict[str, str]:
    found = {name: metadata.version(package) for name, package in PACKAGES.items()}
    others = plugins_in_use({DETECTORS: (detector,), FEATURES: features})
    return {"ffmpeg": ffmpeg_version(ffmpeg_binary())} | found | others


def require_same_versions(begun: Mapping[str, str], there: Mapping[str, str], where: str, advice: str) -> None:
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
