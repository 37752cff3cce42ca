"""Shard folders whose clips or ledger are changed on purpose."""

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from lipdata.analysis import write_report
from lipdata.corpus import read_manifest, write_manifest
from lipdata.shards import Clip, ledger_entries, open_shards, read_ledger, write_ledger, write_shard


def changed(folder: Path, out: Path, change: Callable[[Clip], Clip]) -> Path:
    """A copy of a shard folder whose clips went through ``change``; manifest and ledger follow their names."""
    shutil.copytree(folder, out)
    renamed = {}
    for shard in open_shards(folder):
        clips = [shard.clip(place.clip_id) for place in shard.clips]
        after = [change(clip) for clip in clips]
        renamed |= {clip.clip_id: other.clip_id for clip, other in zip(clips, after, strict=True)}
        about = {name: shard.attributes[name] for name in ("pipeline", "pipeline_digest", "fps", "sample_rate")}
        write_shard(out / shard.path.name, after, about)
    entries = ledger_entries(read_ledger(folder / "ledger.csv"))
    rows = read_manifest(folder / "manifest.csv")
    write_ledger(out / "ledger.csv", [replace(e, clip_id=renamed.get(e.clip_id, e.clip_id)) for e in entries])
    write_manifest(out / "manifest.csv", [replace(r, clip_id=renamed.get(r.clip_id, r.clip_id)) for r in rows])
    return out


def with_feature(clip: Clip, **arrays: object) -> Clip:
    """The clip with other mel or flow."""
    return replace(clip, features={**clip.features, **arrays})


def edit_ledger(folder: Path, clip_id: str, **columns: object) -> None:
    """Change the row of a clip."""
    entries = ledger_entries(read_ledger(folder / "ledger.csv"))
    write_ledger(folder / "ledger.csv", [replace(e, **columns) if e.clip_id == clip_id else e for e in entries])


def write_page(folder: Path, target: Path) -> tuple[int, int]:
    """How many clips are flagged, and how many failed."""
    summary, flagged = write_report(folder, target, overwrite=False, watch=lambda _: nullcontext(lambda _: None))
    return flagged, summary.failed
