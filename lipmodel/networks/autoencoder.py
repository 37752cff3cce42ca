"""The autoencoder of mouths: its encoder is the phi of the perceptual loss (paper, section 4.1)."""

from torch import Tensor, nn

from lipmodel.config import Network
from lipmodel.networks.layers import ResidualBlock, channels, conv_2d, norm, prepare

_RESIDUAL_BLOCKS = 6


class Autoencoder(nn.Module):
    """Convolutions down to 16 x 16 and six residual blocks, and back; frame by frame.

    At full width 8.1 million parameters and 4.6 GFLOP a frame, a multiply-add counted as two; the encoder alone does 64
    GFLOP for a clip of 16.

    Args:
        network: widths; there are six blocks at every preset.

    Shape:
        frames: (N, 3, 64, 64), -1 to 1; any height and width that 4 divides.
        result: the same frames, reconstructed.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        c64, c128, c256 = channels(network, 64, 128, 256)
        self.encoder = nn.Sequential(  # 3, 64, 64
            conv_2d(3, c64, kernel=7),
            conv_2d(c64, c128, stride=2),  # 32, 32
            conv_2d(c128, c256, stride=2),  # 16, 16
            *(ResidualBlock(c256, dimensions=2) for _ in range(_RESIDUAL_BLOCKS)),
        )
        self.decoder = nn.Sequential(
            _double_size(c256, c128),  # 32, 32
            _double_size(c128, c64),  # 64, 64
            nn.Conv2d(c64, 3, 7, padding=3),
            nn.Tanh(),
        )
        prepare(self)

    def forward(self, frames: Tensor) -> Tensor:
        reconstructed: Tensor = self.decoder(self.encoder(frames))
        return reconstructed


def frames_of(video: Tensor) -> Tensor:
    """The frames of all clips, clip by clip: (B, C, T, H, W) -> (B T, C, H, W)."""
    return video.transpose(1, 2).flatten(0, 1)


def _double_size(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)
    return nn.Sequential(conv, norm(outputs), nn.ReLU(inplace=True))
