"""Flow and log-mel as colours, for pictures that people look at."""

import cv2
import numpy as np


def full_colour(flow: np.ndarray) -> float:
    """The motion, pixels a frame, to draw in full colour: 99.5 % of the pixels are slower; at least 0.5.

    Args:
        flow: (dx, dy) [shape=(T, H, W, 2)].
    """
    motion = np.linalg.norm(flow.astype(np.float32), axis=-1)
    return max(float(np.percentile(motion, 99.5)), 0.5)


def flow_colour(flow: np.ndarray, fastest: float) -> np.ndarray:
    """Flow as colour: hue is the direction, saturation the magnitude, full at ``fastest`` pixels a frame.

    Args:
        flow: (dx, dy) [shape=(..., H, W, 2)].

    Returns:
        RGB uint8 [shape=(..., H, W, 3)].
    """
    flow = flow.astype(np.float32)
    hue = (np.degrees(np.arctan2(flow[..., 1], flow[..., 0])) % 360) / 2
    strength = np.clip(np.linalg.norm(flow, axis=-1) / fastest, 0, 1) * 255
    hsv = np.stack([hue, strength, np.full_like(hue, 255)], axis=-1).astype(np.uint8)
    return cv2.cvtColor(hsv.reshape(-1, hsv.shape[-2], 3), cv2.COLOR_HSV2RGB).reshape(hsv.shape)


def wheel(radius: int) -> tuple[np.ndarray, np.ndarray]:
    """The colours of all directions, outwards from the middle, and which pixels the disc covers.

    Returns:
        RGB uint8 [shape=(2 radius + 1, 2 radius + 1, 3)] and bool [shape=(2 radius + 1, 2 radius + 1)].
    """
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return flow_colour(np.stack([x, y], axis=-1), radius), x**2 + y**2 <= radius**2


def mel_colour(mel: np.ndarray, width: int, height: int) -> np.ndarray:
    """Log-mel as colour: time to the right, low bands below, -60 to 30 dB from dark to bright; dark where no number.

    Args:
        mel: dB re 1.0 [shape=(T, columns, mels)].

    Returns:
        RGB uint8 [shape=(height, width, 3)].
    """
    bands = mel.reshape(-1, mel.shape[-1]).T[::-1]  # mels, columns
    grey = (np.clip((np.nan_to_num(bands, nan=-100) + 60) / 90, 0, 1) * 255).astype(np.uint8)
    sized = cv2.resize(grey, (width, height), interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(cv2.applyColorMap(sized, cv2.COLORMAP_MAGMA), cv2.COLOR_BGR2RGB)
