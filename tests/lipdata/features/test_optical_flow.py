"""Farneback flow of a texture that is shifted by known amounts."""

import numpy as np
import pytest

from lipdata.config import Pipeline
from lipdata.features.optical_flow import farneback_flow


@pytest.fixture(scope="module")
def texture() -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(96, 96))
    low = np.fft.ifft2(np.fft.fft2(noise) * np.exp(-((np.hypot(*np.meshgrid(*[np.fft.fftfreq(96)] * 2)) / 0.06) ** 2)))
    grey = (low.real - low.real.min()) / np.ptp(low.real) * 255
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=-1)


@pytest.mark.parametrize(("dx", "dy"), [(2, 0), (0, 2), (-1, 1)])
def test_a_shifted_texture_flows_by_its_shift(texture: np.ndarray, setup: Pipeline, dx: int, dy: int) -> None:
    crops = np.stack([texture[16 - i * dy :, 16 - i * dx :][:64, :64] for i in range(3)])
    flow = farneback_flow(crops, setup.flow)
    assert flow.shape == (3, 64, 64, 2) and flow.dtype == np.float16
    inner = flow[:2, 12:-12, 12:-12].astype(float)
    np.testing.assert_allclose(inner.reshape(-1, 2).mean(0), (dx, dy), atol=0.1)
    assert not flow[2].any()


def test_what_stands_still_does_not_flow(texture: np.ndarray, setup: Pipeline) -> None:
    crops = np.stack([texture[:64, :64]] * 3)
    # Farneback's own border effect reaches a tenth of a pixel; the inside is still.
    assert np.abs(farneback_flow(crops, setup.flow).astype(float))[:, 12:-12, 12:-12].max() < 0.02
