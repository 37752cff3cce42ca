"""The real clips and the synthetic corpus together, in one folder."""

import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from lipdata.errors import LipdataError
from lipdata.samples.real_clips import write_grid_clips
from lipdata.samples.synthetic_corpus import write_synthetic_corpus


def write_demo(
    out: Path, n_synthetic: int = 12, progress: Callable[[int, int], None] | None = None
) -> tuple[list[Path], list[Path]]:
    """Write ``out/grid``, eight real clips, and ``out/synthetic``; each appears whole or not at all.

    Args:
        n_synthetic: clips of the synthetic corpus.
        progress: called after each of these with how many are written and how many there will be.

    Returns:
        The paths of the real clips and of the synthetic ones.

    Raises:
        LipdataError: one of the two is there already, or as of :func:`write_synthetic_corpus`.
    """
    places = {name: out / name for name in ("grid", "synthetic")}
    for place in places.values():
        if place.exists():
            raise LipdataError(f"{place} is there already; nothing is overwritten: remove it, or name another folder")
    hidden = out / f".{platform.node()}.{os.getpid()}.part"
    try:
        write_synthetic_corpus(hidden / "synthetic", n_synthetic, progress)
        write_grid_clips(hidden / "grid")
        for name, place in places.items():
            (hidden / name).rename(place)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return tuple(sorted(place.glob("*/*.mpg")) for place in places.values())  # type: ignore[return-value]
