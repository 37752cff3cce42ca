"""The autoencoder: shapes, gradients, cost."""

import pytest
import torch
from torch.nn.functional import interpolate
from torch.utils.flop_counter import FlopCounterMode

from lipmodel.config import PRESETS
from lipmodel.losses.perceptual import l_perc
from lipmodel.losses.pixel import l_pix
from lipmodel.networks.autoencoder import Autoencoder, frames_of
from lipmodel.networks.layers import ResidualBlock

TINY = PRESETS["tiny"].network


@pytest.fixture
def autoencoder() -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(TINY)


@pytest.mark.parametrize(("preset", "features"), [("paper", 256), ("small", 128), ("tiny", 32)])
def test_shapes(preset, features):
    with torch.device("meta"):
        autoencoder, video = Autoencoder(PRESETS[preset].network), torch.zeros(2, 3, 5, 64, 64)
    assert autoencoder(video[:, :, 0]).shape == (2, 3, 64, 64)
    assert autoencoder.encoder(frames_of(video)).shape == (10, features, 16, 16)
    assert sum(isinstance(block, ResidualBlock) for block in autoencoder.encoder) == 6


def test_the_frames_of_a_video_clip_by_clip():
    video = torch.rand(2, 3, 4, 8, 8)
    assert torch.equal(frames_of(video), torch.stack([clip[:, t] for clip in video for t in range(4)]))


@torch.no_grad()
def test_a_frame_does_not_depend_on_its_neighbours_in_the_batch(autoencoder):
    frames = torch.rand(3, 3, 64, 64) * 2 - 1
    torch.testing.assert_close(autoencoder(frames)[1:2], autoencoder(frames[1:2]), atol=1e-5, rtol=0)


def test_every_weight_learns(autoencoder):
    autoencoder(torch.rand(2, 3, 64, 64)).square().mean().backward()
    for name, parameter in autoencoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_a_frozen_encoder_hands_the_gradient_on_to_the_video(autoencoder):
    autoencoder.requires_grad_(False)
    video = (torch.rand(1, 3, 2, 64, 64) * 2 - 1).requires_grad_()
    l_perc(autoencoder.encoder(frames_of(video)), autoencoder.encoder(torch.zeros(2, 3, 64, 64))).backward()
    assert video.grad is not None and (video.grad.abs().sum((0, 1, 3, 4)) > 0).all()


@torch.no_grad()
def test_autocast_changes_it_little(autoencoder):
    frames = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.autocast("cpu", torch.bfloat16):
        values = autoencoder(frames)
    assert (values.float() - autoencoder(frames)).abs().mean() < 0.02


@pytest.mark.slow
def test_it_learns_a_few_pictures(autoencoder):
    pictures = interpolate(torch.rand(4, 3, 4, 4) * 2 - 1, size=(64, 64), mode="bilinear")
    optimizer = torch.optim.Adam(autoencoder.parameters(), 1e-3, betas=(0.5, 0.999))
    for _ in range(90):
        optimizer.zero_grad()
        l_pix(autoencoder(pictures), pictures).backward()
        optimizer.step()
    grey = pictures.mean((2, 3), keepdim=True).expand_as(pictures)
    assert l_pix(autoencoder(pictures), pictures) < 0.55 * l_pix(grey, pictures)


def test_the_paper_s_width_costs_what_the_docstring_says():
    with torch.device("meta"):
        autoencoder, frame = Autoencoder(PRESETS["paper"].network), torch.zeros(1, 3, 64, 64)
    with FlopCounterMode(display=False) as counter:
        autoencoder(frame)
    assert f"{counter.get_total_flops() / 1e9:.1f} GFLOP" in (Autoencoder.__doc__ or "")
    n_parameters = sum(parameter.numel() for parameter in autoencoder.parameters())
    assert f"{n_parameters / 1e6:.1f} million parameters" in (Autoencoder.__doc__ or "")
