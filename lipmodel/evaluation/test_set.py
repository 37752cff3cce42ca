"""The clips that a run is measured on, and what became of every other clip of the split."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from torch import Tensor

from lipdata.corpus import read_manifest
from lipdata.errors import LipdataError
from lipdata.shards import Clip, Shard, open_shards
from lipmodel.config import Run
from lipmodel.data import BatchIndex, WindowDataset, clip_ids_of, require_windows


@dataclass(frozen=True)
class EvaluationClip:
    """A clip of at least one window, and the shard that holds it.

    Attributes:
        length, stride: of its windows, frames.
    """

    shard: Shard
    clip_id: str
    speaker: str
    n_frames: int
    length: int
    stride: int

    @cached_property
    def index(self) -> np.ndarray:
        """The frames of every window [shape=(N, T)]."""
        starts = np.arange(0, self.n_frames - self.length + 1, self.stride)
        return starts[:, None] + np.arange(self.length)

    def mels(self) -> Tensor:
        """The log-mel of every window, dB re 1.0 [shape=(N, 4 T, 128)].

        Raises:
            LipdataError: it is not finite.
        """
        windows = WindowDataset(
            [self.shard], clip_ids={self.clip_id}, frames=self.length, stride=self.stride, parts=("mel",)
        )
        nowhere = np.zeros(len(windows))
        return windows[BatchIndex(np.arange(len(windows)), nowhere, nowhere.astype(np.int64))]["mel"]

    def data(self) -> Clip:
        """All arrays of the clip, frames that no window reaches included."""
        return self.shard.clip(self.clip_id)


@dataclass(frozen=True)
class EvaluationSet:
    """The clips of a split, by clip_id. found = clips + too_short + not_in_shards.

    Attributes:
        found: in the manifest.
        too_short: without a whole window.
        not_in_shards: failed in ingest, or of other shards.
    """

    clips: list[EvaluationClip]
    found: int
    too_short: int
    not_in_shards: int

    @property
    def speakers(self) -> dict[str, str]:
        """The speaker of every clip that is measured."""
        return {clip.clip_id: clip.speaker for clip in self.clips}

    @property
    def ids(self) -> set[str]:
        """The clips that are measured."""
        return {clip.clip_id for clip in self.clips}


def open_evaluation_set(shards: Path, manifest_path: Path, split: str, run: Run) -> EvaluationSet:
    """Find the clips of ``split``.

    Raises:
        LipdataError: shards or manifest cannot be read, or there is no window of the split.
    """
    found, rows = open_shards(shards), read_manifest(manifest_path)
    wanted, length, stride = clip_ids_of(rows, split), run.window_frames, run.window_stride
    require_windows(WindowDataset(found, clip_ids=wanted, frames=length, stride=stride, parts=()), rows, split)
    held = [
        EvaluationClip(shard, clip.clip_id, clip.speaker, clip.length, length, stride)
        for shard in found
        for clip in shard.clips
        if clip.clip_id in wanted
    ]
    clips = sorted((clip for clip in held if clip.n_frames >= length), key=lambda clip: clip.clip_id)
    return EvaluationSet(clips, len(wanted), len(held) - len(clips), len(wanted) - len(held))


def default_manifest(run: Run, shards: Path) -> Path:
    """Where the splits stand: in the manifest that the run learnt from, if ``shards`` are what it learnt from too."""
    own = Path(run.manifest)
    same = shards.resolve() == Path(run.shards) and own.is_file()
    return own if same else shards / "manifest.csv"


def count_trained_on(run: Run, ids: set[str]) -> int | None:
    """How many of these clips the run has learnt from; None where its manifest cannot be read any more."""
    try:
        return len(ids & clip_ids_of(read_manifest(Path(run.manifest)), run.split))
    except LipdataError:
        return None


def shards_digest(shards: Path) -> str:
    """SHA-256 over what all shards of a folder say that they hold."""
    held = "".join(str(shard.attributes["content_sha256"]) for shard in open_shards(shards))
    return hashlib.sha256(held.encode()).hexdigest()
