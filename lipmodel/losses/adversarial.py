"""Adversarial losses, the generator's and the discriminator's, from logits: D is their sigmoid (paper, section 4)."""

from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import softplus

from lipmodel.losses.frozen import frozen_weights
from lipmodel.losses.generator_pass import GeneratorPass
from lipmodel.losses.precision import at_least_float32


class Terms(NamedTuple):
    """The three terms of Eq. 4 without their weights, each a mean over clips; scalars from 0 up.

    Attributes:
        real: -log D of real clips; weight 1.
        generated: -log(1 - D) of generated clips; weight lambda_p.
        mismatched: -log(1 - D) of real clips with the speech of others; weight lambda_u.
    """

    real: Tensor
    generated: Tensor
    mismatched: Tensor


def l_gen(generated: Tensor) -> Tensor:
    """-log D of generated clips, from their logits [shape=(B,)]; mean over clips, a scalar from 0 up."""
    return _minus_log_d(generated)


def l_dis(real: Tensor, generated: Tensor, mismatched: Tensor) -> Terms:
    """What the discriminator learns by, from the logits of three kinds of clips [shape=(B,) each]."""
    return Terms(_minus_log_d(real), _minus_log_d(-generated), _minus_log_d(-mismatched))


def _minus_log_d(logits: Tensor) -> Tensor:
    # -log sigmoid(x) = softplus(-x), finite where the sigmoid is rounded to 0; and 1 - sigmoid(x) = sigmoid(-x).
    return softplus(-at_least_float32(logits)).mean()


def adversarial(generated: GeneratorPass) -> Tensor:
    """``l_gen`` of a pass: the discriminator's logits of what was generated."""
    assert generated.frozen_discriminator is not None
    with frozen_weights(generated.frozen_discriminator):
        return l_gen(
            generated.frozen_discriminator(generated.batch["mel"], generated.fake.video, generated.fake.motion)
        )
