"""What the sync network looks at."""

from math import cos, radians, sin

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lipdata.shards import ShardFolder
from lipmodel.networks.sync_inputs import (
    coarse_flow,
    flow_features,
    lip_features,
    normalised_lips,
    sound_features,
    sound_reference,
)

FRAMES = 40
BOX = np.array([100.0, 80.0, 164.0, 144.0])


@pytest.fixture(scope="module")
def clip(grid_shards):
    """A real clip."""
    return ShardFolder(grid_shards)["s22/lbbc2a"]


def mouth(frames: int = FRAMES) -> np.ndarray:
    """A mouth that opens and closes, in source pixels [shape=(T, 20, 2)]."""
    outer, inner = (np.linspace(np.pi, 3 * np.pi, n, endpoint=False) for n in (12, 8))  # from the left corner
    rings = [size * np.stack([np.cos(angle), np.sin(angle)], -1) for size, angle in ((20, outer), (12, inner))]
    points = np.concatenate(rings)
    opening = 0.3 + 0.2 * np.sin(np.arange(frames) * 0.7)
    return 120 + points[None] * np.stack([np.ones(frames), opening], -1)[:, None]


def in_crops(points: np.ndarray, boxes: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Points of the source as landmarks of crops, and those crops' boxes, of one piece."""
    boxes = np.broadcast_to(boxes, (len(points), 4))
    corner, size = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
    landmarks = (points - corner) * 64 / size
    return torch.tensor(landmarks[None], dtype=torch.float32), torch.tensor(boxes[None].copy(), dtype=torch.float32)


def test_coarse_flow_is_the_mean_of_blocks():
    flow = np.random.default_rng(0).normal(size=(2, 3, 64, 64, 2)).astype(np.float16)
    found = coarse_flow(torch.from_numpy(flow))
    blocks = flow.astype(np.float32).reshape(2, 3, 16, 4, 16, 4, 2).mean((3, 5))  # B, T, y, x, 2
    np.testing.assert_allclose(found.numpy(), blocks.transpose(0, 1, 4, 2, 3), atol=1e-5)


def test_motion_of_the_whole_head_is_taken_away_and_the_fastest_is_cut():
    flow = torch.randn(1, 4, 2, 16, 16)
    moved = flow + torch.tensor([3.0, -2.0])[:, None, None]
    assert torch.allclose(flow_features(flow), flow_features(moved), atol=1e-5)
    assert flow_features(100 * flow).abs().max() == 6


@settings(max_examples=40, deadline=None)
@given(
    angle=st.floats(-40, 40),
    scale=st.floats(0.5, 3),
    dx=st.floats(-50, 50),
    dy=st.floats(-50, 50),
    side=st.floats(40, 200),
)
def test_lips_are_the_same_wherever_and_however_large_the_mouth_is(angle, scale, dx, dy, side):
    turn = scale * np.array([[cos(radians(angle)), -sin(radians(angle))], [sin(radians(angle)), cos(radians(angle))]])
    box = np.array([90 - dx, 70 - dy, 90 - dx + side, 70 - dy + side])
    plain = normalised_lips(*in_crops(mouth(), BOX))
    moved = normalised_lips(*in_crops(mouth() @ turn.T + (dx, dy), box))
    assert plain.abs().max() > 0.1, "the mouth moves"
    assert torch.allclose(plain, moved, atol=1e-3)  # float32 of points some 500 pixels from 0, in widths of 20


def test_a_crop_that_follows_the_mouth_changes_no_lips():
    drift = np.stack([np.linspace(0, 30, FRAMES), np.linspace(0, -15, FRAMES)], -1)
    boxes = BOX + np.concatenate([drift, drift], -1)
    plain = normalised_lips(*in_crops(mouth(), BOX))
    assert torch.allclose(plain, normalised_lips(*in_crops(mouth() + drift[:, None], boxes)), atol=1e-4)
    assert not torch.allclose(plain, normalised_lips(*in_crops(mouth() * (1, 1.5), BOX)), atol=1e-2)


def test_lips_without_a_width_are_finite():
    assert normalised_lips(torch.full((1, 5, 20, 2), 32.0), torch.zeros(1, 5, 4)).isfinite().all()


def test_lip_features_are_the_lips_and_their_change():
    lips = torch.randn(2, 6, 20, 2)
    found = lip_features(lips)
    assert found.shape == (2, 4, 80)
    torch.testing.assert_close(found[:, 0, :40], 8 * lips[:, 1].flatten(1))
    torch.testing.assert_close(found[:, 0, 40:], 3 * 8 * (lips[:, 2] - lips[:, 0]).flatten(1) / 2)


@pytest.mark.parametrize("frames", [1, 2, 17, 75])
def test_loudness_is_a_percentile_as_numpys(frames):
    bands = np.random.default_rng(frames).normal(-40, 20, (3, frames, 4, 96)).astype(np.float32)
    wanted = np.percentile(bands.max(-1).reshape(3, -1), 95, axis=1)
    found = sound_reference(torch.from_numpy(bands))
    assert found.shape == (3, 1, 1, 1)
    np.testing.assert_allclose(found.ravel(), wanted, rtol=1e-5)


def test_loudness_and_colour_are_taken_from_the_sound(clip):
    bands = torch.from_numpy(clip.mel[None, ..., :96].copy())
    plain = sound_features(bands)
    assert plain.shape == (1, len(clip) - 2, 256) and plain.std() > 0.1
    for gain_db in (-20.0, 17.0):
        assert torch.allclose(sound_features(bands + gain_db), plain, atol=1e-4)
    assert not torch.allclose(sound_features(bands.flip(1)), plain, atol=1e-1)


def test_colour_is_taken_where_nothing_is_cut():
    """Bands within 30 dB of the loudest: neither the floor nor the ceiling is reached."""
    bands = -30 * torch.rand(1, 20, 4, 96)
    colour = torch.linspace(-4, 4, 32).repeat_interleave(3)
    louder = sound_features(bands + colour)
    assert torch.allclose(louder, sound_features(bands), atol=1e-4)
