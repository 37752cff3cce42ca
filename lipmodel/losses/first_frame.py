"""First-frame loss, which ties the videos of Vondrick et al. to their speaker (NIPS 2016; section 5.4)."""

from torch import Tensor

from lipmodel.losses.generator_pass import GeneratorPass
from lipmodel.losses.precision import at_least_float32


def l_first(fake: Tensor, real: Tensor) -> Tensor:
    """Mean absolute difference of the first frames of two videos [shape=(B, 3, T, H, W)]; a scalar.

    Their released conditional training takes this norm, with weight 10 beside an adversarial loss of weight 1.
    """
    return (at_least_float32(fake[:, :, 0]) - at_least_float32(real[:, :, 0])).abs().mean()


def first_frame(generated: GeneratorPass) -> Tensor:
    """``l_first`` of a pass."""
    return l_first(generated.fake.video, generated.real.video)
