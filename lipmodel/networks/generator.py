"""The lip-movement generator: speech and a picture of a mouth -> video of it saying that (paper, section 3.1)."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from lipmodel.config import Network
from lipmodel.networks.layers import ResidualBlock, channels, conv_2d, conv_3d, norm, prepare, scaled


class GeneratorOutput(NamedTuple):
    """What a generator makes of speech and a picture.

    Attributes:
        video: -1 to 1 [shape=(B, 3, T, 64, 64)].
        sound: f_s, the features of the speech that the correlation loss takes [shape=(B, C, T, F)]; None where a
            network has none.
    """

    video: Tensor
    sound: Tensor | None


class Generator(nn.Module):
    """Audio encoder, identity encoder, fusion by duplication, residual blocks, decoder.

    At T = 16 and full width 326 GFLOP a clip, a multiply-add counted as two, and 38.8 million parameters; the nine
    residual blocks do 80 % of that work.

    Args:
        network: widths, number of residual blocks and kernels of the decoder.

    Shape:
        mel: (B, 4 T, 128), dB re 1.0; any T from 1.
        identity: (B, 3, 64, 64), -1 to 1.
        result: video (B, 3, T, 64, 64), -1 to 1; sound (B, C, T, 16).
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        c32, c64, c128, c256 = channels(network, 32, 64, 128, 256)
        self.audio_encoder = nn.Sequential(  # 1, 4 T, 128
            conv_2d(1, c32),
            conv_2d(c32, c64, stride=2),  # 2 T, 64
            conv_2d(c64, c128),
            conv_2d(c128, c256, stride=2),  # T, 32
            conv_2d(c256, c256, stride=(1, 2)),  # T, 16
        )
        self.identity_encoder = nn.Sequential(  # 3, 64, 64
            conv_2d(3, c64, kernel=7),
            conv_2d(c64, c128, stride=2),  # 32, 32
            conv_2d(c128, c256, stride=2),  # 16, 16
        )
        self.fusion = nn.Sequential(
            conv_3d(2 * c256, c256), *(ResidualBlock(c256, dimensions=3) for _ in range(network.residual_blocks))
        )
        self.decoder = nn.Sequential(  # T, 16, 16
            _double_size(c256, c128, network.doubling_kernel),  # T, 32, 32
            _double_size(c128, c64, network.doubling_kernel),  # T, 64, 64
            nn.Conv3d(c64, 3, network.last_kernel, padding=_half(network.last_kernel)),
        )
        prepare(self)

    def forward(self, mel: Tensor, identity: Tensor) -> GeneratorOutput:
        sound = self.hear(mel)
        mouth = self.identity_encoder(identity)  # B, C, 16, 16
        video = torch.tanh(self.decoder(self.fusion(_duplicate(sound, mouth))))  # B, 3, T, 64, 64
        return GeneratorOutput(video, sound)

    def hear(self, mel: Tensor) -> Tensor:
        """f_s, the features of the sound [shape=(B, 4 T, 128) -> (B, C, T, 16)]."""
        sound: Tensor = self.audio_encoder(scaled(mel))
        return sound


def sound_channels(network: Network) -> int:
    """C of ``GeneratorOutput.sound``."""
    return channels(network, 256)[0]


def _duplicate(sound: Tensor, mouth: Tensor) -> Tensor:
    """Sound over the height, the picture over the time, one behind the other in channels (paper, Fig. 3).

    Shape:
        sound: (B, C, T, F); mouth: (B, C, F, F); result: (B, 2 C, T, F, F).
    """
    shape = (*sound.shape, sound.shape[-1])
    return torch.cat([sound.unsqueeze(-2).expand(shape), mouth.unsqueeze(2).expand(shape)], dim=1)


def _double_size(inputs: int, outputs: int, kernel: tuple[int, int, int]) -> nn.Sequential:
    # 4 pixels at stride 2 cover every output pixel equally often; 3 would leave a chequered pattern.
    conv = nn.ConvTranspose3d(inputs, outputs, kernel, (1, 2, 2), (kernel[0] // 2, 1, 1), bias=False)
    return nn.Sequential(conv, norm(outputs), nn.ReLU(inplace=True))


def _half(kernel: tuple[int, int, int]) -> tuple[int, int, int]:
    return kernel[0] // 2, kernel[1] // 2, kernel[2] // 2
