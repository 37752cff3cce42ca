"""The correlation networks: receptive fields, shapes, gradients, cost."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lipmodel.config import PRESETS
from lipmodel.networks.correlation import ContrastiveCorrelation, Correlation, MotionCorrelator, SoundCorrelator
from lipmodel.networks.layers import channels

TINY = PRESETS["tiny"].network


def steps_changed(network, clip, step):
    """Output steps that another input at one step reaches; in float64, where a convolution is the plain sum."""
    network, clip = network.double().eval(), clip.double()
    other = clip.clone()
    other[:, :, step] += 1.0
    difference = (network(other) - network(clip)).abs().amax((0, 1))  # T'
    return difference.nonzero().flatten().tolist()


@torch.no_grad()
@pytest.mark.parametrize(("steps", "step"), [(31, 15), (15, 7), (15, 1), (16, 14)])
def test_receptive_fields_of_9_and_13(steps, step):
    torch.manual_seed(0)
    sound = steps_changed(SoundCorrelator(TINY, 32), torch.randn(1, 32, steps, 16), step)
    motion = steps_changed(MotionCorrelator(TINY, 2), torch.randn(1, 2, steps, 64, 64), step)
    assert sound == list(range(max(0, step - 4), min(steps, step + 5)))
    assert motion == list(range(max(0, step - 6), min(steps, step + 7)))
    if steps == 31:
        assert (len(sound), len(motion)) == (9, 13)


@pytest.mark.parametrize(("motion_channels", "steps"), [(2, 15), (3, 16), (2, 1)])
@pytest.mark.parametrize("preset", PRESETS)
def test_time_is_kept_and_sizes_match(preset, motion_channels, steps):
    network = PRESETS[preset].network
    (c256,) = channels(network, 256)
    with torch.device("meta"):
        sound, motion = Correlation(network, c256, motion_channels)(
            torch.zeros(2, c256, steps, 16), torch.zeros(4, motion_channels, steps, 64, 64)
        )
    assert sound.shape == (2, c256, steps) and motion.shape == (4, c256, steps)


@torch.no_grad()
def test_stacked_motions_are_those_of_single_calls():
    network = Correlation(TINY, 32, 2)
    sound, real, fake = torch.randn(2, 32, 15, 16), torch.randn(2, 2, 15, 64, 64), torch.randn(2, 2, 15, 64, 64)
    heard, seen = network(sound, torch.cat([real, fake]))
    torch.testing.assert_close(heard, network.sound(sound))
    torch.testing.assert_close(seen[1:2], network.motion(real[1:2]), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(seen[2:3], network.motion(fake[:1]), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_features_have_both_signs():
    features = Correlation(TINY, 32, 2)(torch.randn(2, 32, 15, 16), torch.randn(2, 2, 15, 64, 64))
    assert all(0.2 < (feature > 0).float().mean() < 0.8 for feature in features)


@pytest.mark.parametrize("bf16", [False, True])
def test_every_weight_learns(bf16):
    network = Correlation(TINY, 32, 2)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        sound, motion = network(torch.randn(2, 32, 15, 16), torch.randn(2, 2, 15, 64, 64))
    (sound * motion).float().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_the_paper_s_width_costs_what_the_docstring_says():
    with torch.device("meta"):
        network = Correlation(PRESETS["paper"].network, 256, 2)
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 256, 15, 16), torch.zeros(1, 2, 15, 64, 64))
    doc = " ".join((Correlation.__doc__ or "").split())
    assert f"{counter.get_total_flops() / 1e9:.1f} GFLOP" in doc
    assert f"{sum(parameter.numel() for parameter in network.parameters()) / 1e6:.1f} million parameters" in doc


def test_only_a_scale_is_new_where_sounds_are_contrasted():
    """The same first weights, and the same random numbers drawn: variants differ in their loss alone."""
    states, after = [], []
    for kind in (Correlation, ContrastiveCorrelation):
        torch.manual_seed(0)
        network = kind(TINY, 32, 2)
        states.append(network.state_dict())
        after.append(torch.rand(1))
    scale = states[1].pop("log_scale")
    assert network.scale().item() == pytest.approx(10) and scale.exp().item() == pytest.approx(10)
    assert states[0].keys() == states[1].keys() and torch.equal(*after)
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
