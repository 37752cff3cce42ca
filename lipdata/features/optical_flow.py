"""Optical flow between neighbouring mouth crops: the targets that FlowNet is trained on."""

from dataclasses import asdict

import cv2
import numpy as np

from lipdata.config import FlowConfig


def farneback_flow(crops: np.ndarray, flow: FlowConfig) -> np.ndarray:
    """Farneback's flow from each crop to the next, on grey.

    Args:
        crops: uint8 RGB [shape=(T, H, W, 3)].

    Returns:
        (dx, dy) in crop pixels a frame, float16; 0 at the last frame [shape=(T, H, W, 2)].
    """
    grey = [cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops]
    field = np.zeros((*crops.shape[:3], 2), np.float16)
    options = asdict(flow) | {"flow": None, "flags": 0}
    for i, (one, other) in enumerate(zip(grey[:-1], grey[1:], strict=True)):
        field[i] = cv2.calcOpticalFlowFarneback(one, other, **options)
    return field
