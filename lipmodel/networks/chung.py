"""The baseline of Chung et al. ("You said that?", BMVC 2017) at 64 x 64, without de-blurring (section 5.4)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from lipmodel.config import Network
from lipmodel.networks.generator import GeneratorOutput
from lipmodel.networks.layers import channels, conv_2d, norm, prepare, scaled

_COLUMNS = 4  # of mel a frame
_WINDOW = 9 * _COLUMNS  # 0.36 s; theirs is 0.35 s, which is no odd number of frames around the one to be drawn


class Chung(nn.Module):
    """One image from each 0.36 s of speech: two encoders, and a decoder with skip connections from the picture.

    Layers and channels are those of the original with two changes, as in the paper: 128 mel bands instead of 12
    cepstral coefficients are brought down by strides, and a picture of 64 instead of 112 has one doubling less. The
    frames know nothing of each other. At T = 16 and full width 57.3 GFLOP a clip and 26.9 million parameters.

    Shape:
        mel: (B, 4 T, 128), dB re 1.0; any T from 1.
        identity: (B, 3, 64, 64), -1 to 1.
        result: video (B, 3, T, 64, 64), -1 to 1; no sound.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        c32, c64, c96, c128, c256, c512 = channels(network, 32, 64, 96, 128, 256, 512)
        self.sound_encoder = nn.Sequential(  # 1, 36, 128
            conv_2d(1, c64, stride=(1, 2)),  # 36, 64
            nn.MaxPool2d(3, (1, 2), 1),  # 36, 32
            conv_2d(c64, c128),
            nn.MaxPool2d(3, 2, 1),  # 18, 16
            conv_2d(c128, c256),
            conv_2d(c256, c256),
            conv_2d(c256, c256),
            nn.MaxPool2d(3, 2, 1),  # 9, 8
            nn.Flatten(),
            _full(c256 * 9 * 8, c512),
            _full(c512, c256),
        )
        self.identity_32 = conv_2d(3, c96, kernel=7, stride=2)  # 32, 32
        self.identity_16 = nn.MaxPool2d(3, 2, 1)  # 16, 16
        self.identity_8 = conv_2d(c96, c256, kernel=5, stride=2)  # 8, 8
        self.identity_encoder = nn.Sequential(
            nn.MaxPool2d(3, 2, 1),  # 4, 4
            conv_2d(c256, c512),
            conv_2d(c512, c512),
            conv_2d(c512, c512),
            nn.Flatten(),
            _full(c512 * 4 * 4, c512),
            _full(c512, c256),
        )
        self.start = _full(2 * c256, c128)
        self.decode_8 = nn.Sequential(  # 1, 1
            _double(c128, c128),  # 2, 2
            _double(c128, c256),  # 4, 4
            conv_2d(c256, c512),
            _double(c512, c256),  # 8, 8
        )
        self.decode_16 = nn.Sequential(_double(2 * c256, c256), conv_2d(c256, c96, kernel=5))
        self.decode_32 = _double(2 * c96, c96)
        self.decode_64 = nn.Sequential(_double(2 * c96, c64), conv_2d(c64, c32), nn.Conv2d(c32, 3, 3, padding=1))
        prepare(self)

    def forward(self, mel: Tensor, identity: Tensor) -> GeneratorOutput:
        frames = mel.shape[1] // _COLUMNS
        mouth_32 = self.identity_32(identity)  # B, C, 32, 32
        mouth_16 = self.identity_16(mouth_32)
        mouth_8 = self.identity_8(mouth_16)
        mouth = self.identity_encoder(mouth_8)  # B, C
        sound = self.sound_encoder(_windows(mel))  # B T, C

        x = self.start(_join(sound, mouth))[:, :, None, None]
        x = _join(self.decode_8(x), mouth_8)
        x = _join(self.decode_16(x), mouth_16)
        x = _join(self.decode_32(x), mouth_32)
        images = torch.tanh(self.decode_64(x))  # B T, 3, 64, 64
        return GeneratorOutput(images.view(-1, frames, *images.shape[1:]).transpose(1, 2), None)


def _windows(mel: Tensor) -> Tensor:
    """The sound around each frame; beyond the window its first and last columns go on.

    Shape:
        mel: (B, 4 T, 128); result: (B T, 1, 36, 128), as the convolutions take it.
    """
    around = (_WINDOW - _COLUMNS) // 2
    padded = functional.pad(scaled(mel), (0, 0, around, around), mode="replicate")  # B, 1, 4 T + 32, 128
    return padded.unfold(2, _WINDOW, _COLUMNS).permute(0, 2, 1, 4, 3).flatten(0, 1)


def _join(frames: Tensor, clips: Tensor) -> Tensor:
    """Every frame's features [shape=(B T, C, ...)] and behind them its clip's [shape=(B, C', ...)]."""
    return torch.cat([frames, clips.repeat_interleave(frames.shape[0] // clips.shape[0], dim=0)], dim=1)


def _full(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, outputs, bias=False), norm(outputs), nn.ReLU(inplace=True))


def _double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), conv_2d(inputs, outputs))
