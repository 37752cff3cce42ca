"""The clips of a split, and whether they give enough windows."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lipdata.corpus import ManifestRow
from lipdata.errors import LipdataError

if TYPE_CHECKING:
    from lipmodel.data.windows import WindowDataset


def clip_ids_of(rows: Sequence[ManifestRow], split: str) -> set[str]:
    """The clips that a manifest puts into ``split``."""
    return {row.clip_id for row in rows if row.split == split}


def require_windows(windows: "WindowDataset", rows: Sequence[ManifestRow], split: str) -> None:
    """Refuse a split that gives nothing to learn from.

    Raises:
        LipdataError: the manifest has no clip of ``split``, or the shards hold none of them, or only short ones.
    """
    listed = len(clip_ids_of(rows, split))
    if not listed:
        counts = sorted(Counter(row.split for row in rows).items())
        there = ", ".join(f"{name or 'empty'} {count}" for name, count in counts) or "none at all"
        raise LipdataError(f"the manifest has no clip of split {split!r}; it has: {there}; choose with --split")
    if not len(windows):
        held = f"the shards hold {windows.clips} of the {listed} clips of split {split!r}"
        short = f"{windows.short_clips} too short for a window of {windows.frames} frames"
        raise LipdataError(f"{held}, {short}; use the manifest beside the shards")


def require_batch(n_windows: int, batch: int, devices: int) -> None:
    """Refuse fewer windows than a step takes, or one alone.

    Raises:
        LipdataError: as said.
    """
    if n_windows == 1:
        raise LipdataError("1 window, and each goes with another that its sound does not fit; add clips")
    if n_windows < batch * devices:
        some = f"{n_windows} windows, a step takes {batch} on each of {devices} devices"
        raise LipdataError(f"{some}; add clips, or take --batch {n_windows // devices}")
