"""Overlapping windows fade into each other."""

import numpy as np
import pytest

from lipmodel.inference.blend import cross_fade, window_starts


@pytest.mark.parametrize("n_frames", [1, 7, 8, 9, 16, 17, 24, 25, 40, 75, 100])
def test_windows_that_agree_come_out_unchanged(n_frames):
    starts = window_starts(n_frames, 16, 8)
    assert starts[-1] + 16 >= n_frames and (len(starts) == 1 or starts[-2] + 16 < n_frames)
    windows = [np.arange(start, start + 16, dtype=float).reshape(16, 1, 1) for start in starts]
    frames = np.array(list(cross_fade(windows, n_frames=n_frames, stride=8))).ravel()
    np.testing.assert_allclose(frames, np.arange(n_frames), atol=1e-12)


def test_windows_that_differ_fade_without_a_jump():
    windows = [np.zeros((16, 1)), np.ones((16, 1))]
    frames = np.array(list(cross_fade(windows, n_frames=24, stride=8))).ravel()
    assert (frames[:8] == 0).all() and (frames[16:] == 1).all()
    steps = np.diff(frames)
    assert (steps >= 0).all() and steps.max() < 0.2


def test_windows_are_asked_for_one_at_a_time():
    asked = []

    def windows():
        for number in range(100):
            asked.append(number)
            yield np.zeros((16, 1))

    frames = cross_fade(windows(), n_frames=808, stride=8)
    for _ in range(9):
        next(frames)
    assert asked == [0, 1]
