"""Folders of real clips, two to a shard, and what the network says of them."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lipdata.corpus.manifest import ManifestRow, write_manifest
from lipdata.shards import Clip, ShardFolder
from lipdata.shards.ledger import LedgerEntry, write_ledger
from lipdata.shards.writer import write_shard

CLIPS_A_SHARD = 2


@pytest.fixture(scope="session")
def real_clips(grid_shards: Path) -> list[Clip]:
    """The eight GRID clips of the package."""
    folder = ShardFolder(grid_shards)
    return [folder[clip_id] for clip_id in folder]


@pytest.fixture(scope="session")
def ten_clips(real_clips: list[Clip]) -> list[Clip]:
    """These, and two of them with each other's sound."""
    one, other = real_clips[0], real_clips[-1]
    swapped = [
        replace(one, clip_id="x/one", features=dict(one.features) | {"mel": other.mel}),
        replace(other, clip_id="x/other", features=dict(other.features) | {"mel": one.mel}),
    ]
    return [*real_clips, *swapped]


@pytest.fixture(scope="session")
def write_folder(grid_shards: Path) -> Callable[..., Path]:
    """Write clips as a shard folder; ``moved_s``: by clip id, by how much ingest moved the sound."""

    def write(folder: Path, clips: Sequence[Clip], moved_s: Mapping[str, float] | None = None) -> Path:
        folder.mkdir()
        attributes = ShardFolder(grid_shards).shards[0].attributes
        kept = {name: attributes[name] for name in ("pipeline", "pipeline_digest", "fps", "sample_rate")}
        entries: list[LedgerEntry] = []
        for first in range(0, len(clips), CLIPS_A_SHARD):
            some, name = clips[first : first + CLIPS_A_SHARD], f"grid-{first // CLIPS_A_SHARD:05}.h5"
            write_shard(folder / name, some, kept)
            starts = [sum(len(clip) for clip in some[:place]) for place in range(len(some))]
            entries += [
                LedgerEntry(
                    clip.clip_id, "ok", shard=name, start=start, n_frames=len(clip), faces_detected=len(clip),
                    seconds=len(clip) / 25, sync_offset_s=(moved_s or {}).get(clip.clip_id, 0.0),
                )
                for clip, start in zip(some, starts, strict=True)
            ]  # fmt: skip
        failed = LedgerEntry("y/failed", "failed", "decode", "no picture")
        write_ledger(folder / "ledger.csv", [*entries, failed])
        rows = [ManifestRow(clip.clip_id, clip.speaker, "", f"{clip.clip_id}.mpg", clip.sha256) for clip in clips]
        write_manifest(folder / "manifest.csv", [*rows, ManifestRow("y/failed", "y", "", "y/failed.mpg", "f" * 64)])
        shutil.copy(grid_shards / "dataset.json", folder)
        return folder

    return write
