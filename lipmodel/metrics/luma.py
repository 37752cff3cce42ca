"""The grey picture that SSIM and CPBD look at."""

import cv2
import numpy as np


def to_luma(frames: np.ndarray) -> np.ndarray:
    """RGB to luma by the weights of Rec. 601 (0.299, 0.587, 0.114), rounded, as OpenCV's ``COLOR_RGB2GRAY``.

    Args:
        frames: uint8 RGB [shape=(T, H, W, 3)].

    Returns:
        uint8 [shape=(T, H, W)].
    """
    # One tall picture: the weights know no neighbours.
    tall = np.ascontiguousarray(frames).reshape(-1, frames.shape[2], 3)  # T * H, W, 3
    return cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY).reshape(frames.shape[:3])
