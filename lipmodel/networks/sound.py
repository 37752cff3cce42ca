"""Speech as one vector (paper, section 4.2)."""

from torch import Tensor, nn

from lipmodel.config import Network
from lipmodel.networks.layers import channels, norm, scaled


class SoundVector(nn.Module):
    """Four 2-D convolutions, each of which halves time and frequency, and a fully connected layer.

    Shape:
        mel: (B, 64, 128), dB re 1.0; a window of 16 frames and no other, for the fully connected layer's sake.
        result: (B, C), C the width of 256 channels.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        c64, c128, c256 = channels(network, 64, 128, 256)
        self.layers = nn.Sequential(  # 1, 64, 128
            nn.Conv2d(1, c64, 3, 2, 1),  # 32, 64
            nn.LeakyReLU(0.2, inplace=True),
            *_halve(c64, c128),  # 16, 32
            *_halve(c128, c256),  # 8, 16
            *_halve(c256, c256),  # 4, 8
            nn.Flatten(),
            nn.Linear(c256 * 4 * 8, c256),
            nn.LeakyReLU(0.2, inplace=True),
        )

    def forward(self, mel: Tensor) -> Tensor:
        vector: Tensor = self.layers(scaled(mel))
        return vector


def _halve(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
    return nn.Sequential(conv, norm(outputs), nn.LeakyReLU(0.2, inplace=True))
