"""The first-frame loss by hand values and its gradient."""

import torch

from lipmodel.losses.first_frame import l_first


def test_a_value_computed_by_hand():
    fake = torch.tensor([[0.0, 9.0], [-1.0, 9.0]]).reshape(1, 1, 2, 2, 1).transpose(2, 3)  # frames (0, -1) and (9, 9)
    real = torch.tensor([[0.5, 0.0], [1.0, 0.0]]).reshape(1, 1, 2, 2, 1).transpose(2, 3)
    assert l_first(fake, real).item() == (0.5 + 2.0) / 2


def test_only_the_first_frame_counts():
    video = torch.rand(2, 3, 4, 8, 8)
    other = torch.cat([video[:, :, :1], torch.rand(2, 3, 3, 8, 8)], dim=2)
    assert l_first(video, other).item() == 0


def test_its_gradient():
    # Far from fake = real, where the absolute value has no derivative.
    fake = torch.rand(1, 3, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    real = torch.rand(1, 3, 2, 4, 4, dtype=torch.float64) + 2
    assert torch.autograd.gradcheck(l_first, (fake, real))


def test_half_precision():
    fake, real = torch.rand(2, 2, 3, 4, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        loss = l_first(fake.bfloat16(), real)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, l_first(fake, real), atol=1e-3, rtol=0)
