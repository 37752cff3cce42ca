"""The picture of the delay study, in the layout of the paper's Fig. 4."""

import io
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lipdata.analysis.av_delay import OFFSETS, R_COLUMNS, delay_summary, delay_table
from lipdata.atomic_files import write_atomic
from lipdata.corpus import Watch
from lipdata.errors import LipdataError
from lipdata.shards import open_shards

N_EXAMPLES = 4
COLOURS = ("#0b6e99", "#d9730d", "#448361", "#9065b0")
MARKERS = ("o", "s", "^", "D")
BAR, FAINT = "#0b6e99", "#787774"


def delay_paths(png: Path, *, overwrite: bool) -> tuple[Path, Path]:
    """Where picture and table go: ``png``, and the same name with ``.csv``. Asked before a long study, not after it.

    Raises:
        LipdataError: ``png`` has another ending or no folder, or one of the two is there and not to be overwritten.
    """
    if png.suffix != ".png":
        raise LipdataError(f"-o {png}; allowed: a name that ends in .png; the table goes beside it as .csv")
    if not png.parent.is_dir():
        raise LipdataError(f"{png} cannot be written: there is no folder {png.parent}; make it first")
    csv = png.with_suffix(".csv")
    there = next((path for path in (png, csv) if path.exists()), None)
    if there is not None and not overwrite:
        raise LipdataError(f"{there} is there already; choose another -o or say --overwrite")
    return png, csv


def write_delay_study(folder: Path, png: Path, *, overwrite: bool, watch: Watch) -> str:
    """Correlate sound and motion of every clip of a shard folder; write the picture, and the table beside it as CSV.

    Returns:
        What was found, in one or two lines.

    Raises:
        LipdataError: as of :func:`delay_paths` and :func:`lipdata.shards.open_shards`.
    """
    png, csv = delay_paths(png, overwrite=overwrite)
    shards = open_shards(folder)
    with watch(sum(len(shard.clips) for shard in shards)) as done:
        table = delay_table(shards, done)
    save_delay(table, png, csv)
    return delay_summary(table)


def save_delay(table: pd.DataFrame, png: Path, csv: Path) -> None:
    """Write the study's table (UTF-8, LF, six digits) and its picture; the same table gives the same bytes."""
    write_atomic(csv, table.to_csv(index=False, lineterminator="\n", float_format="%.6f").encode())
    write_atomic(png, delay_png(table))


def delay_png(table: pd.DataFrame) -> bytes:
    """Both panels as a PNG of 1500 x 660 pixels; the same table gives the same bytes.

    Args:
        table: as of :func:`lipdata.analysis.delay_table`.
    """
    figure = Figure(figsize=(10, 4.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    draw_examples(left, table)
    draw_histogram(right, table)
    png = io.BytesIO()
    # Software names matplotlib's version, which is no part of the picture.
    figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


def draw_examples(axes: Axes, table: pd.DataFrame) -> None:
    """Fig. 4 (a): r against offset, of the clips of :func:`example_clips`."""
    for clip, colour, marker in zip(example_clips(table).itertuples(), COLOURS, MARKERS, strict=False):
        r = [getattr(clip, name) for name in R_COLUMNS]
        axes.plot(OFFSETS, r, color=colour, marker=marker, markersize=4, label=clip.clip_id)
        axes.plot(clip.best_offset, r[clip.best_offset], "o", markersize=11, mfc="none", color=colour)
    axes.set_title("(a) four clips, each typical of its best offset", fontsize=10)
    axes.set_ylabel("Pearson r of sound change and motion")
    axes.axhline(0, color=FAINT, linewidth=0.8)
    _offset_axis(axes, table)
    if axes.get_legend_handles_labels()[0]:
        # A clip's name is no formula, whatever dollar signs are in it.
        for name in axes.legend(fontsize=8, edgecolor="none", framealpha=0.9).get_texts():
            name.set_parse_math(False)


def draw_histogram(axes: Axes, table: pd.DataFrame) -> None:
    """Fig. 4 (b): how many clips correlate best at each offset; the title says how many could be measured.

    Args:
        table: as of :func:`lipdata.analysis.delay_table`.
    """
    counts = table.best_offset.value_counts().reindex(OFFSETS, fill_value=0)
    axes.margins(y=0.08)
    axes.bar_label(axes.bar(OFFSETS, counts, color=BAR), fontsize=8, color=FAINT)
    axes.set_title(f"(b) best offset of {counts.sum()} clips", fontsize=10)
    axes.set_ylabel("clips")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    _offset_axis(axes, table)


def example_clips(table: pd.DataFrame) -> pd.DataFrame:
    """Four clips to show: of each of the four commonest best offsets, the clip with the median of their best r.

    The smaller offset of equally common ones, the lower of two in the middle; by offset; fewer where fewer offsets are
    best.
    """
    ranked = table.assign(best_r=table[R_COLUMNS].max(axis=1)).sort_values(["best_r", "clip_id"])
    groups = [clips for _, clips in ranked.groupby("best_offset")]
    common = sorted(groups, key=lambda clips: (-len(clips), clips.best_offset.iloc[0]))[:N_EXAMPLES]
    middle = [clips.iloc[[(len(clips) - 1) // 2]] for clips in common]
    return pd.concat([ranked.head(0), *middle]).sort_values("best_offset")


def _offset_axis(axes: Axes, table: pd.DataFrame) -> None:
    fps = table.fps.iloc[0]
    axes.set_xticks(OFFSETS, [f"{offset}\n{1000 * offset / fps:.0f} ms" for offset in OFFSETS], fontsize=9)
    axes.set_xlabel("offset: frames that the motion is shifted to later times")
    axes.spines[["top", "right"]].set_visible(False)
