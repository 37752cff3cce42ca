"""Shards -> windows of video, sound and pictures, in an order that depends on seed and epoch alone."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lipdata.errors import LipdataError
from lipdata.manifest import Row
from lipdata.shards import Shard

# Gives memory to read into; called like torch.empty.
Empty = Callable[..., Tensor]
DTYPES = {"frames": torch.uint8, "mel": torch.float32, "flow": torch.float16}


@dataclass(frozen=True)
class Pick:
    """Which windows a batch holds, and what goes with each.

    Attributes:
        windows: places in ``Windows`` [shape=(B,)].
        identity: where in its clip the identity frame lies, 0 (first frame) up to, not including, 1 [shape=(B,)].
        mismatched: places in ``Windows`` of other windows, whose video the sound does not fit: v^k of the paper's
            Eq. 4 [shape=(B,)].
    """

    windows: np.ndarray
    identity: np.ndarray
    mismatched: np.ndarray

    def parts(self, batch: int) -> Iterator["Pick"]:
        """The same windows, ``batch`` at a time."""
        for first in range(0, len(self.windows), batch):
            yield self._rows(slice(first, first + batch))

    def share(self, rank: int, world: int) -> "Pick":
        """What process ``rank`` of ``world`` takes of it; the shares of all are the batch."""
        return self._rows(slice(rank, None, world))

    def _rows(self, rows: slice) -> "Pick":
        return Pick(self.windows[rows], self.identity[rows], self.mismatched[rows])


class Windows:
    """Overlapping windows of all the clips given. Indexed with a ``Pick``, it gives a whole batch.

    Frames stay bytes and come straight out of the mapped files. Several threads may read at the same time.

    Args:
        shards: of ``lipdata.shards.open_folder``.
        clip_ids: the clips to take, where the shards hold them.
        frames: length of a window.
        stride: from one window's first frame to the next window's.
        parts: what to give of each window, of ``video``, ``mel``, ``identity``, ``mismatched`` and ``flow``.

    Attributes:
        parts: as asked for.
        clips: how many clips were taken.
        short_clips: how many of them have fewer frames than a window, and so give none.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        clip_ids: Collection[str],
        *,
        frames: int,
        stride: int,
        parts: Collection[str],
    ) -> None:
        taken = [
            (number, clip) for number, shard in enumerate(shards) for clip in shard.clips if clip.clip_id in clip_ids
        ]
        self.parts = tuple(parts)
        self.clips = len(taken)
        self.short_clips = sum(clip.length < frames for _, clip in taken)
        self._shards = shards
        self._frames = frames
        self._bytes = {name: [_rows_of_bytes(shard.array(name)) for shard in shards] for name in DTYPES}
        self._shapes = {name: shards[0].array(name).shape[1:] for name in DTYPES}
        # shard, first frame of the window, first frame of the clip, frames of the clip
        self._places = np.array(
            [
                (number, first, clip.start, clip.length)
                for number, clip in taken
                for first in range(clip.start, clip.start + clip.length - frames + 1, stride)
            ],
            np.int64,
        ).reshape(-1, 4)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, pick: Pick) -> dict[str, Tensor]:
        """One batch, in memory of its own."""
        return self.read(pick, torch.empty)

    def read(self, pick: Pick, empty: Empty) -> dict[str, Tensor]:
        """One batch.

        Args:
            empty: gives the memory that the batch is to lie in.

        Returns:
            Of these, the ``parts`` asked for: ``video`` uint8 (B, T, H, W, 3), RGB; ``mel`` float32 (B, 4 T, 128), dB
            re 1.0; ``identity`` uint8 (B, H, W, 3), a frame of the same clip; ``mismatched`` uint8 (B, T, H, W, 3),
            the video of another window; ``flow`` float16 (B, T - 1, H, W, 2), pixels a frame.

        Raises:
            LipdataError: a mel is not finite.
        """
        own, other, length = self._places[pick.windows], self._places[pick.mismatched], self._frames
        faces = np.stack([own[:, 0], own[:, 2] + (pick.identity * own[:, 3]).astype(np.int64)], axis=1)
        where = {
            "video": ("frames", own, length),
            "mel": ("mel", own, length),
            "identity": ("frames", faces, 1),
            "mismatched": ("frames", other, length),
            # The last frame's flow leads out of the window.
            "flow": ("flow", own, length - 1),
        }
        batch = {part: self._gather(*where[part], empty) for part in self.parts}
        if "mel" in batch:
            self._require_finite(batch["mel"], own)
            batch["mel"] = batch["mel"].flatten(1, 2)  # B, 4 T, 128
        if "identity" in batch:
            batch["identity"] = batch["identity"].squeeze(1)  # B, H, W, 3
        return batch

    def _gather(self, name: str, places: np.ndarray, length: int, empty: Empty) -> Tensor:
        batch = empty((len(places), length, *self._shapes[name]), dtype=DTYPES[name])
        rows = batch.flatten(2).numpy().view(np.uint8)  # B, T, bytes of a frame
        # np.take and index arrays read at half this speed. A plain copy ends in the processor's "rep movsb": on an AMD
        # EPYC, a quarter slower than the vector instructions of "or" where the batch is not in the cache.
        for row, (shard, first) in zip(rows, places[:, :2].tolist(), strict=True):
            window = self._bytes[name][shard][first : first + length]
            np.bitwise_or(window, window, out=row)
        return batch

    def _require_finite(self, mel: Tensor, places: np.ndarray) -> None:
        # Here, 1 of the 45 us that a window takes; at opening, the mel of a whole corpus would have to be read.
        finite = np.isfinite(mel.numpy())
        if finite.all():
            return
        shard, first, start, _ = places[~finite.all((1, 2, 3))][0]
        name = next(clip.clip_id for clip in self._shards[shard].clips if clip.start == start)
        span = f"frames {first - start} to {first - start + self._frames - 1}"
        raise LipdataError(
            f"{self._shards[shard].path}: mel of {name} holds NaN or infinity in {span}; ingest that clip again"
        )


def _rows_of_bytes(array: np.ndarray) -> np.ndarray:
    # No longer a numpy.memmap: slicing one costs several times what slicing a plain array costs.
    return array.view(np.ndarray).reshape(len(array), -1).view(np.uint8)  # N, bytes of a frame


class Batches:
    """The batches of steps ``first`` up to, not including, ``end``.

    Epochs follow each other without a seam: in each, every window comes exactly once, and a batch may hold the last
    windows of one and the first of the next. So all batches are of one size, and a step's batch is known without
    those before it: a resumed run goes on with what it would have seen.
    """

    def __init__(self, n_windows: int, *, batch: int, seed: int, first: int, end: int) -> None:
        self._n_windows, self._batch, self._seed, self._steps = n_windows, batch, seed, range(first, end)

    def __iter__(self) -> Iterator[Pick]:
        epoch, drawn = -1, (np.empty(0),) * 3
        for step in self._steps:
            pieces = []
            place, end = step * self._batch, (step + 1) * self._batch
            while place < end:
                if place // self._n_windows != epoch:
                    epoch = place // self._n_windows
                    drawn = draw(self._n_windows, seed=self._seed, epoch=epoch)
                order, identity, mismatched = drawn
                windows = order[place % self._n_windows :][: end - place]
                pieces.append((windows, identity[windows], mismatched[windows]))
                place += len(windows)
            yield Pick(*(np.concatenate(rows) for rows in zip(*pieces, strict=True)))


def draw(n_windows: int, *, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What an epoch leaves to chance.

    Returns:
        The order of the windows; for every window, where its identity frame lies and which other window is its
        mismatched one (see ``Pick``). Only a window that is the only one gets itself.
    """
    random = np.random.default_rng((seed, epoch))
    order, identity = random.permutation(n_windows), random.random(n_windows)
    ahead = 1 + random.integers(max(n_windows - 1, 1), size=n_windows)
    return order, identity, (np.arange(n_windows) + ahead) % max(n_windows, 1)


def sample(windows: Windows, count: int) -> Pick:
    """At most ``count`` windows, drawn at random but always the same, each with what goes with it."""
    # Evenly spread ones could all be the silence at the beginning of a clip.
    order, identity, mismatched = draw(len(windows), seed=0, epoch=0)
    places = np.sort(order[:count])
    return Pick(places, identity[places], mismatched[places])


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


def require_batch(n_windows: int, batch: int, devices: int) -> None:
    """Refuse fewer windows than a step takes, or one alone.

    Raises:
        LipdataError: as said.
    """
    if n_windows == 1:
        raise LipdataError("1 window, and each goes with another that its sound does not fit; add clips")
    if n_windows < batch * devices:
        some = f"{n_windows} windows, a step takes {batch} on each of {devices} devices"
        raise LipdataError(f"{some}; add clips, or take --batch {n_windows // devices}")


def on(device: torch.device, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The batch on ``device``; bytes travel, floats are made there."""
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
