"""How the generator does while it learns: its loss on validation windows, and pictures of a few windows."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from lipmodel.losses.pixel import l_pix
from lipmodel.pixels import to_pixels, to_signal
from lipmodel.stream import Windows, on, sample
from lipmodel.strip import strip, write_png

SAMPLED_WINDOWS = 4
# Enough for a mean that holds; all of GRID's validation windows would take longer than the steps between.
VALIDATION_WINDOWS = 256


@torch.no_grad()
def validate(generator: nn.Module, windows: Windows, batch: int) -> dict[str, float]:
    """``val_pixel``: the mean pixel loss over the same windows every time."""
    device = next(generator.parameters()).device
    pick = sample(windows, VALIDATION_WINDOWS)
    total = 0.0
    for some in pick.parts(batch):
        tensors = on(device, windows[some])
        fake = generator(tensors["mel"], to_signal(tensors["identity"])).video
        total += l_pix(fake, to_signal(tensors["video"])).item() * len(some.windows)
    return {"val_pixel": total / len(pick.windows)}


@torch.no_grad()
def write_samples(path: Path, generator: nn.Module, windows: Windows) -> None:
    """A picture of a few windows, real over generated."""
    device = next(generator.parameters()).device
    batch = on(device, windows[sample(windows, SAMPLED_WINDOWS)])
    fake = to_pixels(generator(batch["mel"], to_signal(batch["identity"])).video)  # B, T, H, W, 3
    pairs = np.stack([batch["video"].cpu().numpy(), fake.cpu().numpy()], axis=1)  # B, 2, T, H, W, 3
    path.parent.mkdir(exist_ok=True)
    write_png(path, strip(list(pairs.reshape(-1, *pairs.shape[2:]))))
