"""Perceptual loss: frames compared by what an encoder sees in them (paper, Eq. 3)."""

from torch import Tensor

from lipmodel.losses.generator_pass import GeneratorPass
from lipmodel.losses.precision import at_least_float32
from lipmodel.networks import frames_of


def l_perc(fake_features: Tensor, real_features: Tensor) -> Tensor:
    """Mean squared difference of two feature maps of one shape; a scalar.

    Eq. 3 is ``||phi(v) - phi(v_hat)||^2``, a sum. It is averaged over all values here: 24 clips of 16 frames have 25
    million of them, and the loss's weight in Eq. 2 would depend on batch, window and width of the network.
    """
    return (at_least_float32(fake_features) - at_least_float32(real_features)).square().mean()


def perceptual(generated: GeneratorPass) -> Tensor:
    """``l_perc`` of a pass, by the autoencoder's encoder."""
    return l_perc(*(generated.encoder(frames_of(clip.video)) for clip in (generated.fake, generated.real)))
