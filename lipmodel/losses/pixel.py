"""Pixel loss: what keeps the speaker's looks (paper, section 4)."""

from torch import Tensor

from lipmodel.losses.generator_pass import GeneratorPass
from lipmodel.losses.precision import at_least_float32


def l_pix(fake: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference of two videos of one shape; a scalar.

    The paper writes ``||v - v_hat||`` and names no norm. L1, averaged over all values, is what code of this family
    takes: L2 blurs a mouth more, and a sum would change its weight with the size of the video.
    """
    return (at_least_float32(fake) - at_least_float32(real)).abs().mean()


def pixel(generated: GeneratorPass) -> Tensor:
    """``l_pix`` of a pass."""
    return l_pix(generated.fake.video, generated.real.video)
