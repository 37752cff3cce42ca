"""The discriminator: shapes, gradients, what it can learn, cost."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lipmodel.config import PRESETS
from lipmodel.losses.adversarial import l_dis
from lipmodel.networks.discriminator import Discriminator, frame_difference

TINY = PRESETS["tiny"].network


def clips(number, motion_channels, device="cpu"):
    motion = torch.randn(number, motion_channels, 15, 64, 64, device=device) if motion_channels else None
    mel = torch.randn(number, 64, 128, device=device) * 20 - 40
    return mel, torch.rand(number, 3, 16, 64, 64, device=device), motion


@pytest.mark.parametrize("motion_channels", [0, 2, 3])
@pytest.mark.parametrize("preset", PRESETS)
def test_one_logit_a_clip(preset, motion_channels):
    with torch.device("meta"):
        discriminator = Discriminator(PRESETS[preset].network, motion_channels)
    assert discriminator(*clips(3, motion_channels, "meta")).shape == (3,)


@torch.no_grad()
@pytest.mark.parametrize("motion_channels", [0, 2])
def test_a_clip_does_not_depend_on_its_neighbours_in_the_batch(motion_channels):
    discriminator = Discriminator(TINY, motion_channels)
    mel, video, motion = clips(3, motion_channels)
    alone = discriminator(mel[1:2], video[1:2], None if motion is None else motion[1:2])
    torch.testing.assert_close(discriminator(mel, video, motion)[1:2], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("motion_channels", [0, 3])
@pytest.mark.parametrize("bf16", [False, True])
def test_every_weight_learns(motion_channels, bf16):
    discriminator = Discriminator(TINY, motion_channels)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        logits = discriminator(*clips(2, motion_channels))
    logits.float().square().mean().backward()
    for name, parameter in discriminator.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_frame_difference():
    video = torch.tensor([0.0, 0.5, -0.5]).reshape(1, 1, 3, 1, 1).repeat(2, 3, 1, 64, 64)
    motion = frame_difference(video)
    assert motion.shape == (2, 3, 2, 64, 64) and motion[1, 2, :, 0, 0].tolist() == [0.5, 1.0]


def loud_or_quiet(loud, opened):
    """Noisy clips: a sound, and a mouth dark where it is open."""
    mel = torch.where(loud, 0.0, -60.0)[:, None, None] + 5 * torch.randn(len(loud), 64, 128)
    video = 0.1 * torch.randn(len(loud), 3, 16, 64, 64)
    video[..., 24:40, 16:48] += torch.where(opened, -0.8, 0.5)[:, None, None, None, None]
    return mel, video


def test_it_learns_what_is_real_and_what_belongs_together():
    """Neither sound nor video alone tells a real clip from a mismatched one."""
    torch.manual_seed(0)
    discriminator = Discriminator(TINY, 3)
    optimizer = torch.optim.Adam(discriminator.parameters(), 1e-3, betas=(0.5, 0.999))
    loud = torch.tensor([True, False, True, False])

    def judge():
        (mel, real), (_, other) = loud_or_quiet(loud, loud), loud_or_quiet(loud, ~loud)
        video = torch.cat([real, torch.randn_like(real).tanh(), other])
        return discriminator(mel.repeat(3, 1, 1), video, frame_difference(video)).chunk(3)

    for _ in range(25):
        optimizer.zero_grad()
        torch.stack(l_dis(*judge())).sum().backward()
        optimizer.step()
    with torch.no_grad():
        real, generated, mismatched = judge()
    assert real.min() > 0 and generated.max() < 0 and mismatched.max() < 0


def test_the_paper_s_width_costs_what_the_docstring_says():
    with torch.device("meta"):
        discriminator = Discriminator(PRESETS["paper"].network, 2)
    with FlopCounterMode(display=False) as counter:
        discriminator(*clips(1, 2, "meta"))
    doc = " ".join((Discriminator.__doc__ or "").split())
    assert f"{counter.get_total_flops() / 1e9:.1f} GFLOP" in doc
    assert f"{sum(parameter.numel() for parameter in discriminator.parameters()) / 1e6:.1f} million parameters" in doc
