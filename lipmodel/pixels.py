"""Pixels as stored (uint8, colours last) and as the networks take them (float, -1 to 1, colours first)."""

import torch
from torch import Tensor


def to_signal(pixels: Tensor, *, channels_last: bool = True) -> Tensor:
    """uint8 [shape=(B, ..., H, W, 3)] -> float32, -1 to 1 [shape=(B, 3, ..., H, W)].

    The bytes keep their order, which is what PyTorch calls channels last: the layout that convolutions are fastest in.
    Without ``channels_last`` they are put in the order of the shape.
    """
    signal = pixels.movedim(-1, 1).to(torch.float32).div_(127.5).sub_(1.0)
    return signal if channels_last else signal.contiguous()


def to_pixels(signal: Tensor) -> Tensor:
    """The inverse of ``to_signal``, rounded; values outside -1 to 1 are cut."""
    return signal.movedim(1, -1).add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)
