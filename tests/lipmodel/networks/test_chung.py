"""The generator of Chung et al.: shapes, receptive field, gradients, cost."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lipmodel.config import PRESETS
from lipmodel.networks.chung import Chung

TINY = PRESETS["tiny"].network


def inputs(clips, frames, device="cpu"):
    mel = torch.randn(clips, 4 * frames, 128, device=device) * 20 - 40
    return mel, torch.rand(clips, 3, 64, 64, device=device)


@pytest.mark.parametrize("frames", [1, 16, 23])
@pytest.mark.parametrize("preset", PRESETS)
def test_any_number_of_frames(preset, frames):
    with torch.device("meta"):
        chung = Chung(PRESETS[preset].network)
    video, sound = chung(*inputs(2, frames, "meta"))
    assert video.shape == (2, 3, frames, 64, 64) and sound is None


@torch.no_grad()
@pytest.mark.parametrize("frame", [0, 7, 11])
def test_a_frame_hears_nine_frames_and_no_more(frame):
    torch.manual_seed(0)
    chung = Chung(TINY)
    mel, identity = inputs(1, 12)
    louder = mel.clone()
    louder[:, 4 * frame : 4 * frame + 4] += 20.0
    changed = (chung(louder, identity).video - chung(mel, identity).video).abs().amax((0, 1, 3, 4)) > 1e-5  # T
    assert changed.nonzero().flatten().tolist() == list(range(max(0, frame - 4), min(12, frame + 5)))


@torch.no_grad()
def test_the_sound_beyond_the_window_is_its_edge():
    torch.manual_seed(0)
    chung = Chung(TINY)
    mel, identity = inputs(1, 2)
    longer = torch.cat([mel[:, :1].repeat(1, 16, 1), mel, mel[:, -1:].repeat(1, 16, 1)], dim=1)  # 10 frames
    torch.testing.assert_close(chung(longer, identity).video[:, :, 4:6], chung(mel, identity).video, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_clip_does_not_depend_on_its_neighbours_in_the_batch():
    torch.manual_seed(0)
    chung = Chung(TINY)
    mel, identity = inputs(3, 2)
    together = chung(mel, identity).video
    torch.testing.assert_close(together[1:2], chung(mel[1:2], identity[1:2]).video, atol=1e-5, rtol=0)
    assert (together[1] - together[2]).abs().max() > 0.1


@pytest.mark.parametrize("bf16", [False, True])
def test_every_weight_learns(bf16):
    chung = Chung(TINY)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        video = chung(*inputs(2, 3)).video.float()
    assert video.isfinite().all() and video.abs().max() <= 1
    (video * torch.randn_like(video)).mean().backward()
    for name, parameter in chung.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_the_paper_s_width_costs_what_the_docstring_says():
    with torch.device("meta"):
        chung = Chung(PRESETS["paper"].network)
    with FlopCounterMode(display=False) as counter:
        chung(*inputs(1, 16, "meta"))
    doc = " ".join((Chung.__doc__ or "").split())
    assert f"{counter.get_total_flops() / 1e9:.1f} GFLOP" in doc
    assert f"{sum(parameter.numel() for parameter in chung.parameters()) / 1e6:.1f} million parameters" in doc
