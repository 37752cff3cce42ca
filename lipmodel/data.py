"""The windows that a run learns from and is measured on."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from lipdata import manifest
from lipdata.manifest import Row
from lipdata.shards import Shard, open_folder
from lipmodel.config import Run
from lipmodel.stream import Batches, Windows, clip_ids, require_windows


@dataclass(frozen=True)
class Data:
    """Shards and manifest of a run, opened."""

    shards: list[Shard]
    rows: list[Row]
    run: Run

    def windows(self, split: str, parts: Collection[str]) -> Windows:
        """The windows of a split, of which there may be none; of each window, the ``parts``."""
        ids, run = clip_ids(self.rows, split), self.run
        return Windows(self.shards, ids, frames=run.window_frames, stride=run.window_stride, parts=parts)


def open_data(run: Run) -> Data:
    """Open the shards and the manifest.

    Raises:
        LipdataError: one of them cannot be read, or the split gives too little to learn from.
    """
    data = Data(open_folder(Path(run.shards)), manifest.read(Path(run.manifest)), run)
    windows = data.windows(run.split, ())
    require_windows(windows, data.rows, run.split)
    Batches(len(windows), batch=run.batch * run.devices, seed=run.seed, first=0, end=0)  # refuses too few windows
    return data
