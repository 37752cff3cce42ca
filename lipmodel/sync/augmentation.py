"""What a piece of a clip could have been too: another camera, another room, another pace (docs/sync.md, "Recipe").

Random numbers are torch's own: whoever calls seeds them.
"""

import torch
from torch import Tensor
from torch.nn import functional

from lipmodel.networks import BANDS, sound_reference

PACED, PACE, PACE_RANGE = 0.6, 0.15, (0.7, 1.2)
MIXED, MIXED_DB = 0.4, (6.0, 25.0)
NOISY, NOISE_DB, TILT_DB = 0.6, (20.0, 55.0), 12.0
MOVED, MOVED_BANDS = 0.7, 4
EQUALISER_NODES, EQUALISER_DB, GAIN_DB = 5, 5.0, 6.0
FLOW_GAIN, FLOW_NOISE_PX = 0.25, (0.0, 0.05, 0.15)
LIP_AFFINE, LIP_SIZE, LIP_GAIN, LIP_JITTER = 0.06, 0.1, 0.25, (0.0, 0.004, 0.01)
LIP_DRIFT, LIP_MEAN = 0.02, 0.01
# Points 48 to 67 seen in a mirror.
MIRRORED_LIPS = [6, 5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 16, 15, 14, 13, 12, 19, 18, 17]


def change_pace(flow: Tensor, lips: Tensor, mel: Tensor, frames: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pieces of ``frames`` frames out of longer ones, 60 % of them slower or faster.

    The picture is interpolated and the sound is not: one way for both would be a trace that both towers see.

    Shape:
        flow: (B, T - 1, 2, 16, 16); lips: (B, T, 20, 2); mel: (B, T, 4, bands).
    """
    batch, length = lips.shape[:2]
    pace = (torch.randn(batch) * PACE).exp().clamp(*PACE_RANGE).clamp(max=(length - 1) / (frames - 1))
    pace = torch.where(torch.rand(batch) < PACED, pace, 1.0)[:, None].to(lips.device)
    start = (torch.rand(batch, 1).to(lips.device) * (length - 1 - pace * (frames - 1))).clamp(min=0)
    start = torch.where(pace == 1, start.floor(), start)
    time = start + pace * torch.arange(frames, device=lips.device)  # B, frames
    columns = (4 * start + pace * torch.arange(4 * frames, device=lips.device)).round().long()
    columns = columns.clamp(max=4 * length - 1)[..., None].expand(-1, -1, mel.shape[-1])
    sound = torch.unflatten(mel.flatten(1, 2).gather(1, columns), 1, (frames, 4))
    lips = _interpolated(lips, time)
    # Flow i lies half-way between frames i and i + 1.
    flow = _interpolated(flow, time[:, :-1] + (pace - 1) / 2) * pace[..., None, None, None]
    return flow, lips - lips.mean(1, keepdim=True), sound


def _interpolated(series: Tensor, time: Tensor) -> Tensor:
    """Linear, along axis 1, at the places ``time`` [shape=(B, n)]."""
    time = time.clamp(0, series.shape[1] - 1)
    below = time.floor().long()
    above = (below + 1).clamp(max=series.shape[1] - 1)
    shape = (-1, -1, *[1] * (series.dim() - 2))
    rows = torch.arange(len(series), device=series.device)[:, None]
    return torch.lerp(series[rows, below], series[rows, above], (time - below).reshape(*time.shape, *shape[2:]))


def augment_flow(flow: Tensor) -> Tensor:
    """Mirror, gain, noise and a shift by one cell: (B, T, 2, 16, 16), the same."""
    batch, device = len(flow), flow.device
    mirrored = flow.flip(-1) * torch.tensor([-1.0, 1.0], device=device)[:, None, None]
    flow = torch.where(_some(batch, 0.5, flow), mirrored, flow)
    gain = (torch.randn(batch, 1, 1, 1, 1) * FLOW_GAIN).exp().to(device)
    down, right = torch.randint(-1, 2, (2,)).tolist()
    wider = functional.pad(flow.flatten(0, 1), (1, 1, 1, 1), mode="replicate")
    flow = torch.unflatten(wider, 0, flow.shape[:2])[..., 1 + down : 17 + down, 1 + right : 17 + right]
    return flow * gain + _one_of(FLOW_NOISE_PX, batch, flow) * torch.randn(flow.shape).to(device)


def augment_lips(lips: Tensor) -> Tensor:
    """Mirror, another shape and size of mouth, jitter of the detector, slow drift: (B, T, 20, 2), the same."""
    batch, length, device = len(lips), lips.shape[1], lips.device
    mirrored = lips[:, :, MIRRORED_LIPS] * torch.tensor([-1.0, 1.0], device=device)
    lips = torch.where(_some(batch, 0.5, lips), mirrored, lips)
    affine = torch.eye(2) + torch.randn(batch, 1, 2, 2) * LIP_AFFINE
    gain = (torch.randn(batch, 1, 1, 1) * LIP_SIZE).exp() * (torch.randn(batch, 1, 1, 1) * LIP_GAIN).exp()
    lips = lips @ affine.to(device) * gain.to(device)
    time = torch.linspace(0, 1, length)[None, :, None, None]
    phase = time * torch.rand(batch, 1, 1, 1) + torch.rand(batch, 1, 1, 1)
    drift = torch.randn(batch, 1, 20, 2) * (2 * torch.pi * phase).sin()
    still = torch.randn(batch, 1, 20, 2) * LIP_MEAN
    jitter = _one_of(LIP_JITTER, batch, lips) * torch.randn(lips.shape).to(device)
    return lips + (drift * LIP_DRIFT * torch.rand(batch, 1, 1, 1) + still).to(device) + jitter


def augment_sound(mel: Tensor) -> Tensor:
    """Another voice or noise below it, bands moved, an equaliser: (B, T, 4, 128) dB -> (B, T, 4, 96) dB."""
    batch = len(mel)
    bands = _moved_bands(mel)
    loudness = sound_reference(bands)
    power = _power(bands - loudness)
    others = torch.roll(bands - loudness, 1, 0)
    below = _between(MIXED_DB, batch, mel)
    power = power + torch.where(_some(batch, MIXED, mel), _power(others - below), 0.0)
    tilt = (torch.rand(batch, 1, 1, 1) - 0.5).to(mel.device) * 2 * TILT_DB * torch.linspace(-1, 1, BANDS).to(mel.device)
    noise = torch.empty(bands.shape).exponential_().to(mel.device) * _power(tilt - _between(NOISE_DB, batch, mel))
    power = power + torch.where(_some(batch, NOISY, mel), noise, 0.0)
    nodes = torch.randn(batch, 1, EQUALISER_NODES) * EQUALISER_DB
    curve = functional.interpolate(nodes, BANDS, mode="linear", align_corners=True)[:, :, None].to(mel.device)
    gain = _between((-GAIN_DB, GAIN_DB), batch, mel)
    return 10 * (power + 1e-10).log10() + loudness + curve + gain


def _moved_bands(mel: Tensor) -> Tensor:
    """Bands up or down by as many as 4 in 70 % of the pieces: voices of other pitch and size."""
    move = torch.randint(-MOVED_BANDS, MOVED_BANDS + 1, (len(mel),)) * (torch.rand(len(mel)) < MOVED)
    places = (torch.arange(BANDS) + move[:, None]).clamp(0, mel.shape[-1] - 1).to(mel.device)  # B, 96
    return mel.gather(-1, places[:, None, None].expand(*mel.shape[:3], BANDS))


def _power(level_db: Tensor) -> Tensor:
    return 10 ** (level_db / 10)


def _some(batch: int, share: float, like: Tensor) -> Tensor:
    """True for this share of the batch, to be broadcast over ``like``."""
    return (torch.rand(batch) < share).reshape(-1, *[1] * (like.dim() - 1)).to(like.device)


def _between(limits: tuple[float, float], batch: int, like: Tensor) -> Tensor:
    drawn = torch.empty(batch).uniform_(*limits)
    return drawn.reshape(-1, *[1] * (like.dim() - 1)).to(like.device)


def _one_of(values: tuple[float, ...], batch: int, like: Tensor) -> Tensor:
    drawn = torch.tensor(values)[torch.randint(len(values), (batch,))]
    return drawn.reshape(-1, *[1] * (like.dim() - 1)).to(like.device)
