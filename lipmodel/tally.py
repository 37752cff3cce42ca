"""Losses and times, added up between two logged steps."""

import time
from collections.abc import Iterable, Iterator, Mapping

import torch
from lightning_fabric import Fabric
from torch import Tensor


class Tally:
    """Losses are added where they lie; only ``take`` fetches them from the device.

    Args:
        windows: a step takes, on all devices together.
    """

    def __init__(self, windows: int) -> None:
        self._windows = windows
        self._begin()

    def timed(self, batches: Iterable[Mapping[str, Tensor]]) -> Iterator[Mapping[str, Tensor]]:
        """The same batches, with the time that is spent waiting for them counted."""
        iterator = iter(batches)
        while True:
            self._asked_s = time.perf_counter()
            batch = next(iterator, None)
            self._waited_s += time.perf_counter() - self._asked_s
            if batch is None:
                return
            yield batch

    def count(self, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of one step."""
        for name, loss in losses.items():
            self._sums[name] = self._sums[name] + loss if name in self._sums else loss
        self._counted += 1
        self._spent_s += time.perf_counter() - self._asked_s

    def take(self, fabric: Fabric) -> tuple[dict[str, float], dict[str, float]]:
        """The mean losses of all devices since the last call; and windows a second, and the share of time waited."""
        began = time.perf_counter()
        sums = torch.stack([total.float() for total in self._sums.values()]) / self._counted
        means = fabric.all_reduce(sums, reduce_op="mean")
        losses = dict(zip(self._sums, torch.as_tensor(means).tolist(), strict=True))
        # A GPU runs behind the program: what tolist() waits for is time spent on the steps as well.
        spent_s = self._spent_s + time.perf_counter() - began
        pace = {"windows_per_s": self._counted * self._windows / spent_s, "waiting": self._waited_s / spent_s}
        self._begin()
        return losses, pace

    def _begin(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counted = 0
        self._waited_s = 0.0
        self._spent_s = 0.0
