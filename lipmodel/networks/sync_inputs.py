"""What the sync network looks at: coarse flow, normalised lips, and the shape of the sound (docs/sync.md).

Every function takes whole pieces of T frames and is differentiable. Features that compare a frame with its neighbours
lose the piece's ends: a padded end would show both towers where the piece begins.
"""

import torch
from torch import Tensor
from torch.nn import functional

BANDS = 96  # log-mel bands that count, up to 6 kHz
BAND_MEAN = 3
LOUDEST, FAINTEST_DB, STRONGEST_DB, DB_UNIT = 0.95, -60.0, 10.0, 20.0
CELL_PX = 4
FASTEST_PX = 6.0
# Frames over which the line between the corners of the mouth is averaged: a head turns more slowly than lips move.
POSE_FRAMES = 25
LIP_SCALE, LIP_CHANGE = 8.0, 3.0
LEFT_CORNER, RIGHT_CORNER = 0, 6  # of points 48 to 67


def coarse_flow(flow: Tensor) -> Tensor:
    """Means of 4 x 4 pixels, pixels a frame: (B, T, 64, 64, 2) -> (B, T, 2, 16, 16)."""
    planes = flow.float().movedim(-1, 2)  # B, T, 2, H, W
    return torch.unflatten(functional.avg_pool2d(planes.flatten(0, 1), CELL_PX), 0, planes.shape[:2])


def flow_features(flow: Tensor) -> Tensor:
    """Coarse flow less each frame's mean, which is the head's motion, within 6 pixels: (B, T, 2, 16, 16), the same."""
    return (flow - flow.mean((-2, -1), keepdim=True)).clamp(-FASTEST_PX, FASTEST_PX)


def normalised_lips(landmarks: Tensor, box: Tensor) -> Tensor:
    """Lips without head: no place, turn or size of the mouth, in widths of the mouth, less the piece's mean lips.

    Args:
        landmarks: crop pixels of 64 [shape=(B, T, 20, 2)].
        box: of the crop in source pixels, x0, y0, x1, y1 [shape=(B, T, 4)].

    Returns:
        (x, y) of the 20 points [shape=(B, T, 20, 2)].
    """
    corner, size = box[..., None, :2], (box[..., 2:] - box[..., :2])[..., None, :]
    points = landmarks.float() * size / 64 + corner  # source pixels
    points = points - points.mean(-2, keepdim=True)
    line = _moving_mean(points[..., RIGHT_CORNER, :] - points[..., LEFT_CORNER, :], POSE_FRAMES)  # B, T, 2
    across, down = line[..., 0, None], line[..., 1, None]  # B, T, 1
    squared = (across**2 + down**2).clamp(min=1e-6)
    x, y = points[..., 0], points[..., 1]
    turned = torch.stack([(across * x + down * y) / squared, (across * y - down * x) / squared], -1)
    return turned - turned.mean(1, keepdim=True)


def lip_features(lips: Tensor) -> Tensor:
    """Normalised lips and their change: (B, T, 20, 2) -> (B, T - 2, 80)."""
    scaled = lips.flatten(2) * LIP_SCALE
    return torch.cat([scaled[:, 1:-1], LIP_CHANGE * (scaled[:, 2:] - scaled[:, :-2]) / 2], -1)


def sound_reference(bands: Tensor) -> Tensor:
    """How loud a piece is: the 95th percentile, over columns, of the loudest band, dB [shape=(B, 1, 1, 1)].

    Args:
        bands: log-mel, dB [shape=(B, T, 4, bands)].
    """
    loudest = bands.amax(-1).flatten(1)  # B, 4 T
    # torch.quantile takes no more than 16 million values; a sort takes any number.
    ordered = loudest.sort(dim=1).values
    place = LOUDEST * (ordered.shape[1] - 1)
    below = int(place)
    above = min(below + 1, ordered.shape[1] - 1)
    return torch.lerp(ordered[:, below], ordered[:, above], place - below)[:, None, None, None]


def sound_features(bands: Tensor) -> Tensor:
    """The sound's shape, whatever its loudness and colour, and its change: (B, T, 4, 96) dB -> (B, T - 2, 256)."""
    level = (bands - sound_reference(bands)).clamp(FAINTEST_DB, STRONGEST_DB)
    coarse = torch.unflatten(level, -1, (-1, BAND_MEAN)).mean(-1) / DB_UNIT  # B, T, 4, 32
    shape = (coarse - coarse.mean((1, 2), keepdim=True)).flatten(2)  # B, T, 128
    return torch.cat([shape[:, 1:-1], shape[:, 2:] - shape[:, :-2]], -1)


def _moving_mean(series: Tensor, length: int) -> Tensor:
    """Over ``length`` frames around each, at the ends over those that there are: (B, T, D), the same."""
    window = series.new_ones(1, 1, length)
    flat = series.transpose(1, 2).flatten(0, 1).unsqueeze(1)  # B D, 1, T
    sums = functional.conv1d(flat, window, padding=length // 2)
    counts = functional.conv1d(torch.ones_like(flat[:1]), window, padding=length // 2)
    means = torch.unflatten((sums / counts).squeeze(1), 0, (series.shape[0], series.shape[2]))
    return means.transpose(1, 2)
