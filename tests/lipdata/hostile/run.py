"""All cases, and an ingest of them among undamaged clips."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lipdata.config import load_pipeline
from lipdata.corpus import ManifestRow
from lipdata.ingestion import ingest_rows
from lipdata.shards import Clip, LedgerEntry, ShardFolder
from tests.lipdata.hostile import containers, damaged, pictures, sounds, streams, times
from tests.lipdata.hostile.case import Case, Good, verdict

KINDS = (
    *(damaged.truncated, damaged.bytes_changed, containers.wrong_container, containers.no_clip, containers.names),
    *(streams.lacks_a_stream, streams.streams, times.few_frames, times.frame_rates, times.variable_rates, times.clocks),
    *(times.changes, pictures.two_faces),
    *(pictures.sizes, pictures.pixel_shapes, pictures.rotated, pictures.colours, pictures.large, pictures.faces),
    *(pictures.upside_down, sounds.sounds, sounds.late_sound),
)
# A shard holds so many: the undamaged clips lie in the same shards as the damaged ones.
CLIPS = 8


@dataclass(frozen=True)
class Ended:
    """What became of the files of a run, by path; ``clips`` are those that are ok."""

    entries: dict[str, LedgerEntry]
    clips: dict[str, Clip]

    def wrong(self, case: Case) -> str:
        """What is wrong with the end of a case; empty where nothing is."""
        return verdict(case, self.entries[case.name], self.clips.get(case.name), self.clips[f"0-{case.of}"])


def cases() -> list[Case]:
    return [case for kind in KINDS for case in kind()]


def ingested(good: Good, chosen: Sequence[Case], folder: Path) -> Ended:
    """Make the files of ``chosen`` and ingest them, two undamaged clips in each shard."""
    for case in chosen:
        case.make(good, folder / case.name)
    paths = []
    for shard, first in enumerate(range(0, max(len(chosen), 1), CLIPS - 2)):
        neighbours = [f"{shard}-whole", f"{shard}-short"]
        for name, path in zip(neighbours, (good.whole, good.short), strict=True):
            shutil.copy(path, folder / name)
        paths += [neighbours[0], *(case.name for case in chosen[first : first + CLIPS - 2]), neighbours[1]]
    return _ingest(folder, paths)


def _ingest(folder: Path, paths: Sequence[str]) -> Ended:
    rows = [ManifestRow(f"s/{number:04d}", "s", "", path) for number, path in enumerate(paths)]
    grid = load_pipeline("grid")
    setup = replace(grid, shards=replace(grid.shards, clips=CLIPS))
    entries = ingest_rows(folder, rows, folder / ".shards", setup, workers=2)
    path_of = {row.clip_id: row.path for row in rows}
    return Ended(
        {path_of[entry.clip_id]: entry for entry in entries},
        {path_of[clip_id]: clip for clip_id, clip in ShardFolder(folder / ".shards").items()},
    )
