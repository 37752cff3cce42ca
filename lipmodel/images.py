"""Pictures: uint8 pixels as stored, the signal that networks take, and strips of frames for people to look at."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from lipdata.atomic_files import write_atomic
from lipdata.errors import LipdataError
from lipdata.features import flow_colour


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


def film_strip(videos: Sequence[np.ndarray]) -> np.ndarray:
    """One row a video, its frames from left to right.

    Shape:
        videos: uint8, RGB, (T, H, W, 3) each; result: (len(videos) * H, T * W, 3).
    """
    return np.concatenate([np.concatenate(list(video), axis=1) for video in videos], axis=0)


def flow_frames(real: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Flows as colour, hue the direction and saturation the speed, all on the scale of the first; white at the end.

    Shape:
        each flow: (T - 1, H, W, 2), pixels a frame; each result: uint8, RGB, (T, H, W, 3).
    """
    fastest = max(float(np.percentile(np.linalg.norm(real.astype(np.float32), axis=-1), 99.5)), 0.5)
    colours = (flow_colour(flow, fastest) for flow in (real, *others))
    return [np.concatenate([colour, np.full_like(colour[:1], 255)]) for colour in colours]


def write_png(path: Path, image: np.ndarray) -> None:
    """Write an RGB picture, all or nothing [shape=(H, W, 3), uint8].

    Raises:
        LipdataError: the picture cannot be encoded.
    """
    done, content = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise LipdataError(f"{path}: a picture of shape {image.shape} cannot be written as PNG")
    write_atomic(path, content.tobytes())
