"""What a report says of sync.csv: offsets by speaker, and the clips that deserve a look."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from lipdata.analysis.page_chart import page_chart
from lipdata.shards import BEYOND_FRAMES, SyncCounts, count_sync, is_beyond, is_confident

WORST = 20
# Speakers with a row of their own: those of the most clips; the others share one.
ROWS = 30
BAR, UNSURE, FAINT = "#0b6e99", "#d9730d", "#777777"
ROW_IN, FRAME_IN = 0.32, 1.0
BIN, TALLEST, LOWEST = 0.42, 0.85, 0.1


@dataclass(frozen=True)
class SyncSection:
    """What the page shows.

    Attributes:
        worst: clip ids, the worst first; ``shown``: what each has, in words; ``flagged``: those off by over a frame.
        chart: offsets by speaker, a data URI by theme; empty where no clip has an answer. ``height``: in CSS pixels.
        median: of the offsets, frames.
    """

    counts: SyncCounts
    median: float
    chart: dict[str, str]
    height: int
    worst: list[str]
    shown: dict[str, str]
    flagged: dict[str, str]


def sync_section(table: pd.DataFrame, speakers: pd.Series) -> SyncSection:
    """Prepare a sync table for the page.

    Args:
        table: as of :func:`lipdata.shards.read_sync`.
        speakers: names, by clip id.
    """
    answered = table[table.reason == ""]
    rows = speaker_rows(answered.clip_id.map(speakers))
    height_in = FRAME_IN + ROW_IN * rows.nunique()
    worst = worst_synced(answered)
    of_worst = answered.set_index("clip_id").loc[worst].reset_index()
    return SyncSection(
        counts=count_sync(table),
        median=float(answered.offset_frames.median()),
        chart=page_chart(lambda axes: draw_offsets(axes, answered, rows), height_in) if len(answered) else {},
        height=round(100 * height_in),
        worst=worst,
        shown=dict(zip(worst, map(_shown, of_worst.to_dict("records")), strict=True)),
        flagged={
            clip_id: f"sound {'late' if offset > 0 else 'early'} by {abs(offset):.1f} frames"
            for clip_id, offset in of_worst[is_beyond(of_worst)][["clip_id", "offset_frames"]].values
        },
    )


def worst_synced(answered: pd.DataFrame) -> list[str]:
    """Clips to look at: first those confidently off by over a frame, the furthest first, then the least confident."""
    beyond = is_beyond(answered)
    order = answered.offset_frames.abs().mul(-1).where(beyond, answered.confidence_sd)
    ranked = answered.assign(beyond=~beyond, order=order).sort_values(["beyond", "order", "clip_id"])
    return list(ranked.clip_id[:WORST])


def speaker_rows(speakers: pd.Series) -> pd.Series:
    """The name of each clip's row in the chart: its speaker, or ``others`` where there are too many speakers."""
    commonest = speakers.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable").index
    return speakers if len(commonest) <= ROWS else speakers.where(speakers.isin(commonest[: ROWS - 1]), "others")


def draw_offsets(axes: Axes, answered: pd.DataFrame, rows: pd.Series) -> None:
    """A histogram a row, in bins of half a frame; each row's largest bin is as high as the row."""
    names = sorted(rows.unique(), key=lambda name: (name == "others", name))
    offsets, sure = (2 * answered.offset_frames).round() / 2, is_confident(answered)
    widest = max(2.0, math.ceil(offsets.abs().max()) + 0.5)
    axes.axvspan(-BEYOND_FRAMES, BEYOND_FRAMES, color=FAINT, alpha=0.16, linewidth=0)
    for place, name in enumerate(names):
        bins = pd.crosstab(offsets[rows == name], sure[rows == name]).reindex(columns=[True, False], fill_value=0)
        # The bin of one clip can be seen also where another holds a hundred.
        heights = np.maximum(TALLEST * bins / bins.sum(axis=1).max(), LOWEST * (bins > 0))
        axes.bar(bins.index, -heights[True], BIN, place, color=BAR)
        axes.bar(bins.index, -heights[False], BIN, place - heights[True], color=UNSURE)
        clips = int(bins.to_numpy().sum())
        axes.text(widest, place, f" {clips} clip{'s' * (clips != 1)}", fontsize=8, va="bottom")
    for flag, colour, label in ((True, BAR, "confident"), (False, UNSURE, "not confident")):
        axes.bar(0, 0, color=colour, label=f"{label} ({int((sure == flag).sum())})")
    axes.set_xlim(-widest, widest)
    axes.set_ylim(len(names) - 0.9, -1)
    axes.xaxis.set_major_locator(MultipleLocator(1 if widest < 8 else 2 if widest < 16 else 5))
    # A speaker's name is no formula, whatever dollar signs are in it.
    axes.set_yticks(range(len(names)), names, fontsize=8, va="bottom", parse_math=False)
    axes.set_xlabel("offset in frames; positive: the mouth moves before its sound")
    axes.grid(axis="y", color=FAINT, alpha=0.4, linewidth=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8, frameon=False, borderaxespad=0)


def _shown(row: dict[str, Any]) -> str:
    parts = [
        f"offset {row['offset_frames']:+.1f} frames ({1000 * row['offset_frames'] / row['fps']:+.0f} ms)",
        f"confidence {row['confidence_sd']:.1f} sd",
        f"distance {row['distance']:.2f}",
    ]
    if not math.isnan(row["offset_min"]):
        parts.append(f"windows {row['offset_min']:+.1f} to {row['offset_max']:+.1f}")
    if row["moved_s"]:
        parts.append(f"moved by {1000 * row['moved_s']:.0f} ms before")
    return " · ".join(parts)
