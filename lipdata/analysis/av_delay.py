"""How long a mouth moves before its sound: the study of Fig. 4 (paper, section 3.2, "Correlation Networks")."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from lipdata.errors import LipdataError
from lipdata.shards import WINDOW, ClipPlace, Shard

# Frames by which the motion is shifted to later times, as in the paper.
OFFSETS = range(8)
R_COLUMNS = [f"r_{offset}" for offset in OFFSETS]
COLUMNS = ["clip_id", "speaker", "fps", "n_frames", *R_COLUMNS, "best_offset", "reason"]
# At offset 7 a training window has 8 pairs left; of fewer a correlation means little.
MIN_FRAMES = WINDOW

# The square of every float16, found by its bits: measured on one core, a clip of 75 frames takes 0.84 ms so, 1.22 ms by
# astype(float32) and the absolute value of complex numbers, 6 ms by numpy.linalg.vector_norm.
with np.errstate(over="ignore", invalid="ignore"):
    _SQUARES = np.square(np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32))


def delay_table(shards: Iterable[Shard], report: Callable[[int], None] = lambda done: None) -> pd.DataFrame:
    """Correlate sound and motion of every clip at every offset.

    Args:
        report: called after each clip with the clips done.

    Returns:
        One row a clip, sorted by clip_id, columns ``COLUMNS``: ``r_k`` as of :func:`correlations`, rounded to six
        digits; ``best_offset``, the smallest of those with the highest r, in frames. Of a clip that cannot be measured
        both are missing and ``reason`` says why.

    Raises:
        LipdataError: a shard's flow has not two components.
    """
    rows: list[dict[str, Any]] = []
    # A copy's maps go with it: memory holds the pages of one shard at a time, not of the whole folder.
    for shard in map(copy.copy, shards):
        if shard.array("flow").shape[-1] != 2:
            got = shard.array("flow").shape
            raise LipdataError(f"{shard.path}: flow is {got}; its last axis should be 2, (dx, dy); ingest again")
        for clip in shard.clips:
            rows.append(_row(shard, clip))
            report(len(rows))
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values("clip_id", kind="stable", ignore_index=True)
    return table.astype(dict.fromkeys(R_COLUMNS, float) | {"best_offset": "Int64"})


def delay_summary(table: pd.DataFrame) -> str:
    """What a study found, in one or two lines for a person.

    Args:
        table: as of :func:`delay_table`.
    """
    measured = table[table.reason == ""]
    line = f"found {len(table)} = measured {len(measured)} + unmeasurable {len(table) - len(measured)}"
    if measured.empty:
        return line
    counts = measured.best_offset.value_counts().reindex(OFFSETS, fill_value=0)
    best, fps = counts.idxmax(), table.fps.iloc[0]
    return (
        f"{line}\nmost frequent best offset {best} frames ({1000 * best / fps:.0f} ms; {counts[best]} clips), "
        f"median best r {measured[R_COLUMNS].max(axis=1).median():.3f}, mean r at offset 0 {measured.r_0.mean():.3f}"
    )


def mel_change(mel: np.ndarray) -> np.ndarray:
    """Mean absolute change of the log-mel from each frame to the next, dB.

    Args:
        mel: [shape=(T, columns, mels)].

    Returns:
        float64 [shape=(T - 1,)]; not finite where mel is not.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return np.abs(np.diff(mel, axis=0)).mean((1, 2), dtype=np.float64)


def mean_motion(flow: np.ndarray) -> np.ndarray:
    """Mean length of the flow from each frame to the next, crop pixels a frame.

    Args:
        flow: (dx, dy), float16; that of the last frame, which has no next, is left out [shape=(T, H, W, 2)].

    Returns:
        float64 [shape=(T - 1,)]; not finite where flow is not.
    """
    squares = _SQUARES.take(flow[:-1].view(np.uint16))  # T - 1, H, W, 2
    lengths = squares[..., 0] + squares[..., 1]
    return np.sqrt(lengths, out=lengths).mean((1, 2)).astype(np.float64)


def correlations(change: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Pearson correlation of sound and motion at every offset k: of ``change[t]`` with ``moved[t - k]``.

    Offset k shifts the motion k frames to later times, so that a mouth that moves k frames before its sound meets it.
    Only frames that overlap count.

    Args:
        change: as of :func:`mel_change` [shape=(T - 1,)].
        moved: as of :func:`mean_motion` [shape=(T - 1,)].

    Returns:
        -1 to 1 [shape=(8,)].

    Example: the mouth moves two frames before its sound.
        >>> moved = np.sin(np.arange(40.0) ** 2)
        >>> r = correlations(np.roll(moved, 2), moved)
        >>> int(r.argmax()), float(r.max().round(6))
        (2, 1.0)
    """
    return np.array([_pearson(change[offset:], moved[: len(moved) - offset]) for offset in OFFSETS])


def _pearson(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))


def _row(shard: Shard, clip: ClipPlace) -> dict[str, Any]:
    frames = slice(clip.start, clip.start + clip.length)
    change, moved = mel_change(shard.array("mel")[frames]), mean_motion(shard.array("flow")[frames])
    row = {"clip_id": clip.clip_id, "speaker": clip.speaker, "fps": int(shard.attributes["fps"])}
    row |= {"n_frames": clip.length, "reason": _why_not(change, moved)}
    if row["reason"]:
        return row
    r = correlations(change, moved).round(6)
    return row | dict(zip(R_COLUMNS, r, strict=True)) | {"best_offset": int(r.argmax())}


def _why_not(change: np.ndarray, moved: np.ndarray) -> str:
    """Why a clip has no correlation at every offset, in one line; empty where it has."""
    if len(change) + 1 < MIN_FRAMES:
        return f"{len(change) + 1} frames; at least {MIN_FRAMES} wanted"
    for what, series in (("log-mel", change), ("flow", moved)):
        if not np.isfinite(series).all():
            return f"its {what} holds values that are not finite"
    # What is constant at some offset is so at the last, whose overlap lies within all others.
    last = OFFSETS[-1]
    for what, series, unit in (("sound", change[last:], "dB"), ("mouth", moved[:-last], "pixels")):
        # Means of float32: a difference this small is none.
        if np.ptp(series) <= 1e-6 * series.max():
            return f"its {what} changes by {series.mean():.4g} {unit} at every frame: nothing to correlate"
    return ""
