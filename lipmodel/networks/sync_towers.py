"""The sync network: towers that turn motion of a mouth and sound into unit vectors that agree where both fit.

After Chung and Zisserman, "Out of time" (ACCVW 2016), but on flow of 16 x 16 and landmarks in place of pixels, with
one vector a frame, and trained by InfoNCE over time shifts (docs/sync.md).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from lipmodel.networks.sync_inputs import BANDS, flow_features, lip_features, sound_features

# Frames that a vector looks to each side, its features included; a piece of T frames has T - 2 REACH vectors.
REACH = 5
HIDDEN, EMBEDDED, FLOW_FEATURES = 96, 48, 64
SOUND_FEATURES, LIP_FEATURES = 256, 80
# Lengths of the windows that are contrasted, in vectors, and the scale of their cosines to begin with.
WINDOW_SCALES = {5: 8.0, 13: 16.0, 25: 24.0}
CHANNEL_DROPOUT, DROPOUT, CELL_DROPOUT = 0.1, 0.2, 0.3


class Tower(nn.Module):
    """Four convolutions over time without padding: (B, T, inputs) -> unit vectors (B, T - 8, 48)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv1d(a, HIDDEN, 3) for a in (inputs, HIDDEN, HIDDEN))
        self.norms = nn.ModuleList(nn.LayerNorm(HIDDEN) for _ in self.layers)
        self.last = nn.Conv1d(HIDDEN, EMBEDDED, 3)

    def forward(self, features: Tensor) -> Tensor:
        x = functional.dropout1d(features.transpose(1, 2), CHANNEL_DROPOUT, self.training)  # B, inputs, T
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = norm(layer(x).transpose(1, 2)).relu().transpose(1, 2)  # over a frame's channels
            x = functional.dropout(x, DROPOUT, self.training)
        return functional.normalize(self.last(x).transpose(1, 2), dim=-1)


class FlowTower(nn.Module):
    """Motion as coarse flow, one frame to the next: (B, T - 1, 2, 16, 16) pixels a frame -> (B, T - 10, 48)."""

    def __init__(self) -> None:
        super().__init__()
        self.frame = nn.Sequential(
            nn.Conv2d(2, 24, 3, 2, 1), nn.BatchNorm2d(24), nn.ReLU(), nn.Dropout(CELL_DROPOUT),
            nn.Conv2d(24, 48, 3, 2, 1), nn.BatchNorm2d(48), nn.ReLU(), nn.Dropout(CELL_DROPOUT),
            nn.Flatten(), nn.Linear(48 * 16, FLOW_FEATURES),
        )  # fmt: skip
        self.tower = Tower(FLOW_FEATURES)

    def forward(self, flow: Tensor) -> Tensor:
        features = flow_features(flow)
        frames: Tensor = self.frame(features.flatten(0, 1)).unflatten(0, features.shape[:2])  # B, T - 1, 64
        # The first vector lies between frames 4 and 5, the last two frames before the end: as the sound's do.
        vectors: Tensor = self.tower(frames)[:, 1:]
        return vectors


class LipTower(nn.Module):
    """Motion as normalised lips: (B, T, 20, 2) -> (B, T - 10, 48)."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = Tower(LIP_FEATURES)

    def forward(self, lips: Tensor) -> Tensor:
        vectors: Tensor = self.tower(lip_features(lips))
        return vectors


class SyncPair(nn.Module):
    """A tower for the motion and one for the sound, which learn together.

    Attributes:
        log_scales: of the cosines in the loss, one a window length; learnt.
    """

    def __init__(self, motion: FlowTower | LipTower) -> None:
        super().__init__()
        self.motion = motion
        self.sound_tower = Tower(SOUND_FEATURES)
        self.log_scales = nn.Parameter(torch.tensor([*WINDOW_SCALES.values()]).log())

    def forward(self, motion: Tensor, mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors of the motion, vectors of the sound (B, T - 10, 48 each), and the scales, one a window length."""
        return self.motion(motion), self.sound(mel), self.log_scales.exp()

    def sound(self, mel: Tensor) -> Tensor:
        """Log-mel of T frames, dB re 1.0 (B, T, 4, bands, the lower 96 count) -> unit vectors (B, T - 10, 48)."""
        vectors: Tensor = self.sound_tower(sound_features(mel[..., :BANDS]))
        return vectors


def sync_pairs() -> dict[str, SyncPair]:
    """The network's two halves by name, untrained: one sees flow, one landmarks; 0.53 million weights."""
    return {"flow": SyncPair(FlowTower()), "lips": SyncPair(LipTower())}
