"""The three-stream discriminator: is this video real, and of this speech? (paper, section 4.2, Fig. 5)."""

import torch
from torch import Tensor, nn

from lipmodel.config import Network
from lipmodel.networks.layers import channels, norm, prepare
from lipmodel.networks.sound import SoundVector


class Discriminator(nn.Module):
    """Streams for sound, video and motion, joined by two 3-D convolutions.

    No clip of a batch touches another, so real, generated and mismatched clips may be stacked in one call. Full width:
    1.9 GFLOP a clip and 12.4 million parameters with flow.

    Args:
        network: widths.
        motion_channels: 2 for optical flow, 3 for ``frame_difference``, 0 for two streams without motion.

    Shape:
        mel: (B, 64, 128), dB re 1.0.
        video: (B, 3, 16, 64, 64), -1 to 1.
        motion: (B, motion_channels, 15, 64, 64); None for two streams.
        result: logits (B,), positive for real; their sigmoid is the paper's D.
    """

    def __init__(self, network: Network, motion_channels: int) -> None:
        super().__init__()
        c256, c512 = channels(network, 256, 512)
        self.sound = SoundVector(network)
        self.video = _stream(network, 3)
        self.motion = _stream(network, motion_channels) if motion_channels else None
        self.join = nn.Sequential(  # 1, 4, 4
            nn.Conv3d((3 if motion_channels else 2) * c256, c512, (1, 3, 3), padding=(0, 1, 1), bias=False),
            norm(c512),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv3d(c512, 1, (1, 4, 4)),
        )
        prepare(self)

    def forward(self, mel: Tensor, video: Tensor, motion: Tensor | None) -> Tensor:
        seen = self.video(video)  # B, C, 1, 4, 4
        heard = self.sound(mel)[:, :, None, None, None].expand_as(seen)
        streams = [heard, seen] if self.motion is None else [heard, seen, self.motion(motion)]
        logits: Tensor = self.join(torch.cat(streams, dim=1))  # B, 1, 1, 1, 1
        return logits.flatten()


def frame_difference(video: Tensor) -> Tensor:
    """Absolute difference of neighbouring frames, instead of flow (paper, section 5.3).

    Shape:
        video: (B, 3, T, H, W); result: (B, 3, T - 1, H, W).
    """
    return video.diff(dim=2).abs()


def _stream(network: Network, inputs: int) -> nn.Sequential:
    """16 or 15 frames of 64 x 64 -> 1 of 4 x 4."""
    c64, c128, c256 = channels(network, 64, 128, 256)
    return nn.Sequential(
        nn.Conv3d(inputs, c64, 3, 2, 1),  # 8, 32, 32
        nn.LeakyReLU(0.2, inplace=True),
        *_halve(c64, c128),  # 4, 16, 16
        *_halve(c128, c256),  # 2, 8, 8
        *_halve(c256, c256),  # 1, 4, 4
    )


def _halve(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv3d(inputs, outputs, 3, 2, 1, bias=False)
    return nn.Sequential(conv, norm(outputs), nn.LeakyReLU(0.2, inplace=True))
