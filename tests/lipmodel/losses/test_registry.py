"""The registered losses: weights of every variant, the sum, and weights of losses that are not installed."""

import pytest
import torch

from lipdata.errors import LipdataError
from lipmodel.losses import default_weights, require_installed, weighted_sum
from lipmodel.variants import VARIANTS

NAMES = ("corr", "sync", "expert", "pixel", "perc", "gen", "first", "lambda_p", "lambda_u")
# By hand: Eq. 2 has weights 1, 0.5, 1, 1 and Eq. 4 has 0.5, 0.5; a column of Table 2 leaves out what has no x.
WEIGHTS = {
    "a": (1, 0, 0, 0.5, 1, 0, 0, 0.5, 0.5),
    "b": (1, 0, 0, 0, 1, 1, 0, 0.5, 0.5),
    "c": (1, 0, 0, 0.5, 0, 1, 0, 0.5, 0.5),
    "d": (0, 0, 0, 0.5, 1, 1, 0, 0.5, 0.5),
    "e": (1, 0, 0, 0.5, 1, 1, 0, 0.5, 0.5),
    "f": (1, 0, 0, 0.5, 1, 1, 0, 0.5, 0.5),
    "g": (1, 0, 0, 0.5, 1, 1, 0, 0.5, 0.5),
    "h": (0, 0, 0, 0.5, 1, 1, 0, 0.5, 0.5),
    "i": (1, 0, 0, 0.5, 1, 1, 0, 0.5, 0.5),
    "j": (0, 1, 0, 0.5, 1, 1, 0, 0.5, 0.5),
    "k": (0, 0, 0.1, 0.5, 1, 1, 0, 0.5, 0.5),
    "vondrick": (0, 0, 0, 0, 0, 1, 10, 0.5, 0.5),
    "chung": (0, 0, 0, 1, 0, 0, 0, 0.5, 0.5),
}


def test_default_weights_are_the_papers():
    assert WEIGHTS.keys() == {name for name, variant in VARIANTS.items() if "gan" in variant.stages}
    for variant, weights in WEIGHTS.items():
        assert list(default_weights(VARIANTS[variant]).items()) == list(zip(NAMES, weights, strict=True)), variant


def test_the_sum_takes_what_has_a_weight_in_the_order_of_equation_2():
    losses = {
        name: torch.tensor(value) for name, value in (("pixel", 2.0), ("gen", 3.0), ("corr", 5.0), ("other", 7.0))
    }
    weights = {"corr": 1.0, "pixel": 0.5, "perc": 1.0, "gen": 0.0}
    assert [term.item() for term in weighted_sum(losses, weights)] == [5.0, 1.0]


def test_a_weight_of_a_loss_that_is_not_installed_is_refused():
    with pytest.raises(
        LipdataError, match="no loss 'sharpness'; known: pixel, first, perc, gen, expert, sync, corr"
    ) as refusal:
        require_installed({"pixel": 1.0, "sharpness": 0.5})
    assert "\n" not in str(refusal.value)
