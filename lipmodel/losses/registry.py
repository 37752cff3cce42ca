"""The losses of the generator by name. A new one is one file and one line here, or an entry point.

A loss that is registered has its flag in ``lipmodel fit``, its place in the weighted sum, and its line in the log.
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

from torch import Tensor

from lipdata.errors import LipdataError
from lipdata.plugins import LOSSES, load_plugin, plugins
from lipmodel.losses.adversarial import adversarial
from lipmodel.losses.correlation import correlation
from lipmodel.losses.expert import expert
from lipmodel.losses.first_frame import first_frame
from lipmodel.losses.generator_pass import GeneratorPass
from lipmodel.losses.perceptual import perceptual
from lipmodel.losses.pixel import pixel
from lipmodel.losses.sync import sync
from lipmodel.variants import Variant


@dataclass(frozen=True)
class Loss:
    """One loss of the generator.

    Attributes:
        name: in the log, in config.json and in a variant's weights.
        flag: of ``lipmodel fit``, for its weight.
        help: what it compares, for ``lipmodel fit --help``.
        compute: gives the loss, a scalar tensor; or several by name, of which the one of its own name is in the sum
            and the others are logged beside it.
        weight: where neither variant nor user says otherwise.
        logged_at_zero: computed and logged with weight 0 too; for losses that cost little and need no network.
    """

    name: str
    flag: str
    help: str
    compute: Callable[[GeneratorPass], Tensor | Mapping[str, Tensor]]
    weight: float = 0.0
    logged_at_zero: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name) or not re.fullmatch(r"--l-[a-z][a-z0-9-]*", self.flag):
            raise LipdataError(f"loss {self.name!r}, flag {self.flag!r}; allowed: lower case, and a flag --l-...")
        if not (isfinite(self.weight) and self.weight >= 0):
            raise LipdataError(f"loss {self.name}: weight {self.weight}; allowed: 0 or a finite number above")

    def __call__(self, generated: GeneratorPass) -> dict[str, Tensor]:
        """The loss by name, and what is logged beside it."""
        computed = self.compute(generated)
        return dict(computed) if isinstance(computed, Mapping) else {self.name: computed}


# In the order in which they are computed.
BUILT_IN = {
    loss.name: loss
    for loss in (
        Loss("pixel", "--l-pix", "Weight of the pixel loss.", pixel, 0.5, logged_at_zero=True),
        Loss("first", "--l-first", "Weight of the first frame's loss.", first_frame, logged_at_zero=True),
        Loss("perc", "--l-perc", "Weight of the perceptual loss.", perceptual, 1.0),
        Loss("gen", "--l-gen", "Weight of the adversarial loss.", adversarial, 1.0),
        # These two before corr, whose curves they log too.
        Loss("expert", "--l-expert", "Weight of the frozen sync network's loss.", expert),
        Loss("sync", "--l-sync", "Weight of the sync loss, corr made contrastive.", sync),
        Loss("corr", "--l-corr", "Weight of the correlation loss.", correlation, 1.0),
    )
}
# Of the discriminator's own loss, Eq. 4: generated and mismatched clips.
DISCRIMINATOR_WEIGHTS = {"lambda_p": 0.5, "lambda_u": 0.5}
# The order of Eq. 2, in which the sum is taken: another order rounds otherwise.
SUM_ORDER = ("corr", "sync", "expert", "pixel", "perc", "gen", "first")


@functools.cache
def all_losses() -> dict[str, Loss]:
    """The built-in losses, and those of the entry point group ``lipmodel.losses``, by name.

    Raises:
        LipdataError: an entry point that is no ``Loss`` of its name, or takes a name that is there.
    """
    losses = dict(BUILT_IN)
    for name, point in plugins(LOSSES).items():
        loss = load_plugin(point)
        if not isinstance(loss, Loss) or loss.name != name:
            raise LipdataError(f"{name!r} of {LOSSES} is {loss!r}; allowed: a lipmodel.losses.Loss of that name")
        if name in (*losses, *DISCRIMINATOR_WEIGHTS) or loss.flag in {other.flag for other in losses.values()}:
            raise LipdataError(
                f"{point.value} registers the loss {name!r}, {loss.flag}, which is there already; rename it"
            )
        losses[name] = loss
    return losses


def default_weights(variant: Variant) -> dict[str, float]:
    """The weight of every loss in a variant, in the order of the sum, then those of the discriminator's loss."""
    losses = all_losses()
    order = [*SUM_ORDER, *(name for name in losses if name not in SUM_ORDER)]
    weights = {name: float(losses[name].weight) for name in order} | DISCRIMINATOR_WEIGHTS
    return weights | {name: float(weight) for name, weight in variant.weights.items()}


def weighted_sum(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> list[Tensor]:
    """The terms of the generator's loss: each loss that counts, times its weight."""
    return [weight * losses[name] for name, weight in weights.items() if weight and name in losses]


def require_installed(weights: Mapping[str, float]) -> None:
    """Refuse a weight of a loss that is not installed.

    Raises:
        LipdataError: as said.
    """
    losses = all_losses()
    for name, weight in weights.items():
        if weight and name not in losses and name not in DISCRIMINATOR_WEIGHTS:
            raise LipdataError(f"no loss {name!r}; known: {', '.join(losses)}; install the package that has it")


def generator_losses(generated: GeneratorPass, weights: Mapping[str, float]) -> dict[str, Tensor]:
    """Every loss that counts or costs little, by name.

    Args:
        weights: of losses that are installed (see :func:`require_installed`).
    """
    found: dict[str, Tensor] = {}
    for name, loss in all_losses().items():
        if weights.get(name) or loss.logged_at_zero:
            found |= loss(generated)
    return found
