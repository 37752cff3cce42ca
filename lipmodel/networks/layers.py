"""What the networks are built of."""

import torch
from torch import Tensor, nn

from lipmodel.config import Network

# Log-mel runs from -100 dB (digital silence) to about +30 dB; speech lies between -50 and +10.
_MEL_CENTRE_DB = -30.0
_MEL_SPREAD_DB = 25.0


def scaled(mel: Tensor) -> Tensor:
    """Log-mel in dB [shape=(B, 4 T, 128)] -> about -1 to 1, as convolutions take it [shape=(B, 1, 4 T, 128)]."""
    return (mel.unsqueeze(1) - _MEL_CENTRE_DB) / _MEL_SPREAD_DB


def channels(network: Network, *full: int) -> tuple[int, ...]:
    """The paper's channels at a preset's width."""
    return tuple(max(network.fewest_channels, round(network.width * number)) for number in full)


# Layer norm: one group over channels, time and place, each window by itself. The code of that time has batch norm; with
# small batches it hurts: a few windows lose their speakers' colour with their common mean. Measured with preset tiny
# after 350 steps of 4 windows, by the pixel loss alone: loss 0.119 with batch norm, 0.105 with this. Training and
# generating compute the same, whatever the batch, and there are no statistics to store. All channels share one mean, so
# the picture's brightness and colour stay in proportion, which instance norm takes away. The price: a frame depends a
# little on its whole window, so generate takes windows as long as those of the training.
def norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(1, channels)


def conv_2d(inputs: int, outputs: int, *, kernel: int = 3, stride: int | tuple[int, int] = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, norm(outputs), nn.ReLU(inplace=True))


def conv_3d(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv3d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(conv, norm(outputs), nn.ReLU(inplace=True))


class ResidualBlock(nn.Module):
    """x + two convolutions of x, 3 wide in height and width, and with 3 ``dimensions`` in time; keeps the shape."""

    def __init__(self, channels: int, *, dimensions: int) -> None:
        super().__init__()
        first = conv_2d(channels, channels) if dimensions == 2 else conv_3d(channels, channels)
        conv = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.change = nn.Sequential(first, conv(channels, channels, 3, padding=1, bias=False), norm(channels))

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.change(x)
        return x + changed


def prepare(network: nn.Module) -> None:
    """Give every layer its first weights and its memory layout; a network calls this last in ``__init__``."""
    network.apply(_initialise)
    lay_out(network, channels_last=True)


def lay_out(network: nn.Module, *, channels_last: bool) -> None:
    """Put the channels of every convolution's weights innermost in memory, or outermost."""
    # Channels last is faster (docs/benchmarks/train_step.md), and the shards' frames lie like that anyway.
    planes = torch.channels_last if channels_last else torch.contiguous_format
    volumes = torch.channels_last_3d if channels_last else torch.contiguous_format
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=volumes)
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=planes)


def _initialise(layer: nn.Module) -> None:
    """He et al.'s initialisation (paper, section 5.1)."""
    if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
