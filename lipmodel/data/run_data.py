"""The windows that a run learns from and is measured on."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from lipdata.config import Pipeline, pipeline_from_json
from lipdata.corpus import ManifestRow, read_manifest
from lipdata.errors import LipdataError
from lipdata.shards import Shard, open_shards
from lipmodel.config import Run
from lipmodel.data.sampler import fixed_sample
from lipmodel.data.splits import clip_ids_of, require_batch, require_windows
from lipmodel.data.windows import WindowDataset

WINDOWS_AT_ONCE = 256
# Of one frame, or of one clip.
SHAPES = {"frames": (64, 64, 3), "mel": (4, 128), "flow": (64, 64, 2), "face": (256, 256, 3), "face_lips": (4,)}


@dataclass(frozen=True)
class RunData:
    """Shards and manifest of a run, opened."""

    shards: list[Shard]
    rows: list[ManifestRow]
    run: Run

    def windows(self, split: str, parts: Collection[str]) -> WindowDataset:
        """The windows of a split, of which there may be none; of each window, the ``parts``."""
        ids, run = clip_ids_of(self.rows, split), self.run
        return WindowDataset(self.shards, clip_ids=ids, frames=run.window_frames, stride=run.window_stride, parts=parts)


def open_run_data(run: Run) -> RunData:
    """Open the shards and the manifest.

    Raises:
        LipdataError: one of them cannot be read, or the split gives too little to learn from.
    """
    data = RunData(open_shards(Path(run.shards)), read_manifest(Path(run.manifest)), run)
    windows = data.windows(run.split, ())
    require_windows(windows, data.rows, run.split)
    require_batch(len(windows), run.batch, run.devices)
    return data


def require_finite_mel(data: RunData) -> None:
    """Look through the log-mel that is learnt from, before stages that do not read it have run for days.

    Raises:
        LipdataError: a clip's mel holds NaN or infinity.
    """
    for split in {data.run.split, "val"}:
        windows = data.windows(split, ("mel",))
        for index in fixed_sample(len(windows), len(windows)).parts(WINDOWS_AT_ONCE):
            windows[index]  # refuses what is not finite


def require_same_geometry(shard: Shard, run: Run) -> None:
    """Refuse shards of other crops or log-mel than the run has learnt from: a generator knows its own kind alone.

    Raises:
        LipdataError: as said.
    """
    require_shapes(shard)
    if _geometry(pipeline_from_json(shard.attributes["pipeline"])) != _geometry(run.pipeline):
        raise LipdataError(
            f"{shard.path} has other crops or mel than the run learnt from; take shards like {run.shards}"
        )


def require_shapes(shard: Shard) -> None:
    """The generator is made for the paper's crops and log-mel; landmarks are found in the shard's faces.

    Raises:
        LipdataError: a dataset of another shape.
    """
    for name, wanted in SHAPES.items():
        got = shard.array(name).shape[1:]
        if got != wanted:
            raise LipdataError(f"{shard.path}: {name} of shape {got}; allowed: {wanted}: ingest with pipeline grid")


def _geometry(pipeline: Pipeline) -> tuple[object, ...]:
    return pipeline.video.fps, pipeline.video.size_px, pipeline.lips.half_side, pipeline.mel
