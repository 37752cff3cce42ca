"""Shards -> windows of video, sound and one picture, in an order that depends on seed and epoch alone."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from lipdata.errors import LipdataError
from lipdata.manifest import Row
from lipdata.shards import Shard


@dataclass(frozen=True)
class Pick:
    """Which windows a batch holds, and which picture goes with each.

    Attributes:
        windows: places in ``Windows`` [shape=(B,)].
        identity: where in its clip the identity frame lies, 0 (first frame) up to, not including, 1 [shape=(B,)].
    """

    windows: np.ndarray
    identity: np.ndarray

    def parts(self, batch: int) -> Iterator["Pick"]:
        """The same windows, ``batch`` at a time."""
        for first in range(0, len(self.windows), batch):
            piece = slice(first, first + batch)
            yield Pick(self.windows[piece], self.identity[piece])


class Windows(Dataset[dict[str, Tensor]]):
    """Overlapping windows of all the clips given. Indexed with a ``Pick``, it gives a whole batch.

    Frames stay bytes and come straight out of the mapped files, which every process opens for itself at first use.

    Args:
        shards: of ``lipdata.shards.open_folder``.
        clip_ids: the clips to take, where the shards hold them.
        frames: length of a window.
        stride: from one window's first frame to the next window's.
        flow: give optical flow too.

    Attributes:
        clips: how many clips were taken.
        short_clips: how many of them have fewer frames than a window, and so give none.
    """

    def __init__(
        self, shards: Sequence[Shard], clip_ids: Collection[str], *, frames: int, stride: int, flow: bool = False
    ) -> None:
        taken = [
            (number, clip) for number, shard in enumerate(shards) for clip in shard.clips if clip.clip_id in clip_ids
        ]
        self._shards = list(shards)
        self._frames = frames
        self._flow = flow
        # shard, first frame of the window, first frame of the clip, frames of the clip
        self._places = np.array(
            [
                (number, first, clip.start, clip.length)
                for number, clip in taken
                for first in range(clip.start, clip.start + clip.length - frames + 1, stride)
            ],
            np.int64,
        ).reshape(-1, 4)
        self.clips = len(taken)
        self.short_clips = sum(clip.length < frames for _, clip in taken)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, pick: Pick) -> dict[str, Tensor]:
        """One batch.

        Returns:
            ``video`` uint8 (B, T, H, W, 3), RGB; ``mel`` float32 (B, 4 T, 128), dB re 1.0; ``identity`` uint8
            (B, H, W, 3), a frame of the same clip; with ``flow``, ``flow`` float16 (B, T, H, W, 2), pixels a frame.
        """
        places = self._places[pick.windows]
        portraits = places[:, 2] + (pick.identity * places[:, 3]).astype(np.int64)
        pieces = [(shard, slice(first, first + self._frames)) for shard, first in places[:, :2].tolist()]
        faces = [(shard, slice(at, at + 1)) for (shard, _), at in zip(pieces, portraits.tolist(), strict=True)]
        batch = {
            "video": self._gather("frames", pieces),  # B, T, H, W, 3
            "mel": self._gather("mel", pieces).flatten(1, 2),  # B, 4 T, 128
            "identity": self._gather("frames", faces).squeeze(1),  # B, H, W, 3
        }
        return batch | ({"flow": self._gather("flow", pieces)} if self._flow else {})

    def _gather(self, name: str, pieces: Sequence[tuple[int, slice]]) -> Tensor:
        shard, piece = pieces[0]
        example = self._arrays[shard][name][piece]
        batch = np.empty((len(pieces), *example.shape), example.dtype)
        for row, (shard, piece) in zip(batch, pieces, strict=True):
            row[...] = self._arrays[shard][name][piece]
        return torch.from_numpy(batch)

    @cached_property
    def _arrays(self) -> list[dict[str, np.ndarray]]:
        # Plain arrays over the maps: slicing a numpy.memmap costs several times what slicing an array costs.
        return [{name: s.array(name).view(np.ndarray) for name in ("frames", "mel", "flow")} for s in self._shards]

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_arrays"}


class Batches(Sampler[Pick]):
    """The batches of steps ``first`` up to, not including, ``end``.

    Epochs follow each other without a seam: in each, every window comes exactly once, and a batch may hold the last
    windows of one and the first of the next. So all batches are of one size, and a step's batch is known without
    those before it: a resumed run goes on with what it would have seen.

    Raises:
        LipdataError: there are fewer windows than one batch takes.
    """

    def __init__(self, n_windows: int, *, batch: int, seed: int, first: int, end: int) -> None:
        if n_windows < batch:
            raise LipdataError(f"{n_windows} windows, one batch takes {batch}; add clips, or take --batch {n_windows}")
        self._n_windows, self._batch, self._seed, self._steps = n_windows, batch, seed, range(first, end)

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Pick]:
        epoch, order, identity = -1, np.empty(0), np.empty(0)
        for step in self._steps:
            windows, portraits = [], []
            place, end = step * self._batch, (step + 1) * self._batch
            while place < end:
                if place // self._n_windows != epoch:
                    epoch = place // self._n_windows
                    order, identity = draw(self._n_windows, seed=self._seed, epoch=epoch)
                part = order[place % self._n_windows :][: end - place]
                windows.append(part)
                portraits.append(identity[part])
                place += len(part)
            yield Pick(np.concatenate(windows), np.concatenate(portraits))


def draw(n_windows: int, *, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """The order of an epoch's windows, and for every window where its identity frame lies (see ``Pick``)."""
    random = np.random.default_rng((seed, epoch))
    return random.permutation(n_windows), random.random(n_windows)


def sample(windows: Windows, count: int) -> Pick:
    """At most ``count`` windows, drawn at random but always the same, each with an identity frame of its clip."""
    # Evenly spread ones could all be the silence at the beginning of a clip.
    order, identity = draw(len(windows), seed=0, epoch=0)
    places = np.sort(order[:count])
    return Pick(places, identity[places])


def clip_ids(rows: Sequence[Row], split: str) -> set[str]:
    """The clips that a manifest puts into ``split``."""
    return {row.clip_id for row in rows if row.split == split}


def require_windows(windows: Windows, rows: Sequence[Row], split: str) -> None:
    """Refuse a split that gives nothing to learn from.

    Raises:
        LipdataError: the manifest has no clip of ``split``, or the shards hold none of them, or only short ones.
    """
    listed = len(clip_ids(rows, split))
    if not listed:
        counts = sorted(Counter(row.split for row in rows).items())
        there = ", ".join(f"{name or 'empty'} {count}" for name, count in counts) or "none at all"
        raise LipdataError(f"the manifest has no clip of split {split!r}; it has: {there}; choose with --split")
    if not len(windows):
        held = f"the shards hold {windows.clips} of the {listed} clips of split {split!r}"
        raise LipdataError(f"{held}, {windows.short_clips} too short for a window; use the manifest beside the shards")


def on(device: torch.device, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The batch on ``device``; bytes travel, floats are made there."""
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
