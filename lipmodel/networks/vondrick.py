"""Baseline: Vondrick et al. ("Generating Videos with Scene Dynamics", NIPS 2016), made conditional (section 5.4)."""

import torch
from torch import Tensor, nn

from lipmodel.config import Network
from lipmodel.networks.generator import GeneratorOutput
from lipmodel.networks.layers import channels, norm, prepare
from lipmodel.networks.sound import SoundVector


class Vondrick(nn.Module):
    """A still background, a moving foreground, and a mask that lays one over the other: m f + (1 - m) b.

    Encoder and both streams have the layers and channels of their released network for the future of a photo. Speech is
    ours: its vector joins the picture's code where the foreground begins. Their 32 frames come from 4 x 4 places at 2
    times; our 16 from 4 x 4 at 1, so their layer that makes 2 times of 1 is the one that joins. The background comes
    from the picture alone. Full width: 9.9 GFLOP a clip and 70.5 million parameters.

    Shape:
        mel: (B, 64, 128), dB re 1.0; 16 frames and no other number.
        identity: (B, 3, 64, 64), -1 to 1.
        result: video (B, 3, 16, 64, 64), -1 to 1; no sound.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        c128, c256, c512, c1024 = channels(network, 128, 256, 512, 1024)
        self.sound_encoder = SoundVector(network)
        self.identity_encoder = nn.Sequential(  # 3, 64, 64
            nn.Conv2d(3, c128, 4, 2, 1),  # 32, 32
            nn.ReLU(inplace=True),
            *_with_norm(nn.Conv2d(c128, c256, 4, 2, 1, bias=False), c256),  # 16, 16
            *_with_norm(nn.Conv2d(c256, c512, 4, 2, 1, bias=False), c512),  # 8, 8
            *_with_norm(nn.Conv2d(c512, c1024, 4, 2, 1, bias=False), c1024),  # 4, 4
        )
        self.background = nn.Sequential(  # 4, 4
            *_with_norm(nn.ConvTranspose2d(c1024, c512, 4, 2, 1, bias=False), c512),  # 8, 8
            *_with_norm(nn.ConvTranspose2d(c512, c256, 4, 2, 1, bias=False), c256),  # 16, 16
            *_with_norm(nn.ConvTranspose2d(c256, c128, 4, 2, 1, bias=False), c128),  # 32, 32
            nn.ConvTranspose2d(c128, 3, 4, 2, 1),  # 64, 64
        )
        (heard,) = channels(network, 256)
        self.moving = nn.Sequential(  # 1, 4, 4
            *_with_norm(nn.Conv3d(c1024 + heard, c1024, 1, bias=False), c1024),
            *_with_norm(nn.ConvTranspose3d(c1024, c512, 4, 2, 1, bias=False), c512),  # 2, 8, 8
            *_with_norm(nn.ConvTranspose3d(c512, c256, 4, 2, 1, bias=False), c256),  # 4, 16, 16
            *_with_norm(nn.ConvTranspose3d(c256, c128, 4, 2, 1, bias=False), c128),  # 8, 32, 32
        )
        self.foreground = nn.ConvTranspose3d(c128, 3, 4, 2, 1)  # 16, 64, 64
        self.mask = nn.ConvTranspose3d(c128, 1, 4, 2, 1)  # 16, 64, 64
        prepare(self)

    def forward(self, mel: Tensor, identity: Tensor) -> GeneratorOutput:
        mouth = self.identity_encoder(identity)  # B, C, 4, 4
        sound = self.sound_encoder(mel)[:, :, None, None].expand(-1, -1, *mouth.shape[2:])
        moving = self.moving(torch.cat([mouth, sound], dim=1).unsqueeze(2))  # B, C, 8, 32, 32
        mask = torch.sigmoid(self.mask(moving))  # B, 1, 16, 64, 64
        background = torch.tanh(self.background(mouth)).unsqueeze(2)  # B, 3, 1, 64, 64
        return GeneratorOutput(mask * torch.tanh(self.foreground(moving)) + (1 - mask) * background, None)


def _with_norm(conv: nn.Module, outputs: int) -> nn.Sequential:
    return nn.Sequential(conv, norm(outputs), nn.ReLU(inplace=True))
