"""Clips in which a mouth moves a known number of frames before its sound changes."""

import numpy as np

from lipdata.shards import Clip
from tests.lipdata.analysis.changed import with_feature


def moving_clip(clip_id: str, change: np.ndarray, moved: np.ndarray) -> Clip:
    """A clip whose sound changes by ``change`` dB and whose mouth moves by ``moved`` pixels, T - 1 steps each."""
    n_frames = len(change) + 1
    level = np.cumsum([-60, *(change * (-1.0) ** np.arange(len(change)))])  # up and down by turns
    flow = np.full((n_frames, 64, 64, 2), 9.0)  # the last frame has no next: its 9 is not to be counted
    flow[:-1] = moved[:, None, None, None] * (0.6, -0.8)
    return Clip(
        clip_id=clip_id,
        speaker=clip_id.split("/")[0],
        sha256="0" * 64,
        fps=25,
        frames=np.zeros((n_frames, 64, 64, 3), np.uint8),
        landmarks=np.zeros((n_frames, 20, 2)),
        box=np.zeros((n_frames, 4)),
        tracked=np.ones(n_frames, bool),
        face=np.zeros((256, 256, 3), np.uint8),
        face_lips=np.zeros(4),
        features={
            "mel": np.broadcast_to(level[:, None, None], (n_frames, 4, 128)).astype(np.float32),
            "flow": flow.astype(np.float16),
        },
    )


def mouth_first(clip_id: str, by: int, n_frames: int = 75, seed: int = 0) -> Clip:
    """A clip whose mouth moves ``by`` frames before its sound."""
    both = np.random.default_rng(seed).uniform(1, 3, n_frames + 6)
    return moving_clip(clip_id, both[7 - by : len(both) - by], both[7:])


def damaged(clip_id: str, name: str, value: float, frame: int) -> Clip:
    whole = mouth_first(clip_id, 1)
    array = whole.array(name).copy()
    array[frame, 3] = value
    return with_feature(whole, **{name: array})
