"""FlowNet's loss and the end-point error by hand values and their gradients."""

import pytest
import torch

from lipmodel.losses.flow import end_point_error, l_flow

SIZES = (16, 8, 4, 2, 1)


def flows(n: int = 2) -> tuple[torch.Tensor, ...]:
    return tuple(torch.randn(n, 2, size, size) for size in SIZES)


@pytest.mark.parametrize("n", [1, 3])
def test_a_value_computed_by_hand(n):
    target = torch.tensor([12.0, 16.0]).view(1, 2, 1, 1).expand(n, 2, 64, 64)  # 20 pixels long: one unit
    still = tuple(torch.zeros(n, 2, size, size) for size in SIZES)
    places = 0.005 * 256 + 0.01 * 64 + 0.02 * 16 + 0.08 * 4 + 0.32 * 1
    torch.testing.assert_close(l_flow(still, target), torch.tensor(places))


def test_the_target_is_averaged_over_the_area_of_a_place():
    left, right = torch.tensor([6.0, 0.0]), torch.tensor([0.0, 8.0])
    target = torch.stack([left, right], dim=1).repeat_interleave(32, dim=1).view(1, 2, 1, 64).expand(1, 2, 64, 64)
    predicted = [target[:, :, :size, :: 64 // size] / 20 for size in SIZES]
    predicted[-1] = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1) / 20
    assert l_flow(tuple(predicted), target) < 1e-6


def test_its_gradient():
    target = torch.randn(2, 2, 8, 8, dtype=torch.float64) * 20
    small = [torch.randn(2, 2, n, n, dtype=torch.float64, requires_grad=True) for n in (4, 4, 2, 2, 1)]
    assert torch.autograd.gradcheck(lambda *predicted: l_flow(predicted, target), small)


def test_the_gradient_of_a_perfect_flow_is_none():
    predicted = tuple(flow.zero_().requires_grad_() for flow in flows())
    l_flow(predicted, torch.zeros(2, 2, 64, 64)).backward()
    assert all(flow.grad is not None and not flow.grad.any() for flow in predicted)


def test_bfloat16_changes_it_little():
    predicted, target = flows(), torch.randn(2, 2, 64, 64) * 20
    with torch.autocast("cpu", torch.bfloat16):
        value = l_flow(tuple(flow.bfloat16() for flow in predicted), target.half())
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, l_flow(predicted, target), rtol=1e-3, atol=0)


def test_end_point_error_by_hand():
    flow = torch.zeros(1, 2, 2, 4, 4)  # B, 2, T - 1, H, W
    target = torch.zeros_like(flow)
    target[:, 0, 0], target[:, 1, 0] = 3.0, 4.0
    assert end_point_error(flow, target) == 2.5
    assert end_point_error(target, target) == 0


def test_the_gradient_of_end_point_error():
    flow, target = (torch.randn(2, 2, 3, 3, dtype=torch.float64) for _ in range(2))
    assert torch.autograd.gradcheck(end_point_error, (flow.requires_grad_(), target))
