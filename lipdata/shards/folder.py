"""A shard folder as a mapping from clip id to clip, with manifest and ledger as one table."""

import difflib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import pandas as pd

from lipdata.config import Pipeline
from lipdata.corpus import ManifestRow, read_manifest
from lipdata.errors import LipdataError
from lipdata.shards.clip import Clip
from lipdata.shards.ledger import UNMATCHED, read_ledger
from lipdata.shards.reader import Shard, open_shards
from lipdata.shards.sync_table import SYNC_FIGURES, SYNC_FILE, sync_of


class ClipNotFoundError(LipdataError, KeyError):
    """A clip id that no shard of a folder holds."""

    def __str__(self) -> str:
        return str(self.args[0])


class ShardFolder(Mapping[str, Clip]):
    """The clips of a folder that ingest has made, by clip id, in the shards' order.

    Clips that failed are in ``clips`` alone. The object holds no file open when pickled: safe with fork and spawn.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise LipdataError(f"{self.path} is no folder; make one with: lipdata ingest CORPUS -o {self.path}")

    def __repr__(self) -> str:
        # Where every clip failed there are no shards, and printing the folder should not fail.
        if not any(self.path.glob("[!.]*.h5")):
            return f"ShardFolder({str(self.path)!r}, no shards; see ledger.csv)"
        return f"ShardFolder({str(self.path)!r}, {len(self)} clips in {len(self.shards)} shards)"

    def __len__(self) -> int:
        return len(self._shard_of)

    def __iter__(self) -> Iterator[str]:
        return iter(self._shard_of)

    def __contains__(self, clip_id: object) -> bool:
        return clip_id in self._shard_of

    def __getitem__(self, clip_id: str) -> Clip:
        return self.shard_of(clip_id).clip(clip_id)

    @cached_property
    def shards(self) -> list[Shard]:
        """The folder's shards, by name.

        Raises:
            LipdataError: see :func:`lipdata.shards.open_shards`.
        """
        return open_shards(self.path)

    @cached_property
    def _shard_of(self) -> dict[str, Shard]:
        return {clip.clip_id: shard for shard in self.shards for clip in shard.clips}

    def shard_of(self, clip_id: str) -> Shard:
        """The shard that holds a clip.

        Raises:
            ClipNotFoundError: no shard does; names clips of similar names.
        """
        if clip_id not in self._shard_of:
            some = ", ".join(difflib.get_close_matches(clip_id, self._shard_of) or list(self._shard_of)[:3])
            raise ClipNotFoundError(
                f"{self.path} has no clip {clip_id!r}; it has {some}, ...; failed clips stand in its ledger.csv"
            )
        return self._shard_of[clip_id]

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline that the shards were made with."""
        return self.shards[0].pipeline

    @cached_property
    def manifest(self) -> list[ManifestRow]:
        """The rows of manifest.csv, by clip id."""
        return read_manifest(self.path / "manifest.csv")

    @cached_property
    def sync(self) -> pd.DataFrame | None:
        """The table sync.csv of ``lipmodel sync``; None where there is none.

        Raises:
            LipdataError: it cannot be read, or is of other shards.
        """
        path = self.path / SYNC_FILE
        return sync_of(path, self.manifest, read_ledger(self.path / "ledger.csv")) if path.exists() else None

    @cached_property
    def clips(self) -> pd.DataFrame:
        """Manifest and ledger joined, one row a clip of the manifest, failed ones included.

        Where sync.csv lies beside the shards its figures and reason are there too, each with the prefix ``sync_``; NaN
        and an empty reason where a clip failed. A further column of the manifest that is called as one of these gets
        the suffix ``_manifest``.

        Raises:
            LipdataError: a file is missing, they have different clips, or sync.csv is of other shards.
        """
        table = pd.DataFrame([row.columns() for row in self.manifest])
        ledger = read_ledger(self.path / "ledger.csv")
        ledger = ledger[ledger.status != UNMATCHED]
        if set(ledger.clip_id) != set(table.clip_id):
            raise LipdataError(
                f"{self.path}: manifest.csv and ledger.csv have different clips; see: lipdata check {self.path}"
            )
        table = table.merge(ledger, on="clip_id", suffixes=("_manifest", ""), validate="one_to_one")
        if self.sync is None:
            return table
        sync = self.sync.set_index("clip_id")[[*SYNC_FIGURES, "reason"]].add_prefix("sync_")
        table = table.merge(sync, on="clip_id", how="left", suffixes=("_manifest", ""), validate="one_to_one")
        return table.fillna({"sync_reason": ""})
