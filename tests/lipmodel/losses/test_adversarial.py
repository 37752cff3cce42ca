"""Adversarial losses by hand values, their limits and their gradients."""

import math

import pytest
import torch

from lipmodel.losses.adversarial import l_dis, l_gen

EVEN, THREE_TO_ONE = 0.0, math.log(3)  # logits of D = 1/2 and D = 3/4


def test_values_computed_by_hand():
    logits = torch.tensor([EVEN, THREE_TO_ONE])
    believed, doubted = (math.log(2) - math.log(3 / 4)) / 2, (math.log(2) - math.log(1 / 4)) / 2
    assert l_gen(logits).item() == pytest.approx(believed)
    assert [term.item() for term in l_dis(logits, logits, logits)] == pytest.approx([believed, doubted, doubted])


def test_each_kind_has_its_own_term():
    terms = l_dis(*torch.tensor([[THREE_TO_ONE], [EVEN], [-THREE_TO_ONE]]))
    assert terms.real.item() == pytest.approx(-math.log(3 / 4))
    assert terms.generated.item() == pytest.approx(math.log(2))
    assert terms.mismatched.item() == pytest.approx(-math.log(3 / 4))


def test_a_sure_and_right_verdict_costs_nothing():
    sure = torch.full((2,), 200.0)
    assert l_gen(sure).item() == 0 and sum(l_dis(sure, -sure, -sure)).item() == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_sure_and_wrong_verdict_stays_finite(dtype):
    wrong = torch.full((2,), -10_000.0, dtype=dtype, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        loss = l_gen(wrong) + sum(l_dis(wrong, -wrong, -wrong))
    loss.backward()
    assert loss.item() == pytest.approx(40_000, rel=4e-3)
    assert (wrong.grad == -2).all()  # four terms of slope -1, each a mean over two clips


def test_their_gradients():
    logits = [torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    assert torch.autograd.gradcheck(l_gen, logits[:1])
    assert torch.autograd.gradcheck(l_dis, logits)


def test_half_precision():
    logits = torch.randn(3, 16)
    with torch.autocast("cpu", torch.bfloat16):
        terms = l_dis(*logits.bfloat16())
    assert all(term.dtype == torch.float32 for term in terms)
    torch.testing.assert_close(torch.stack(terms), torch.stack(l_dis(*logits)), atol=5e-3, rtol=0)
