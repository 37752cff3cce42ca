"""Shards -> windows of video, sound and pictures, as a dataset of PyTorch's that hands out whole batches."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from lipdata.corpus import ManifestRow, read_manifest
from lipdata.errors import LipdataError
from lipdata.shards import PER_CLIP, STRIDE, WINDOW, Shard, ShardFolder
from lipmodel.data.sampler import BatchIndex, draw_epoch
from lipmodel.data.splits import clip_ids_of, require_windows

# Gives memory to read into; called like torch.empty.
Allocate = Callable[..., Tensor]
# Parts of a window -> the dataset that they are read from; a part of another name is a dataset itself.
DATASETS = {"video": "frames", "identity": "frames", "mismatched": "frames", "shifted_mel": "mel"}
PARTS = ("video", "mel", "identity", "mismatched")
# Shifted windows: how many go with a window, and how many frames before or after it they begin. One frame is no
# shift that anybody could hear or see.
SHIFTED_WINDOWS = 7
NEAREST_SHIFT, FARTHEST_SHIFT = 2, 15


class WindowBatch(Sequence[dict[str, Tensor]]):
    """Windows as DataLoader takes them, each a dictionary of views on ``tensors``, the batch as a whole."""

    def __init__(self, tensors: Mapping[str, Tensor], length: int) -> None:
        self.tensors, self._length = dict(tensors), length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[at] for at in range(self._length)[place]]
        # Made on demand: collate takes the tensors as they are.
        at = range(self._length)[place]
        return {name: tensor[at] for name, tensor in self.tensors.items()}


class WindowDataset(Dataset[dict[str, Tensor]]):
    """Overlapping windows of the clips of a split.

    An index is the number of a window, or a ``BatchIndex``, which gives a whole batch. Frames stay bytes and come
    straight out of the mapped files; several threads may read at the same time. Pickled, it holds no file open.

    Batches of 16 windows, copied once::

        dataset = WindowDataset("shards", split="train")
        loader = DataLoader(dataset, 16, shuffle=True, collate_fn=WindowDataset.collate)

    Args:
        shards: a shard folder, or shards already open.
        split: of the manifest.
        manifest: says which clips are in which split; None for the folder's own.
        clip_ids: the clips to take in place of a split, where the shards hold them.
        frames: length of a window.
        stride: from one window's first frame to the next window's.
        parts: what to give of each window: ``video``, ``mel``, ``identity``, ``mismatched``, ``flow``, ``shifted_mel``,
            or the name of any other feature that the shards store.
        seed: of the identity frames and mismatched windows that go with a window's number.

    Attributes:
        parts, frames: as asked for.
        clips: how many clips were taken.
        short_clips: how many of them have fewer frames than a window, and so give none.

    Raises:
        LipdataError: no shards, no window of the split, or a part that the shards do not store.
    """

    def __init__(
        self,
        shards: Path | str | ShardFolder | Sequence[Shard],
        split: str = "train",
        *,
        manifest: Path | str | None = None,
        clip_ids: Collection[str] | None = None,
        frames: int = WINDOW,
        stride: int = STRIDE,
        parts: Collection[str] = PARTS,
        seed: int = 0,
    ) -> None:
        folder = ShardFolder(shards) if isinstance(shards, Path | str) else shards
        self._shards = folder.shards if isinstance(folder, ShardFolder) else list(folder)
        if not self._shards or frames < 1 or stride < 1:
            got = f"{len(self._shards)} shards, windows of {frames} frames, stride {stride}"
            raise LipdataError(f"{got}; allowed: 1 or more of each")
        rows = None if clip_ids is not None else _rows_of(folder, manifest)
        wanted = clip_ids if rows is None else clip_ids_of(rows, split)
        taken = [
            (number, clip)
            for number, shard in enumerate(self._shards)
            for clip in shard.clips
            if clip.clip_id in wanted  # type: ignore[operator]
        ]
        self.parts = tuple(parts)
        self.clips = len(taken)
        self.short_clips = sum(clip.length < frames for _, clip in taken)
        self.frames, self._seed = frames, seed
        stored = {name: self._shards[0].array(name) for name in {DATASETS.get(part, part) for part in self.parts}}
        for name in stored.keys() & PER_CLIP.keys():
            raise LipdataError(f"part {name!r}: {name} has one row a clip; allowed: what has one row a frame")
        self._shapes = {name: array.shape[1:] for name, array in stored.items()}
        self._dtypes = {name: torch.from_numpy(np.empty(0, array.dtype)).dtype for name, array in stored.items()}
        self._bytes: dict[str, list[np.ndarray]] | None = None
        # shard, first frame of the window, first frame of the clip, frames of the clip
        self._places = np.array(
            [
                (number, first, clip.start, clip.length)
                for number, clip in taken
                for first in range(clip.start, clip.start + clip.length - frames + 1, stride)
            ],
            np.int64,
        ).reshape(-1, 4)
        self._epoch = 0
        self._drawn: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        if rows is not None:
            require_windows(self, rows, split)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"WindowDataset({len(self)} windows of {self.frames} frames, {self.clips} clips, parts {self.parts})"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_bytes": None, "_drawn": None}

    def __getitem__(self, index: int | BatchIndex) -> dict[str, Tensor]:
        """One window, or the batch of a ``BatchIndex``, in memory of its own."""
        if isinstance(index, BatchIndex):
            return self.read(index)
        return self.__getitems__([range(len(self))[index]])[0]

    def __getitems__(self, indices: Sequence[int]) -> WindowBatch:
        """The windows of these numbers, read as one batch: what DataLoader calls."""
        windows = np.asarray(indices, np.int64)
        # At first use: who asks by BatchIndex alone draws himself, and a corpus has millions of windows.
        self._drawn = self._drawn or draw_epoch(len(self), seed=self._seed, epoch=self._epoch)
        _, identity, mismatched = self._drawn
        batch = self.read(BatchIndex(windows, identity[windows], mismatched[windows]))
        return WindowBatch(batch, len(windows))

    @staticmethod
    def collate(batch: WindowBatch) -> dict[str, Tensor]:
        """For DataLoader's ``collate_fn``: the batch as it was read, not copied once more."""
        return batch.tensors

    def chances(self, balance: float) -> np.ndarray | None:
        """Of each window the chance to be drawn, where speakers are to be drawn more evenly than they come.

        Args:
            balance: 0 every window alike, 1 every speaker alike, .5 each by the root of its windows.

        Returns:
            float64, of sum 1 [shape=(len(self),)]; None with 0.
        """
        if not balance:
            return None
        speakers = {
            (number, clip.start): clip.speaker for number, shard in enumerate(self._shards) for clip in shard.clips
        }
        names = [speakers[number, start] for number, start in self._places[:, [0, 2]].tolist()]
        _, which, counts = np.unique(names, return_inverse=True, return_counts=True)
        weights: np.ndarray = counts[which] ** -float(balance)
        return weights / weights.sum()

    def set_epoch(self, epoch: int) -> None:
        """Draw the identity frames and mismatched windows that go with each window anew.

        Call it before DataLoader is iterated: workers that persist keep the epoch that they were started with.
        """
        self._epoch, self._drawn = epoch, None

    def read(self, index: BatchIndex, empty: Allocate = torch.empty) -> dict[str, Tensor]:
        """One batch.

        Args:
            empty: gives the memory that the batch is to lie in.

        Returns:
            Of these, the ``parts`` asked for: ``video`` uint8 (B, T, H, W, 3), RGB; ``mel`` float32 (B, 4 T, 128), dB
            re 1.0; ``identity`` uint8 (B, H, W, 3), a frame of the same clip; ``mismatched`` uint8 (B, T, H, W, 3),
            the video of another window; ``flow`` float16 (B, T - 1, H, W, 2), pixels a frame; ``shifted_mel`` float32
            (B, S, 4 T, 128), the mel of windows of the same clip that begin 2 to 15 frames earlier or later, evenly
            spread (the window's own where its clip has none); any other feature of the shards as it is stored
            (B, T, ...).

        Raises:
            LipdataError: a mel is not finite.
        """
        own, other, length = self._places[index.windows], self._places[index.mismatched], self.frames
        faces = np.stack([own[:, 0], own[:, 2] + (index.identity * own[:, 3]).astype(np.int64)], axis=1)
        where = {
            "video": ("frames", own, length),
            "mel": ("mel", own, length),
            "identity": ("frames", faces, 1),
            "mismatched": ("frames", other, length),
            # The last frame's flow leads out of the window.
            "flow": ("flow", own, length - 1),
            "shifted_mel": ("mel", shifted_places(own, length), length),
        }
        batch = {part: self._gather(*where.get(part, (part, own, length)), empty) for part in self.parts}
        for part in batch.keys() & {"mel", "shifted_mel"}:
            self._require_finite(batch[part], where[part][1])
            batch[part] = batch[part].flatten(1, 2)  # B or B S, 4 T, 128
        if "shifted_mel" in batch:
            batch["shifted_mel"] = torch.unflatten(batch["shifted_mel"], 0, (len(own), SHIFTED_WINDOWS))
        if "identity" in batch:
            batch["identity"] = batch["identity"].squeeze(1)  # B, H, W, 3
        return batch

    def _gather(self, name: str, places: np.ndarray, length: int, empty: Allocate) -> Tensor:
        sources = self._mapped()[name]
        batch = empty((len(places), length, *self._shapes[name]), dtype=self._dtypes[name])
        rows = batch.unsqueeze(-1).flatten(2).numpy().view(np.uint8)  # B, T, bytes of a frame
        # np.take and index arrays read at half this speed. A plain copy ends in the processor's "rep movsb": on an AMD
        # EPYC, a quarter slower than the vector instructions of "or" where the batch is not in the cache.
        for row, (shard, first) in zip(rows, places[:, :2].tolist(), strict=True):
            window = sources[shard][first : first + length]
            np.bitwise_or(window, window, out=row)
        return batch

    def _require_finite(self, mel: Tensor, places: np.ndarray) -> None:
        # Here, 1 of the 45 us that a window takes; at opening, the mel of a whole corpus would have to be read.
        finite = np.isfinite(mel.numpy())
        if finite.all():
            return
        shard, first, start, _ = places[~finite.all((1, 2, 3))][0]
        name = next(clip.clip_id for clip in self._shards[shard].clips if clip.start == start)
        span = f"frames {first - start} to {first - start + self.frames - 1}"
        raise LipdataError(
            f"{self._shards[shard].path}: mel of {name} holds NaN or infinity in {span}; ingest that clip again"
        )

    def _mapped(self) -> dict[str, list[np.ndarray]]:
        if self._bytes is None:
            self._bytes = {name: [_rows_of_bytes(shard.array(name)) for shard in self._shards] for name in self._shapes}
        return self._bytes


def shifted_places(places: np.ndarray, length: int) -> np.ndarray:
    """Where the shifted windows of each window lie: S rows a window, of the same four columns [shape=(B S, 4)].

    Args:
        places: shard, first frame of the window, first frame of its clip, frames of its clip [shape=(B, 4)].
        length: of a window, frames.
    """
    first, start, frames = places[:, 1:].T
    near = NEAREST_SHIFT - 1
    before = np.clip(first - near - np.maximum(start, first - FARTHEST_SHIFT), 0, None)
    after = np.clip(np.minimum(start + frames - length, first + FARTHEST_SHIFT) - first - near, 0, None)
    at = (2 * np.arange(SHIFTED_WINDOWS) + 1) * (before + after)[:, None] // (2 * SHIFTED_WINDOWS)  # B, S
    shift = at - before[:, None] - near  # of those before the window
    shift += (shift > -NEAREST_SHIFT) * (2 * near + 1)
    shift[before + after == 0] = 0
    shifted = np.repeat(places, SHIFTED_WINDOWS, axis=0)
    shifted[:, 1] += shift.ravel()
    return shifted


def _rows_of_bytes(array: np.ndarray) -> np.ndarray:
    # No longer a numpy.memmap: slicing one costs several times what slicing a plain array costs.
    return array.view(np.ndarray).reshape(len(array), -1).view(np.uint8)  # N, bytes of a frame


def _rows_of(folder: ShardFolder | Sequence[Shard], manifest: Path | str | None) -> list[ManifestRow]:
    if manifest is not None:
        return read_manifest(Path(manifest))
    if isinstance(folder, ShardFolder):
        return folder.manifest
    raise LipdataError("shards without their folder; give manifest, or the clips to take")
