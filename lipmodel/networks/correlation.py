"""Correlation networks: where the changes of speech and lips become comparable (paper, section 3.2)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from lipmodel.config import Network
from lipmodel.networks.layers import channels, prepare

# No normalisation. That of the other networks runs over time: every output step would see the whole window. One that
# takes each step by itself would keep the 9 and 13 frames, but make a trembling mouth as loud as an opening one, and
# how much things change is what is to be compared.

# Of cosines, before anything is learnt; ends at about 18.
_FIRST_SCALE = 10.0


class SoundCorrelator(nn.Module):
    """phi_s: four layers that halve the frequencies from 16 to 1; an output step sees 9 input steps.

    Args:
        network: widths.
        inputs: channels of the sound features.

    Shape:
        sound: (B, inputs, T', 16), f_s' or f_s; any T' from 1.
        result: (B, D, T'), of any sign.
    """

    def __init__(self, network: Network, inputs: int) -> None:
        super().__init__()
        (c256,) = channels(network, 256)
        widths = (inputs, c256, c256, c256, c256)
        self.layers = _with_relu_between([nn.Conv2d(a, b, 3, (1, 2), 1) for a, b in pairwise(widths)])
        prepare(self)

    def forward(self, sound: Tensor) -> Tensor:
        features: Tensor = self.layers(sound)  # B, D, T', 1
        return features.flatten(2)


class MotionCorrelator(nn.Module):
    """phi_v: six layers that halve height and width from 64 to 1; an output step sees 13 input steps.

    Args:
        network: widths.
        inputs: 2 for optical flow, 3 for the video itself (the non-derivative variant, section 5.3).

    Shape:
        motion: (B, inputs, T', 64, 64); any T' from 1.
        result: (B, D, T'), of any sign.
    """

    def __init__(self, network: Network, inputs: int) -> None:
        super().__init__()
        widths = (inputs, *channels(network, 32, 64, 128, 256, 256, 256))
        self.layers = _with_relu_between([nn.Conv3d(a, b, 3, (1, 2, 2), 1) for a, b in pairwise(widths)])
        prepare(self)

    def forward(self, motion: Tensor) -> Tensor:
        features: Tensor = self.layers(motion)  # B, D, T', 1, 1
        return features.flatten(2)


class Correlation(nn.Module):
    """phi_s and phi_v as one network, for speech beside real and generated motion in one call.

    One call, since ``DistributedDataParallel`` takes one ``forward`` a step. At T' = 15 and full width, with 256
    channels of sound and one motion a clip, 1.9 GFLOP a clip and 7.1 million parameters.

    Args:
        network: widths.
        sound_channels: of ``GeneratorOutput.sound``, as many as it has.
        motion_channels: 2 for optical flow, 3 for the video itself.

    Shape:
        sound: (B, sound_channels, T', 16).
        motion: (K B, motion_channels, T', 64, 64), K motions behind each other on the batch's axis.
        result: features of the sound (B, D, T') and of the motion (K B, D, T').
    """

    def __init__(self, network: Network, sound_channels: int, motion_channels: int) -> None:
        super().__init__()
        self.sound = SoundCorrelator(network, sound_channels)
        self.motion = MotionCorrelator(network, motion_channels)

    def forward(self, sound: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
        return self.sound(sound), self.motion(motion)


class ContrastiveCorrelation(Correlation):
    """phi_s and phi_v with what their cosines are multiplied by, learnt with them: one over InfoNCE's temperature."""

    def __init__(self, network: Network, sound_channels: int, motion_channels: int) -> None:
        super().__init__(network, sound_channels, motion_channels)
        self.log_scale = nn.Parameter(torch.tensor(_FIRST_SCALE).log())

    def scale(self) -> Tensor:
        """The factor, a scalar above 0."""
        return self.log_scale.exp()


def _with_relu_between(layers: Sequence[nn.Module]) -> nn.Sequential:
    # None behind the last: vectors without negative numbers are alike before anything is learnt (random ones have a
    # cosine of 0.3 behind a ReLU, of 0 without), and can never be opposites.
    first, *rest = layers
    return nn.Sequential(first, *(part for layer in rest for part in (nn.ReLU(inplace=True), layer)))
