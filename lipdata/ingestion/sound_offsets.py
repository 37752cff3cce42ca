"""``--sync-csv``: by how much the sound of each clip is to be moved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lipdata.atomic_files import sha256_of_file
from lipdata.corpus import ManifestRow
from lipdata.errors import LipdataError
from lipdata.shards import read_sync, sound_offset_s


@dataclass(frozen=True)
class SoundOffset:
    """By how many seconds the sound of a clip is late, and in what that was measured: a file, so many frames of it."""

    late_s: float
    sha256: str
    n_frames: int


@dataclass(frozen=True)
class SoundOffsets:
    """The offsets of a sync table by clip id; ``sha256``: of the table's file."""

    sha256: str
    of_clip: Mapping[str, SoundOffset]

    def of(self, rows: Sequence[ManifestRow]) -> "SoundOffsets":
        """Those of some rows alone."""
        found = {row.clip_id: self.of_clip[row.clip_id] for row in rows if row.clip_id in self.of_clip}
        return SoundOffsets(self.sha256, found)


def read_sound_offsets(path: Path, rows: Sequence[ManifestRow], fps: int) -> SoundOffsets:
    """Read a table of ``lipmodel sync`` for the clips of a manifest. A clip that is not confident has 0 seconds.

    Raises:
        LipdataError: no sync table, none of the manifest's clips is in it, or one was measured at another frame rate.
    """
    table = read_sync(path)
    table = table[table.clip_id.isin([row.clip_id for row in rows])]
    if table.empty:
        raise LipdataError(f"{path} has none of the manifest's {len(rows)} clips; give the sync.csv of this corpus")
    other = table[table.fps != fps]
    if len(other):
        raise LipdataError(
            f"{path}: {other.clip_id.iloc[0]!r} was measured at {other.fps.iloc[0]} fps; the pipeline has {fps}: "
            "measure shards of this pipeline"
        )
    late_s = sound_offset_s(table)
    of_clip = {
        clip_id: SoundOffset(float(late), sha256, n_frames)
        for clip_id, late, sha256, n_frames in zip(table.clip_id, late_s, table.sha256, table.n_frames, strict=True)
    }
    return SoundOffsets(sha256_of_file(path), of_clip)
