"""The pixel loss by hand values and its gradient."""

import torch

from lipmodel.losses.pixel import l_pix


def test_a_value_computed_by_hand():
    fake = torch.tensor([[0.0, 1.0], [-1.0, 0.5]])
    real = torch.tensor([[0.5, 1.0], [1.0, 0.0]])
    assert l_pix(fake, real).item() == (0.5 + 0.0 + 2.0 + 0.5) / 4


def test_a_video_is_no_distance_from_itself():
    video = torch.rand(2, 3, 4, 8, 8)
    assert l_pix(video, video).item() == 0


def test_its_gradient():
    # Far from fake = real, where the absolute value has no derivative.
    fake = torch.rand(1, 3, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    real = torch.rand(1, 3, 2, 4, 4, dtype=torch.float64) + 2
    assert torch.autograd.gradcheck(l_pix, (fake, real))


def test_bfloat16_changes_it_little():
    fake, real = torch.rand(2, 3, 4, 16, 16) * 2 - 1, torch.rand(2, 3, 4, 16, 16) * 2 - 1
    with torch.autocast("cpu", torch.bfloat16):
        value = l_pix(fake.bfloat16(), real.bfloat16())
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, l_pix(fake, real), rtol=1e-3, atol=0)
