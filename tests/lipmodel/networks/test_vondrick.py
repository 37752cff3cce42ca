"""The generator of Vondrick et al.: shapes, mask, gradients, cost."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lipmodel.config import PRESETS
from lipmodel.networks.vondrick import Vondrick

TINY = PRESETS["tiny"].network


def inputs(clips, device="cpu"):
    return torch.randn(clips, 64, 128, device=device) * 20 - 40, torch.rand(clips, 3, 64, 64, device=device)


@pytest.mark.parametrize("preset", PRESETS)
def test_16_frames(preset):
    with torch.device("meta"):
        vondrick = Vondrick(PRESETS[preset].network)
    video, sound = vondrick(*inputs(2, "meta"))
    assert video.shape == (2, 3, 16, 64, 64) and sound is None


@torch.no_grad()
def test_a_clip_does_not_depend_on_its_neighbours_in_the_batch():
    vondrick = Vondrick(TINY)
    mel, identity = inputs(3)
    together = vondrick(mel, identity).video
    torch.testing.assert_close(together[1:2], vondrick(mel[1:2], identity[1:2]).video, atol=1e-5, rtol=0)


@pytest.mark.parametrize("bf16", [False, True])
def test_every_weight_learns(bf16):
    vondrick = Vondrick(TINY)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        video = vondrick(*inputs(2)).video.float()
    assert video.isfinite().all() and video.abs().max() <= 1
    (video * torch.randn_like(video)).mean().backward()
    for name, parameter in vondrick.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@torch.no_grad()
def test_behind_the_mask_lies_a_still_picture_that_no_sound_changes():
    torch.manual_seed(0)
    vondrick = Vondrick(TINY)
    mel, identity = inputs(1)
    opened = vondrick(mel, identity).video
    vondrick.mask.bias.fill_(-1e4)
    still = vondrick(mel, identity).video
    assert opened.diff(dim=2).abs().max() > 0.1
    assert torch.equal(still, still[:, :, :1].expand_as(still))
    assert torch.equal(still, vondrick(mel + 30, identity).video)
    assert (vondrick(mel, 1 - identity).video - still).abs().max() > 0.1


@torch.no_grad()
def test_the_foreground_hears_the_speech():
    torch.manual_seed(0)
    vondrick = Vondrick(TINY)
    mel, identity = inputs(1)
    assert (vondrick(mel + 30, identity).video - vondrick(mel, identity).video).abs().max() > 0.1


def test_the_paper_s_width_costs_what_the_docstring_says():
    with torch.device("meta"):
        vondrick = Vondrick(PRESETS["paper"].network)
    with FlopCounterMode(display=False) as counter:
        vondrick(*inputs(1, "meta"))
    doc = " ".join((Vondrick.__doc__ or "").split())
    assert f"{counter.get_total_flops() / 1e9:.1f} GFLOP" in doc
    assert f"{sum(parameter.numel() for parameter in vondrick.parameters()) / 1e6:.1f} million parameters" in doc
