"""Which clips of a shard folder deserve a look, and why: each flag is a rule with a number, shown to the reader."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pandas as pd

from lipdata.errors import LipdataError
from lipdata.shards import OK, Clip, ClipPlace, Shard

# In 162 real GRID clips every frame has a deviation of 13.4 grey levels and a colour of 35 or more; the mouth of the
# corpus' known damaged clip, s1/lgbf8n, has at most 4.6 and 6.4 before its first key frame.
FLAT_LEVELS, COLOUR_LEVELS = 6, 8
# In the same clips a band reaches -20 dB in 99.6 % of the frames, pauses included, and 17 dB in every clip.
SILENT_DB, QUIET_DB = -60, -10


@dataclass(frozen=True)
class Rule:
    """A clip is flagged where its ``column`` is above ``most``, or is no number.

    Attributes:
        says: the rule, for the reader of a report.
        column: of the table of :func:`measure_quality`, or of what :func:`find_flags` adds to it.
        shows: what a flagged clip has, written with the columns of its row.
    """

    name: str
    says: str
    column: str
    most: float
    shows: str

    def broken(self, measurements: pd.DataFrame) -> pd.Series:
        """Which rows break it [shape=(clips,)]."""
        return ~(measurements[self.column] <= self.most)


RULES = (
    Rule(
        "flat",
        f"the grey levels (0 to 255) of a frame have a standard deviation under {FLAT_LEVELS}",
        "flat_frames",
        0,
        "{flat_frames} of {n_frames} frames",
    ),
    Rule(
        "grey",
        f"a frame has no colour: largest less smallest of R, G and B under {COLOUR_LEVELS} levels, mean of its pixels",
        "grey_frames",
        0,
        "{grey_frames} of {n_frames} frames",
    ),
    Rule(
        "interpolated",
        "the landmarks of more than 10 % of the frames are interpolated",
        "interpolated_percent",
        10,
        "{interpolated_percent:.0f} % of {n_frames} frames",
    ),
    Rule(
        "offset",
        "the sound began more than 0.1 s earlier or later, against the picture, than in the median clip",
        "from_median_s",
        0.1,
        "{av_offset_s:+.3f} s; median {median_s:+.3f} s",
    ),
    Rule(
        "silent",
        f"more than 60 % of the frames are silent: no mel band reaches {SILENT_DB} dB (-100 dB is the floor)",
        "silent_percent",
        60,
        "{silent_percent:.0f} % of {n_frames} frames",
    ),
    Rule(
        "quiet",
        f"no mel band of any frame reaches {QUIET_DB} dB",
        "below_loud_db",
        0,
        "loudest band {loudest_db:.0f} dB",
    ),
    Rule(
        "damage",
        "the decoder complained, or frames were held over holes in the time stamps",
        "complained",
        0,
        "{reason}",
    ),
)


@dataclass(frozen=True)
class Flag:
    """That a clip breaks a rule. ``shown``: what it has, in words; ``excess``: how far above the rule's number."""

    clip_id: str
    rule: str
    shown: str
    excess: float


def find_flags(measurements: pd.DataFrame, entries: pd.DataFrame) -> list[Flag]:
    """The flags of all clips, in the rules' order, then by clip id.

    Args:
        measurements: of :func:`measure_quality`, of all shards.
        entries: the ledger.

    Raises:
        LipdataError: the ledger does not have the same clips as ok.
    """
    ok = entries[entries.status == OK]
    count = Counter(measurements.clip_id)
    count.subtract(ok.clip_id)
    odd = [clip_id for clip_id, more in count.items() if more]
    if odd:
        raise LipdataError(f"{min(odd)}: ledger and shards disagree about it; see: lipdata check")
    table = measurements.merge(ok[["clip_id", "av_offset_s", "reason"]], on="clip_id").sort_values("clip_id")
    median_s = table.av_offset_s.median()
    from_median_s = (table.av_offset_s - median_s).abs()
    table = table.assign(median_s=median_s, from_median_s=from_median_s, complained=(table.reason != "").astype(int))
    return [
        Flag(row["clip_id"], rule.name, rule.shows.format(**row), row[rule.column] - rule.most)
        for rule in RULES
        for row in table[rule.broken(table)].to_dict("records")
    ]


def measure_quality(shard: Shard) -> pd.DataFrame:
    """What the rules are about, of every clip of a shard: one row a clip.

    Raises:
        LipdataError: its frames are no RGB pictures.
    """
    frames, mel = shard.array("frames").shape, shard.array("mel").shape
    if frames[-1] != 3 or 0 in frames + mel:
        raise LipdataError(f"{shard.path}: frames are {frames}, mel {mel}; wanted RGB pictures and sound; ingest again")
    return pd.DataFrame([_row(shard, place) for place in shard.clips])


def marked_frames(clip: Clip) -> np.ndarray:
    """Which frames are flat, grey or interpolated [shape=(T,)]."""
    return flat_frames(clip.frames) | grey_frames(clip.frames) | ~clip.tracked


def flat_frames(frames: np.ndarray) -> np.ndarray:
    """Which frames are of one grey level, or nearly [shape=(T,)]. ``frames``: uint8 RGB [shape=(T, H, W, 3)]."""
    grey_frames = cv2.cvtColor(_tall(frames), cv2.COLOR_RGB2GRAY).reshape(len(frames), -1)
    return np.array([cv2.meanStdDev(levels)[1].item() < FLAT_LEVELS for levels in grey_frames])


def grey_frames(frames: np.ndarray) -> np.ndarray:
    """Which frames have no colour, or nearly none [shape=(T,)]. ``frames``: uint8 RGB [shape=(T, H, W, 3)]."""
    red, green, blue = cv2.split(_tall(frames))
    colour = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    return colour.reshape(len(frames), -1).mean(1) < COLOUR_LEVELS


def silent_frames(mel: np.ndarray) -> np.ndarray:
    """In which frames no band is heard [shape=(T,)]. ``mel``: dB re 1.0 [shape=(T, columns, mels)]."""
    return mel.max((1, 2)) < SILENT_DB


def _tall(frames: np.ndarray) -> np.ndarray:
    """All frames one below the other, as one picture."""
    return frames.reshape(-1, *frames.shape[2:])  # T * H, W, 3


def _row(shard: Shard, place: ClipPlace) -> dict[str, Any]:
    where = slice(place.start, place.start + place.length)
    frames, mel, tracked = (shard.array(name)[where] for name in ("frames", "mel", "tracked"))
    loudest_db = float(mel.max())
    return {
        "clip_id": place.clip_id,
        "n_frames": place.length,
        "flat_frames": int(flat_frames(frames).sum()),
        "grey_frames": int(grey_frames(frames).sum()),
        "interpolated_percent": 100 * float((~tracked).mean()),
        "silent_percent": 100 * float(silent_frames(mel).mean()),
        "loudest_db": loudest_db,
        "below_loud_db": QUIET_DB - loudest_db,
    }
