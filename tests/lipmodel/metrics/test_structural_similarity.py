"""SSIM by its formula, by hand values and against scikit-image; luma."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from lipmodel.metrics.luma import to_luma
from lipmodel.metrics.structural_similarity import ssim

C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    real = random.integers(0, 256, (5, 20, 33, 3), np.uint8)
    return real, np.clip(real + random.normal(0, 60, real.shape), 0, 255).astype(np.uint8)


def flat(*levels):
    return np.broadcast_to(np.array(levels, np.uint8)[:, None, None, None], (len(levels), 64, 64, 3))


def test_flat_pictures_computed_by_hand():
    values = ssim(flat(100, 0, 7), flat(50, 255, 7))
    expected = [(2 * 100 * 50 + C1) / (100**2 + 50**2 + C1), C1 / (255**2 + C1), 1]
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_by_its_formula_window_by_window(pair):
    one, other = (sliding_window_view(to_luma(frames).astype(float), (7, 7), (1, 2)) for frames in pair)
    one, other = (windows.reshape(*windows.shape[:3], 49) for windows in (one, other))  # T, H - 6, W - 6, 49
    mean, mean_other = one.mean(-1), other.mean(-1)
    covariance = ((one - mean[..., None]) * (other - mean_other[..., None])).sum(-1) / 48
    structure = (2 * covariance + C2) / (one.var(-1, ddof=1) + other.var(-1, ddof=1) + C2)
    light = (2 * mean * mean_other + C1) / (mean**2 + mean_other**2 + C1)
    np.testing.assert_allclose(ssim(*pair), (light * structure).mean((1, 2)), atol=1e-9)


def test_every_frame_has_its_own_value(pair):
    real, fake = pair
    values = ssim(real, fake)
    assert values.shape == (5,) and (values < 1).all()
    np.testing.assert_array_equal(values[::-1], ssim(real[::-1], fake[::-1]))
    np.testing.assert_array_equal(ssim(real, real), np.ones(5))


def test_more_noise_is_less_alike():
    random = np.random.default_rng(1)
    real = random.integers(60, 200, (1, 64, 64, 3), np.uint8)
    noise = random.normal(0, 1, real.shape)
    values = [ssim(real, (real + deviation * noise).clip(0, 255).astype(np.uint8))[0] for deviation in (2, 5, 10, 30)]
    assert all(np.diff(values) < -0.005) and values[0] > 0.99


def test_grey_is_luma_of_rec_601():
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [10, 200, 90]], np.uint8)
    frames = np.broadcast_to(colours[:, None, None], (5, 7, 9, 3))
    expected = np.array([76, 150, 29, 255, 131], np.uint8)  # 0.299 R + 0.587 G + 0.114 B, rounded
    np.testing.assert_array_equal(to_luma(frames), np.broadcast_to(expected[:, None, None], (5, 7, 9)))
