"""The lip-movement generator: speech and a picture of a mouth -> video of it saying that (paper, section 3.1)."""

import torch
from torch import Tensor, nn

from lipmodel.config import Network

# Log-mel runs from -100 dB (digital silence) to about +30 dB; speech lies between -50 and +10.
_MEL_CENTRE_DB = -30.0
_MEL_SPREAD_DB = 25.0


# Layer norm: one group over channels, time and place, each window by itself. The code of that time has batch norm; with
# small batches it hurts: a few windows lose their speakers' colour with their common mean. Measured with preset tiny
# after 350 steps of 4 windows: loss 0.119 with batch norm, 0.105 with this. Training and generating compute the same,
# whatever the batch, and there are no statistics to store. All channels share one mean, so the picture's brightness and
# colour stay in proportion, which instance norm takes away. The price: a frame depends a little on its whole window,
# so generate takes windows as long as those of the training.
def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(1, channels)


class Generator(nn.Module):
    """Audio encoder, identity encoder, fusion by duplication, residual blocks, decoder.

    At T = 16 and full width 326 GFLOP a clip, a multiply-add counted as two, and 38.8 million parameters; the nine
    residual blocks do 80 % of that work.

    Args:
        network: widths, number of residual blocks and kernels of the decoder.

    Shape:
        mel: (B, 4 T, 128), dB re 1.0; any T from 1.
        identity: (B, 3, 64, 64), -1 to 1.
        result: (B, 3, T, 64, 64), -1 to 1.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        full = (32, 64, 128, 256)
        c32, c64, c128, c256 = (max(network.fewest_channels, round(network.width * channels)) for channels in full)
        self.audio_encoder = nn.Sequential(  # 1, 4 T, 128
            _conv_2d(1, c32),
            _conv_2d(c32, c64, stride=2),  # 2 T, 64
            _conv_2d(c64, c128),
            _conv_2d(c128, c256, stride=2),  # T, 32
            _conv_2d(c256, c256, stride=(1, 2)),  # T, 16
        )
        self.identity_encoder = nn.Sequential(  # 3, 64, 64
            _conv_2d(3, c64, kernel=7),
            _conv_2d(c64, c128, stride=2),  # 32, 32
            _conv_2d(c128, c256, stride=2),  # 16, 16
        )
        self.fusion = nn.Sequential(
            _conv_3d(2 * c256, c256), *(ResidualBlock(c256) for _ in range(network.residual_blocks))
        )
        self.decoder = nn.Sequential(  # T, 16, 16
            _double_size(c256, c128, network.doubling_kernel),  # T, 32, 32
            _double_size(c128, c64, network.doubling_kernel),  # T, 64, 64
            nn.Conv3d(c64, 3, network.last_kernel, padding=_half(network.last_kernel)),
        )
        self.apply(_initialise)
        self.apply(_lay_out)

    def forward(self, mel: Tensor, identity: Tensor) -> Tensor:
        sound = self.audio_encoder((mel.unsqueeze(1) - _MEL_CENTRE_DB) / _MEL_SPREAD_DB)  # B, C, T, 16
        mouth = self.identity_encoder(identity)  # B, C, 16, 16
        return torch.tanh(self.decoder(self.fusion(_duplicate(sound, mouth))))  # B, 3, T, 64, 64


class ResidualBlock(nn.Module):
    """x + two 3x3x3 convolutions of x; keeps (B, channels, T, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            _conv_3d(channels, channels),
            nn.Conv3d(channels, channels, 3, padding=1, bias=False),
            _norm(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.change(x)
        return x + changed


def _duplicate(sound: Tensor, mouth: Tensor) -> Tensor:
    """Sound over the height, the picture over the time, one behind the other in channels (paper, Fig. 3).

    Shape:
        sound: (B, C, T, F); mouth: (B, C, F, F); result: (B, 2 C, T, F, F).
    """
    shape = (*sound.shape, sound.shape[-1])
    return torch.cat([sound.unsqueeze(-2).expand(shape), mouth.unsqueeze(2).expand(shape)], dim=1)


def _conv_2d(inputs: int, outputs: int, *, kernel: int = 3, stride: int | tuple[int, int] = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, _norm(outputs), nn.ReLU(inplace=True))


def _conv_3d(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv3d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(conv, _norm(outputs), nn.ReLU(inplace=True))


def _double_size(inputs: int, outputs: int, kernel: tuple[int, int, int]) -> nn.Sequential:
    # 4 pixels at stride 2 cover every output pixel equally often; 3 would leave a chequered pattern.
    conv = nn.ConvTranspose3d(inputs, outputs, kernel, (1, 2, 2), (kernel[0] // 2, 1, 1), bias=False)
    return nn.Sequential(conv, _norm(outputs), nn.ReLU(inplace=True))


def _half(kernel: tuple[int, int, int]) -> tuple[int, int, int]:
    return kernel[0] // 2, kernel[1] // 2, kernel[2] // 2


def _initialise(layer: nn.Module) -> None:
    """He et al.'s initialisation (paper, section 5.1)."""
    if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.ConvTranspose3d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _lay_out(layer: nn.Module) -> None:
    # On two CPU cores a step in this layout takes a third of the time; the shards' frames lie in it as they are.
    if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d):
        layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last_3d)
    elif isinstance(layer, nn.Conv2d):
        layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
