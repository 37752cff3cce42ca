"""Overlapping windows -> one video, each window fading into the next."""

from collections.abc import Iterable, Iterator

import numpy as np


def window_starts(n_frames: int, frames: int, stride: int) -> range:
    """First frames of the fewest windows that reach to frame ``n_frames``; the last may reach beyond it."""
    after_first = max(0, n_frames - frames)
    return range(0, -(-after_first // stride) * stride + 1, stride)


def cross_fade(windows: Iterable[np.ndarray], *, n_frames: int, stride: int) -> Iterator[np.ndarray]:
    """The first ``n_frames`` frames of windows that begin ``stride`` frames apart.

    Where windows overlap, they are weighted with sin²: with a stride of half a window the weights add up to 1 of
    themselves and neither they nor their slope jumps. At both ends of the video one window stands alone and counts
    fully. Only one window's frames are held at a time.

    Shape:
        windows: (T, ...) each, float, T at least ``stride``; result: (...), frame after frame.
    """
    total = weight = np.zeros(0)
    emitted = 0
    for window in windows:
        frames = len(window)
        fade = np.sin(np.pi * (np.arange(frames) + 0.5) / frames) ** 2
        if not emitted and not len(total):
            total, weight = np.zeros(window.shape), np.zeros(frames)
        total += window * fade.reshape(-1, *[1] * (window.ndim - 1))
        weight += fade
        for frame in range(min(stride, n_frames - emitted)):
            yield total[frame] / weight[frame]
            emitted += 1
        total = np.concatenate([total[stride:], np.zeros((stride, *total.shape[1:]))])
        weight = np.concatenate([weight[stride:], np.zeros(stride)])
    for frame in range(n_frames - emitted):
        yield total[frame] / weight[frame]
