"""PSNR by hand values and against scikit-image."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from lipmodel.metrics.peak_signal_to_noise import decibel, psnr, psnr_uint8, squared_error, squared_error_uint8

SHAPE = (16, 64, 64, 3)


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Two unrelated random clips."""
    return tuple(np.random.default_rng(0).integers(0, 256, (2, *SHAPE), np.uint8))


def test_values_computed_by_hand():
    real = np.zeros((3, 2, 2), np.uint8)
    fake = real + np.array([0, 10, 255], np.uint8)[:, None, None]
    fake[1, 0] = 0
    assert squared_error(real, fake).tolist() == squared_error(fake, real).tolist() == [0, 50, 65025]
    assert decibel(squared_error(real, fake))[[0, 2]].tolist() == [np.inf, 0]
    assert psnr(real, fake) == pytest.approx(10 * np.log10(65025 / (65075 / 3)))


def test_wrapped_values_computed_by_hand():
    real = np.full((4, 2), 100, np.uint8)
    fake = real + np.array([3, 15, 16, 17], np.uint8)[:, None]
    assert squared_error_uint8(real, fake).tolist() == squared_error_uint8(fake, real).tolist() == [9, 225, 0, 33]


def test_as_scikit_image_has_it(pair):
    assert psnr(*pair) == pytest.approx(peak_signal_noise_ratio(*pair, data_range=255), abs=1e-9)


def test_a_clip_is_measured_by_the_mean_error_of_its_frames(pair):
    real, fake = pair
    fake = np.concatenate([real[:1], fake[1:]])
    assert decibel(squared_error(real, fake)).mean() == np.inf
    assert psnr(real, fake) == pytest.approx(decibel(squared_error(real, fake).mean())) and psnr(real, fake) < 9


@pytest.mark.parametrize("deviation", [1, 3, 10, 20])
def test_noise_of_known_variance_gives_the_computed_value(deviation):
    grey = np.random.default_rng(1).normal(128, deviation, SHAPE).round()
    assert grey.min() > 0 and grey.max() < 255  # nothing was clipped
    real = np.full(SHAPE, 128, np.uint8)
    # Rounding adds a variance of 1/12. The variance of 196,608 values is off by 0.32 % (one sigma), which is 0.014 dB.
    expected = 10 * np.log10(65025 / (deviation**2 + 1 / 12))
    assert psnr(real, grey.astype(np.uint8)) == pytest.approx(expected, abs=0.07)


def test_unrelated_pictures_score_7_8_dB_and_27_9_where_errors_wrap(pair):
    assert psnr(*pair) == pytest.approx(7.75, abs=0.02)  # E (x - y)^2 = (256^2 - 1) / 6
    assert psnr_uint8(*pair) == pytest.approx(27.9, abs=0.05)


def test_small_errors_do_not_wrap(pair):
    real, _ = pair
    fake = np.where(real < 128, real + 15, real - 15)
    assert psnr_uint8(real, fake) == psnr(real, fake)


@pytest.mark.parametrize("measure", [psnr, psnr_uint8])
def test_equal_clips_are_infinitely_alike_and_give_no_warning(measure, pair, recwarn):
    assert measure(pair[0], pair[0]) == np.inf
    assert not recwarn.list
