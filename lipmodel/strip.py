"""Strips: the frames of a video side by side, real over generated, to be looked at."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from lipdata.errors import LipdataError
from lipdata.files import write_whole
from lipdata.show import flow_colour


def strip(videos: Sequence[np.ndarray]) -> np.ndarray:
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
    write_whole(path, content.tobytes())
