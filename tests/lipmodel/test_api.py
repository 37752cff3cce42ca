"""What import lipmodel gives."""

import numpy as np
import pytest

import lipmodel


def test_every_name_is_there_and_no_other():
    for name in lipmodel.__all__:
        assert getattr(lipmodel, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'colour'"):
        lipmodel.colour  # noqa: B018


def test_metrics_are_plain_functions_of_arrays():
    from lipmodel.metrics import cpbd, lmd, psnr, ssim

    frames = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    points = np.random.default_rng(1).normal(30, 5, (3, 20, 2))
    assert ssim(frames, frames).tolist() == [1, 1, 1] and psnr(frames, frames) == np.inf
    assert lmd(points, points + 4).tolist() == pytest.approx([0, 0, 0], abs=1e-12)
    assert cpbd(frames[..., 0]).shape == (3,)
    assert lipmodel.metrics.ssim is ssim
