"""The correlation loss by hand values and its gradient."""

import pytest
import torch

from lipmodel.losses.correlation import l_corr


def test_a_value_computed_by_hand():
    sound = torch.tensor([[[3.0], [4.0]], [[1.0], [0.0]]])  # 2 clips of 2 channels, 1 step
    motion = torch.tensor([[[4.0], [3.0]], [[0.0], [7.0]]])
    assert l_corr(sound, motion).item() == pytest.approx(((1 - 24 / 25) + 1) / 2)


def test_channels_and_time_are_one_vector():
    """In each channel, and in each step, both point the same way."""
    sound, motion = torch.tensor([[[3.0, 0.0], [0.0, 4.0]]]), torch.tensor([[[4.0, 0.0], [0.0, 3.0]]])
    assert l_corr(sound, motion).item() == pytest.approx(1 - 24 / 25)


def test_from_0_for_the_same_direction_to_2_for_the_opposite():
    features = torch.randn(3, 8, 15)
    assert l_corr(features, 5 * features).item() == pytest.approx(0, abs=1e-6)
    assert l_corr(features, -0.1 * features).item() == pytest.approx(2, abs=1e-6)


def test_nothing_moves():
    still = torch.zeros(1, 8, 15, requires_grad=True)
    loss = l_corr(torch.randn(1, 8, 15), still)
    loss.backward()
    assert loss.item() == 1 and still.grad.isfinite().all()


def test_its_gradient():
    sound, motion = (torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(l_corr, (sound, motion))


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("size", [1.0, 1e-4])
def test_half_precision(half, size):
    """Features of 1e-4 have products of 1e-8: float16 would round them to 0, and sums of bfloat16 to 3 digits."""
    sound = size * torch.randn(2, 256, 15)
    motion = sound + size * torch.randn(2, 256, 15)
    with torch.autocast("cpu", torch.bfloat16):
        loss = l_corr(sound.to(half), motion.to(half))
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, l_corr(sound, motion), atol=5e-3, rtol=0)
