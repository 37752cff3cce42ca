"""The perceptual loss by hand values and its gradient."""

import torch

from lipmodel.losses.perceptual import l_perc


def test_a_value_computed_by_hand():
    fake = torch.tensor([[0.0, 1.0], [-1.0, 0.5]])
    real = torch.tensor([[0.5, 1.0], [1.0, 0.0]])
    assert l_perc(fake, real).item() == (0.25 + 0.0 + 4.0 + 0.25) / 4


def test_features_are_no_distance_from_themselves():
    features = torch.randn(4, 8, 16, 16)
    assert l_perc(features, features).item() == 0


def test_its_gradient():
    fake, real = (torch.randn(2, 3, 4, 4, dtype=torch.float64) for _ in range(2))
    assert torch.autograd.gradcheck(l_perc, (fake.requires_grad_(), real))


def test_more_of_the_same_is_no_dearer():
    fake, real = torch.randn(2, 8, 16, 16), torch.randn(2, 8, 16, 16)
    torch.testing.assert_close(l_perc(fake.repeat(3, 2, 1, 1), real.repeat(3, 2, 1, 1)), l_perc(fake, real))


def test_bfloat16_changes_it_little():
    fake, real = torch.randn(4, 16, 16, 16), torch.randn(4, 16, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        value = l_perc(fake.bfloat16(), real.bfloat16())
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, l_perc(fake, real), rtol=1e-3, atol=0)
