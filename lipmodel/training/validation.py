"""How a stage does while it learns: its measures on validation windows, and pictures of a few windows."""

import numpy as np
import torch

from lipmodel.data import WindowDataset, fixed_sample, to_device
from lipmodel.training.stages.stage import Stage

SAMPLED_WINDOWS = 4
# Enough for a mean that holds; all of GRID's validation windows would take longer than the steps between.
VALIDATION_WINDOWS = 256


@torch.no_grad()
def validate(stage: Stage, windows: WindowDataset, batch: int, device: torch.device) -> dict[str, float]:
    """The means of a stage's measures over the same windows every time; nothing where there are none."""
    index = fixed_sample(len(windows), VALIDATION_WINDOWS)
    sums: dict[str, float] = {}
    for some in index.parts(batch):
        for name, mean in stage.measure(to_device(device, windows[some])).items():
            sums[name] = sums.get(name, 0.0) + mean.item() * len(some.windows)
    return {name: total / len(index.windows) for name, total in sums.items()}


@torch.no_grad()
def draw_samples(stage: Stage, windows: WindowDataset, device: torch.device) -> np.ndarray:
    """A stage's picture of a few windows, the same ones every time, RGB [shape=(H, W, 3), uint8]."""
    return stage.picture(to_device(device, windows[fixed_sample(len(windows), SAMPLED_WINDOWS)]))
