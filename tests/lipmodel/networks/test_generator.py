"""The generator: shapes, range, gradients, cost."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lipmodel.config import PRESETS, Network
from lipmodel.networks.generator import Generator

TINY = PRESETS["tiny"].network


def inputs(clips, frames, device="cpu"):
    return torch.full((clips, 4 * frames, 128), -40.0, device=device), torch.zeros(clips, 3, 64, 64, device=device)


@pytest.mark.parametrize("frames", [1, 16, 23])
@pytest.mark.parametrize("preset", PRESETS)
def test_any_number_of_frames(preset, frames):
    with torch.device("meta"):
        generator = Generator(PRESETS[preset].network)
    assert generator(*inputs(2, frames, "meta")).video.shape == (2, 3, frames, 64, 64)


@pytest.mark.parametrize(("clips", "frames"), [(1, 1), (2, 5)])
def test_values_lie_between_minus_one_and_one(clips, frames):
    video = Generator(TINY)(*inputs(clips, frames)).video
    assert video.shape == (clips, 3, frames, 64, 64)
    assert video.isfinite().all() and video.abs().max() <= 1


def test_a_clip_does_not_depend_on_its_neighbours_in_the_batch():
    generator = Generator(TINY)
    mel, identity = torch.randn(3, 64, 128) * 20 - 40, torch.rand(3, 3, 64, 64)
    together = generator(mel, identity).video
    torch.testing.assert_close(together[1:2], generator(mel[1:2], identity[1:2]).video, atol=1e-5, rtol=0)


def test_every_weight_learns():
    generator = Generator(TINY)
    generator(torch.randn(2, 64, 128) * 20 - 40, torch.rand(2, 3, 64, 64)).video.square().mean().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@torch.no_grad()
def test_sound_moves_in_time_with_the_frames():
    """A change of the sound of frame 20 moves the frames around it; the others only through the shared norm."""
    torch.manual_seed(0)
    generator = Generator(Network(0.125, 16, 1, (3, 4, 4), (3, 3, 3)))
    mel, identity = torch.randn(1, 160, 128) * 20 - 40, torch.rand(1, 3, 64, 64)
    louder = mel.clone()
    louder[:, 80:84] += 20.0
    changed = (generator(louder, identity).video - generator(mel, identity).video).abs().mean((0, 1, 3, 4))  # T
    assert changed.argmax() in range(18, 23)
    assert changed[[*range(8), *range(32, 40)]].max() < 0.05 * changed.max()


def test_the_paper_s_width_costs_what_the_docstring_says():
    with torch.device("meta"):
        generator = Generator(PRESETS["paper"].network)
    with FlopCounterMode(display=False) as counter:
        generator(*inputs(1, 16, "meta"))
    assert f"{counter.get_total_flops() / 1e9:.0f} GFLOP" in (Generator.__doc__ or "")
    n_parameters = sum(parameter.numel() for parameter in generator.parameters())
    assert f"{n_parameters / 1e6:.1f} million parameters" in (Generator.__doc__ or "")
