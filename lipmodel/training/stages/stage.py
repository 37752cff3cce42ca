"""What the training loop asks of a stage."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer


class Stage(Protocol):
    """What a stage is to the loop.

    Attributes:
        name: of the stage and of its number of steps in ``config.Steps``.
        reads: the parts of a window that it takes.
        networks, optimizers: what a checkpoint holds, by name.
        balance: how evenly speakers are drawn: 0 every window alike, 1 every speaker, .5 by the root of its windows.
        selected_by: the measure of which the lowest is the best.
    """

    name: str
    reads: tuple[str, ...]
    networks: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    balance: float
    selected_by: str

    def step(self, batch: Mapping[str, Tensor], step: int) -> dict[str, Tensor]:
        """Learn from a batch; the losses by name, scalars on the device.

        Args:
            step: its number, from 1: what a stage draws at random follows from it, so that a resumed run goes on alike.
        """

    def measure(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Means over a batch of validation windows."""

    def picture(self, batch: Mapping[str, Tensor]) -> np.ndarray:
        """A few windows to look at, RGB [shape=(H, W, 3), uint8]."""
