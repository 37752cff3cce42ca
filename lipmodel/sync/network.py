"""The trained sync network: a clip's arrays -> unit vectors of its motion and of its sound."""

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lipdata.config import Pipeline, pipeline_from_json
from lipdata.errors import LipdataError
from lipdata.shards import Clip
from lipmodel.networks import BANDS, SyncPair, coarse_flow, normalised_lips, sync_pairs
from lipmodel.sync.foreign import ForeignPairs
from lipmodel.weights import put_weights, read_weights, shipped_weights

# Of one clip: the first layer of a film of ten minutes would take a gigabyte.
FRAMES_AT_ONCE = 512
# Of the cosine. Landmarks say nothing of some speakers (s26 of GRID), flow of none. AUC of whole clips by this share,
# on the 113 clips of docs/benchmarks/sync.md, which so flatters a little: .5 .961, .6 .969, .7 .972, .8 .974, 1 .975;
# of windows of 1 s .705 .711 .712 .710 .698.
FLOW_SHARE = 0.75


@dataclass(frozen=True, repr=False)
class Embedding:
    """A clip's unit vectors, one a frame; the first is of frame 5, the last of frame T - 6.

    Attributes:
        motion, sound: float32 [shape=(T - 10, 96)].
    """

    motion: np.ndarray
    sound: np.ndarray

    def __repr__(self) -> str:
        return f"Embedding(motion={self.motion.shape}, sound={self.sound.shape})"


@dataclass(frozen=True, repr=False)
class SyncNetwork:
    """The two halves of the network, ready to be asked.

    Attributes:
        pairs: by name, ``flow`` and ``lips``; frozen.
        pipeline: of the shards that it has learnt from.
        foreign: of the clips in its model card; None of a network that was trained and not measured.
        path: of its weights.
    """

    pairs: dict[str, SyncPair]
    pipeline: Pipeline
    foreign: ForeignPairs | None
    path: Path

    def own_foreign(self) -> ForeignPairs:
        """The foreign pairs of the model card.

        Raises:
            LipdataError: a network that was trained and not measured has no card.
        """
        if self.foreign is None:
            raise LipdataError(f"{self.path} has no model card with foreign pairs; give a folder of ten clips or more")
        return self.foreign

    @torch.inference_mode()
    def embed(self, clip: Clip) -> Embedding:
        """The vectors of a clip of more than 10 frames; computed in one thread, for the same bits everywhere."""
        with one_thread():
            return Embedding(self.embed_motion(clip.flow, clip.landmarks, clip.box), self.embed_sound(clip.mel))

    @torch.inference_mode()
    def embed_motion(self, flow: np.ndarray, landmarks: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The vectors of motion alone, of T frames as a shard stores them; the last flow is not looked at."""
        with one_thread():
            parts = torch.split(_tensor(flow[:-1])[None], FRAMES_AT_ONCE, 1)
            coarse = torch.cat([coarse_flow(part) for part in parts], 1)
            lips = normalised_lips(_tensor(landmarks)[None], _tensor(box)[None])
            return _beside(self.pairs["flow"].motion(coarse), self.pairs["lips"].motion(lips))

    @torch.inference_mode()
    def embed_sound(self, mel: np.ndarray) -> np.ndarray:
        """The vectors of log-mel alone [shape=(T, 4, 128)]."""
        with one_thread():
            bands = _tensor(mel[..., :BANDS])[None]
            return _beside(*(pair.sound(bands) for pair in self.pairs.values()))


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread for the length of a block: two sum in another order, and processes work side by side."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array))  # of its own: a mapped shard is read-only


def _beside(flow: Tensor, lips: Tensor) -> np.ndarray:
    """Both halves as one unit vector: its cosine is the weighted mean of theirs."""
    joined: np.ndarray = torch.cat([flow * FLOW_SHARE**0.5, lips * (1 - FLOW_SHARE) ** 0.5], -1)[0].numpy()
    return joined


def network_header(pipeline: Pipeline, foreign: ForeignPairs) -> dict[str, str]:
    """What a file of weights that ships says of itself."""
    return {"pipeline": pipeline.to_json(), "foreign": json.dumps(foreign.__dict__)}


@functools.cache
def load_sync(path: Path | None = None) -> SyncNetwork:
    """Load the network.

    Args:
        path: weights of the kind that ships; None for those.

    Raises:
        LipdataError: not readable, or of another network.
    """
    path = path or shipped_weights("sync")
    _, header = read_weights(path)
    try:
        foreign = ForeignPairs(**json.loads(header["foreign"]))
        return SyncNetwork(frozen_pairs(path), pipeline_from_json(header["pipeline"]), foreign, path)
    except (KeyError, TypeError, ValueError) as error:
        raise LipdataError(f"{path} is no sync network that ships: {error}; give a run with --run") from error


def frozen_pairs(path: Path) -> dict[str, SyncPair]:
    """The network's halves with the weights of a file, in evaluation mode and without gradients of their own.

    Raises:
        LipdataError: not readable, or of another network.
    """
    pairs = sync_pairs()
    put_weights(path, read_weights(path)[0], pairs)
    return {name: pair.requires_grad_(False).eval() for name, pair in pairs.items()}
