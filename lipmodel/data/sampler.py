"""Which windows each step reads: an order that depends on seed and epoch alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BatchIndex:
    """Which windows a batch holds, and what goes with each.

    Attributes:
        windows: places in ``WindowDataset`` [shape=(B,)].
        identity: where in its clip the identity frame lies, 0 (first frame) up to, not including, 1 [shape=(B,)].
        mismatched: places in ``WindowDataset`` of other windows, whose video the sound does not fit: v^k of the paper's
            Eq. 4 [shape=(B,)].
    """

    windows: np.ndarray
    identity: np.ndarray
    mismatched: np.ndarray

    def parts(self, batch: int) -> Iterator["BatchIndex"]:
        """The same windows, ``batch`` at a time."""
        for first in range(0, len(self.windows), batch):
            yield self._rows(slice(first, first + batch))

    def share(self, rank: int, world: int) -> "BatchIndex":
        """What process ``rank`` of ``world`` takes of it; the shares of all are the batch."""
        return self._rows(slice(rank, None, world))

    def _rows(self, rows: slice) -> "BatchIndex":
        return BatchIndex(self.windows[rows], self.identity[rows], self.mismatched[rows])


class BatchSampler:
    """The batches of steps ``first`` up to, not including, ``end``.

    Epochs follow each other without a seam: in each, every window comes exactly once, and a batch may hold the last
    windows of one and the first of the next. So all batches are of one size, and a step's batch is known without
    those before it: a resumed run goes on with what it would have seen.
    """

    def __init__(
        self, n_windows: int, *, batch: int, seed: int, first: int, end: int, chances: np.ndarray | None = None
    ) -> None:
        self._n_windows, self._batch, self._seed, self._steps = n_windows, batch, seed, range(first, end)
        self._chances = chances

    def __iter__(self) -> Iterator[BatchIndex]:
        epoch, drawn = -1, (np.empty(0),) * 3
        for step in self._steps:
            pieces = []
            place, end = step * self._batch, (step + 1) * self._batch
            while place < end:
                if place // self._n_windows != epoch:
                    epoch = place // self._n_windows
                    drawn = draw_epoch(self._n_windows, seed=self._seed, epoch=epoch, chances=self._chances)
                order, identity, mismatched = drawn
                windows = order[place % self._n_windows :][: end - place]
                pieces.append((windows, identity[windows], mismatched[windows]))
                place += len(windows)
            yield BatchIndex(*(np.concatenate(rows) for rows in zip(*pieces, strict=True)))


def draw_epoch(
    n_windows: int, *, seed: int, epoch: int, chances: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What an epoch leaves to chance.

    Args:
        chances: of each window to be drawn, of sum 1; windows may then come twice or not at all [shape=(n_windows,)].

    Returns:
        The order of the windows; for every window, where its identity frame lies and which other window is its
        mismatched one (see ``BatchIndex``). Only a window that is the only one gets itself.
    """
    random = np.random.default_rng((seed, epoch))
    order, identity = random.permutation(n_windows), random.random(n_windows)
    ahead = 1 + random.integers(max(n_windows - 1, 1), size=n_windows)
    if chances is not None:
        order = random.choice(n_windows, n_windows, p=chances)
    return order, identity, (np.arange(n_windows) + ahead) % max(n_windows, 1)


def fixed_sample(n_windows: int, count: int) -> BatchIndex:
    """At most ``count`` windows, drawn at random but always the same, each with what goes with it."""
    # Evenly spread ones could all be the silence at the beginning of a clip.
    order, identity, mismatched = draw_epoch(n_windows, seed=0, epoch=0)
    places = np.sort(order[:count])
    return BatchIndex(places, identity[places], mismatched[places])
