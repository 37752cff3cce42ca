"""A shard folder on one page of HTML that needs nothing else: no network, no script, no file beside it."""

import copy
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes

from lipdata.analysis.av_delay import OFFSETS, delay_summary, delay_table
from lipdata.analysis.delay_plot import draw_histogram
from lipdata.analysis.page_chart import page_chart
from lipdata.analysis.quality import RULES, Flag, find_flags, marked_frames, measure_quality
from lipdata.analysis.strips import Strip, film_strip, flow_legend, liveliest_strip
from lipdata.analysis.sync_section import SyncSection, sync_section
from lipdata.atomic_files import write_atomic
from lipdata.corpus import ManifestRow, Watch, hash_fraction, read_manifest
from lipdata.errors import LipdataError
from lipdata.shards import (
    CONFIDENT_SD,
    FAILED,
    OK,
    SYNC_FILE,
    UNMATCHED,
    Clip,
    Shard,
    Summary,
    n_windows,
    open_shards,
    read_ledger,
    summarise,
    sync_of,
)

# Clips shown as samples, and pictured of each rule: these keep the page small. Its tables list every clip.
SAMPLES, PICTURED = 12, 6


@dataclass(frozen=True)
class Group:
    """The clips of a speaker or of a split; minutes and windows of those that are ok."""

    name: str
    ok: int
    failed: int
    minutes: float
    windows: int


@dataclass(frozen=True)
class Shown:
    """A clip with its picture."""

    row: ManifestRow
    n_frames: int
    strip: Strip


def write_report(folder: Path, target: Path, *, overwrite: bool, watch: Watch) -> tuple[Summary, int]:
    """Write the page about a shard folder. The same folder gives the same bytes.

    Returns:
        the folder's summary, and how many of its clips are flagged.

    Raises:
        LipdataError: ``folder`` is no whole shard folder, its sync.csv is of other shards, or ``target`` is there
            and not to be overwritten.
    """
    if target.exists() and not overwrite:
        raise LipdataError(f"{target} is there already; choose another -o or say --overwrite")
    if not target.absolute().parent.is_dir():
        raise LipdataError(f"{target} cannot be written: there is no folder {target.absolute().parent}; make it first")
    summary, ledger = summarise(folder), read_ledger(folder / "ledger.csv")
    entries = ledger[ledger.status != UNMATCHED]
    rows = {row.clip_id: row for row in read_manifest(folder / "manifest.csv")}
    if set(rows) != set(entries.clip_id):
        raise LipdataError(f"{folder}: manifest.csv and ledger.csv have different clips; see: lipdata check {folder}")
    about = _about(folder / "dataset.json")
    sync = _sync(folder / SYNC_FILE, rows, entries)
    context = {
        "name": folder.resolve().name,
        "summary": summary,
        "about": about,
        "pipeline": json.dumps(about["pipeline"], indent=2, ensure_ascii=False),
        "splits": _groups(entries, entries.clip_id.map(lambda clip_id: rows[clip_id].split or "no split")),
        "speakers": _groups(entries, entries.clip_id.map(lambda clip_id: rows[clip_id].speaker or "no speaker")),
        "failed": entries[entries.status == FAILED].to_dict("records"),
        "unmatched": list(ledger[ledger.status == UNMATCHED].clip_id),
        "sync": sync,
        "confident_sd": CONFIDENT_SD,
    }
    # Where every clip failed there are no shards, and a report is wanted most.
    found = open_shards(folder) if summary.ok else []
    context |= _seen(found, entries, rows, sync.worst if sync else (), watch)
    # A folder's name may hold bytes that are no character.
    write_atomic(target, _template().render(context).encode("utf-8", "replace"))
    return summary, len(context["flagged"])


def sample_clips(entries: pd.DataFrame, rows: dict[str, ManifestRow]) -> list[str]:
    """Clips to show: one of each speaker first, then a second of each, and so on; which, a hash of the clip id says."""
    ok = entries[entries.status == OK]
    # Not the hash of the bare clip id: that decides the split, and its smallest are val.
    order = ok.clip_id.map(lambda clip_id: hash_fraction(f"sample {clip_id}"))
    ok = ok.assign(order=order, speaker=ok.clip_id.map(lambda clip_id: rows[clip_id].speaker)).sort_values("order")
    turn = ok.groupby("speaker").cumcount()
    return sorted(ok.assign(turn=turn).sort_values(["turn", "order"]).clip_id[:SAMPLES])


def worst_clips(raised: Iterable[Flag]) -> list[str]:
    """Clips to picture: of each rule the worst, by clip id where they are alike."""
    by_rule: dict[str, list[Flag]] = {}
    for flag in raised:
        by_rule.setdefault(flag.rule, []).append(flag)
    chosen = [sorted(found, key=lambda flag: (-flag.excess, flag.clip_id))[:PICTURED] for found in by_rule.values()]
    return sorted({flag.clip_id for found in chosen for flag in found})


def _seen(
    found: Sequence[Shard],
    entries: pd.DataFrame,
    rows: dict[str, ManifestRow],
    worst_synced: Sequence[str],
    watch: Watch,
) -> dict[str, Any]:
    """What is read from the shards themselves."""
    with watch(sum(len(shard.clips) for shard in found)) as done:
        measurements, delays = measure_shards(found, done)
    raised = find_flags(measurements, entries) if found else []
    where = {clip.clip_id: shard for shard in found for clip in shard.clips}

    def show(clip_id: str, draw: Callable[[Clip], Strip]) -> Shown:
        clip = copy.copy(where[clip_id]).clip(clip_id)
        return Shown(rows[clip_id], len(clip.frames), draw(clip))

    by_clip: dict[str, list[Flag]] = {}
    for flag in sorted(raised, key=lambda flag: flag.clip_id):
        by_clip.setdefault(flag.clip_id, []).append(flag)
    return {
        "rules": [(rule, sum(flag.rule == rule.name for flag in raised)) for rule in RULES],
        "flagged": by_clip,
        "pictured": [
            show(clip_id, lambda clip: film_strip(clip, marked_frames(clip))) for clip_id in worst_clips(raised)
        ],
        "pictured_of_each": PICTURED,
        "worst_synced": [show(clip_id, lambda clip: film_strip(clip, ~clip.tracked)) for clip_id in worst_synced],
        "samples": [show(clip_id, liveliest_strip) for clip_id in sample_clips(entries, rows)],
        "wheel": flow_legend(),
        "delays": delay_summary(delays).splitlines() if found else [],
        "best_offsets": delays.best_offset.value_counts().reindex(OFFSETS, fill_value=0) if found else [],
        "histograms": page_chart(lambda axes: _draw_delays(axes, delays), 3) if found else {},
    }


def measure_shards(found: Sequence[Shard], done: Callable[[int], None]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of ``flags.look`` and ``delay.study`` of all clips; each shard is read once."""
    measurements, delays, count = [pd.DataFrame()], [pd.DataFrame()], 0
    # A copy's maps go with it: one shard's files are open at a time, not the whole folder's.
    for shard in map(copy.copy, found):
        measurements.append(measure_quality(shard))
        delays.append(delay_table([shard]))
        count += len(shard.clips)
        done(count)
    return pd.concat(measurements, ignore_index=True), pd.concat(delays, ignore_index=True)


def _groups(entries: pd.DataFrame, names: pd.Series) -> list[Group]:
    return [
        Group(
            name=str(name),
            ok=int((clips.status == OK).sum()),
            failed=int((clips.status == FAILED).sum()),
            minutes=float(clips.seconds.sum()) / 60,
            windows=int(clips.n_frames.map(n_windows).sum()),
        )
        for name, clips in entries.groupby(names)
    ]


def _draw_delays(axes: Axes, delays: pd.DataFrame) -> None:
    draw_histogram(axes, delays)
    axes.set_title("")  # the page says how many


def _sync(path: Path, rows: dict[str, ManifestRow], entries: pd.DataFrame) -> SyncSection | None:
    """What is shown of sync.csv; None where there is none."""
    if not path.exists():
        return None
    speakers = pd.Series({clip_id: row.speaker or "no speaker" for clip_id, row in rows.items()}, dtype=str)
    return sync_section(sync_of(path, rows.values(), entries), speakers)


def _about(path: Path) -> dict[str, Any]:
    wanted = {"pipeline": dict, "pipeline_digest": str, "version": int, "versions": dict}
    try:
        about = json.loads(path.read_bytes())
    except OSError as error:
        raise LipdataError(f"cannot read {path}: {error.strerror}; ingest again") from error
    except ValueError as error:
        raise LipdataError(f"{path} is no JSON: {error}; ingest again") from error
    if not isinstance(about, dict) or not all(isinstance(about.get(key), kind) for key, kind in wanted.items()):
        raise LipdataError(f"{path} does not describe a shard folder: {', '.join(wanted)} wanted; ingest again")
    return about


def _template() -> Any:
    # Clip ids and reasons come from untrusted sources: all text is escaped.
    environment = Environment(
        loader=PackageLoader("lipdata.analysis", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")
