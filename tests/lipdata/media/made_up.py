"""Decoding, on clips whose pictures and sounds tell their own time."""

from pathlib import Path

import numpy as np

from lipdata.media import DecodedClip, decode_clip

RATE = 44100
LOSSLESS = ("-c:v", "ffv1", "-c:a", "pcm_s16le")


def read(path: Path, **options: object) -> DecodedClip:
    return decode_clip(path, fps=25, sample_rate_hz=RATE, **options)  # type: ignore[arg-type]


def ramp(n_frames: int, fps: float) -> np.ndarray:
    """Frames whose grey tells their time: 4 levels for each 0.04 s."""
    grey = np.round(np.arange(n_frames) / fps * 100).astype(np.uint8)
    return np.broadcast_to(grey[:, None, None, None], (n_frames, 48, 64, 3))


def click(at_s: float, length_s: float, rate_hz: int = RATE) -> np.ndarray:
    """Silence with one millisecond of noise that begins at ``at_s``."""
    sound = np.zeros(round(length_s * rate_hz))
    start = round(at_s * rate_hz)
    sound[start : start + rate_hz // 1000] = 0.9
    return sound


def onset_s(sound: np.ndarray) -> float:
    return float(np.argmax(np.abs(sound) > 0.3)) / RATE
