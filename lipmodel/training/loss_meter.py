"""Losses and times between two logged steps."""

import time
from collections.abc import Iterable, Iterator, Mapping

import torch
from lightning_fabric import Fabric
from torch import Tensor


class LossMeter:
    """Losses stay where they lie; only ``take`` fetches them from the device.

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
        """Keep the losses of one step."""
        self._names = tuple(losses)
        self._losses.append(torch.stack([loss.float() for loss in losses.values()]))
        self._spent_s += time.perf_counter() - self._asked_s

    def take(self, fabric: Fabric) -> tuple[dict[str, list[float]], dict[str, float]]:
        """The losses of every step since the last call, means of all devices; and the pace.

        Returns:
            Losses by name, a value a step; ``windows_per_s``, and ``waiting``, the share of the time spent waiting for
            data.
        """
        began = time.perf_counter()
        steps = len(self._losses)
        means = fabric.all_reduce(torch.stack(self._losses, dim=1), reduce_op="mean")  # losses, steps
        losses = dict(zip(self._names, torch.as_tensor(means).tolist(), strict=True))
        # A GPU runs behind the program: what tolist() waits for is time spent on the steps as well.
        spent_s = self._spent_s + time.perf_counter() - began
        pace = {"windows_per_s": steps * self._windows / spent_s, "waiting": self._waited_s / spent_s}
        self._begin()
        return losses, pace

    def _begin(self) -> None:
        self._losses: list[Tensor] = []
        self._waited_s = 0.0
        self._spent_s = 0.0
