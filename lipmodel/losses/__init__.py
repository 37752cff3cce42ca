"""The losses: one a file; those of the generator registered by name.

A loss is computed from a ``GeneratorPass``. One of another package is a ``Loss``, named by an entry point of the group
``lipmodel.losses``: then it has its flag, its log line and its place in the sum.
"""

from lipmodel.losses.adversarial import l_dis
from lipmodel.losses.flow import end_point_error, l_flow
from lipmodel.losses.generator_pass import ClipView, GeneratorPass
from lipmodel.losses.perceptual import l_perc
from lipmodel.losses.pixel import l_pix
from lipmodel.losses.registry import (
    DISCRIMINATOR_WEIGHTS,
    Loss,
    all_losses,
    default_weights,
    generator_losses,
    require_installed,
    weighted_sum,
)

__all__ = [
    "DISCRIMINATOR_WEIGHTS",
    "ClipView",
    "GeneratorPass",
    "Loss",
    "all_losses",
    "default_weights",
    "end_point_error",
    "generator_losses",
    "l_dis",
    "l_flow",
    "l_perc",
    "l_pix",
    "require_installed",
    "weighted_sum",
]
