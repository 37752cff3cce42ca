"""FlowNetS: shapes of the port, the flow of clips, gradients, cost."""

import pytest
import torch
from torch.nn.functional import interpolate
from torch.utils.flop_counter import FlopCounterMode

from lipmodel.config import PRESETS
from lipmodel.losses.flow import end_point_error, l_flow
from lipmodel.networks.flownet import FlowNet, flow_of, pairs_of

TINY = PRESETS["tiny"].network


# FlowNetPytorch's flownets: every weight; inputs and outputs lie the other way round in transposed convolutions.
CONVOLUTIONS = {
    "conv1.0": (64, 6, 7, 7),
    "conv2.0": (128, 64, 5, 5),
    "conv3.0": (256, 128, 5, 5),
    "conv3_1.0": (256, 256, 3, 3),
    "conv4.0": (512, 256, 3, 3),
    "conv4_1.0": (512, 512, 3, 3),
    "conv5.0": (512, 512, 3, 3),
    "conv5_1.0": (512, 512, 3, 3),
    "conv6.0": (1024, 512, 3, 3),
    "conv6_1.0": (1024, 1024, 3, 3),
}


WITHOUT_BIAS = {
    "deconv5.0": (1024, 512, 4, 4),
    "deconv4.0": (1026, 256, 4, 4),
    "deconv3.0": (770, 128, 4, 4),
    "deconv2.0": (386, 64, 4, 4),
    "predict_flow6": (2, 1024, 3, 3),
    "predict_flow5": (2, 1026, 3, 3),
    "predict_flow4": (2, 770, 3, 3),
    "predict_flow3": (2, 386, 3, 3),
    "predict_flow2": (2, 194, 3, 3),
    "upsampled_flow6_to_5": (2, 2, 4, 4),
    "upsampled_flow5_to_4": (2, 2, 4, 4),
    "upsampled_flow4_to_3": (2, 2, 4, 4),
    "upsampled_flow3_to_2": (2, 2, 4, 4),
}


@pytest.fixture
def flownet() -> FlowNet:
    torch.manual_seed(0)
    return FlowNet(TINY)


def shifted_patches(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of patches, the second shifted by up to two whole pixels -> pairs, and their flow."""
    random = torch.Generator().manual_seed(seed)
    textures = interpolate(torch.rand(n, 3, 24, 24, generator=random) * 2 - 1, size=(72, 72), mode="bilinear")
    shifts = torch.randint(-2, 3, (n, 2), generator=random)
    ones = textures[:, :, 4:68, 4:68]
    others = [
        texture[:, 4 - dy : 68 - dy, 4 - dx : 68 - dx] for texture, (dx, dy) in zip(textures, shifts, strict=True)
    ]
    return torch.cat([ones, torch.stack(others)], dim=1), shifts[:, :, None, None].expand(n, 2, 64, 64).float()


def test_names_and_shapes_are_those_of_the_port():
    with torch.device("meta"):
        flownet = FlowNet(PRESETS["paper"].network)
    weights = {f"{name}.weight": shape for name, shape in (CONVOLUTIONS | WITHOUT_BIAS).items()}
    biases = {f"{name}.bias": shape[:1] for name, shape in CONVOLUTIONS.items()}
    assert {name: tuple(tensor.shape) for name, tensor in flownet.state_dict().items()} == weights | biases


@pytest.mark.parametrize("preset", PRESETS)
def test_five_flows_the_finest_first(preset):
    with torch.device("meta"):
        flownet, pairs = FlowNet(PRESETS[preset].network), torch.zeros(3, 6, 64, 64)
    assert [flow.shape for flow in flownet(pairs)] == [(3, 2, size, size) for size in (16, 8, 4, 2, 1)]


def test_the_mean_colour_of_the_port_is_black_to_it(flownet):
    mean = torch.tensor([0.45, 0.432, 0.411]) * 2 - 1
    flows = flownet(torch.cat([mean, mean]).view(1, 6, 1, 1).expand(1, 6, 64, 64))
    assert max(flow.abs().max() for flow in flows) < 1e-6


@torch.no_grad()
def test_flow_is_predicted_from_what_was_seen_then_made_then_the_coarser_flow(flownet):
    """The order of channels in which the port's weights expect them."""
    pairs = torch.rand(1, 6, 64, 64) * 2 - 1
    seen = flownet.conv2(flownet.conv1((pairs + 1) / 2 - flownet.mean_colour))
    weight = flownet.predict_flow2.weight.zero_()
    weight[0, 5, 1, 1] = weight[1, -1, 1, 1] = 1
    finest, finer, *_ = flownet(pairs)
    torch.testing.assert_close(finest[:, 0], seen[:, 5])
    torch.testing.assert_close(finest[:, 1], flownet.upsampled_flow3_to_2(finer)[:, 1])


def test_every_weight_learns(flownet):
    l_flow(flownet(torch.rand(2, 6, 64, 64)), torch.rand(2, 2, 64, 64)).backward()
    for name, parameter in flownet.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@torch.no_grad()
def test_the_flow_of_clips_is_that_of_their_pairs(flownet):
    video = torch.rand(2, 3, 4, 64, 64) * 2 - 1
    flow = flow_of(flownet, video)
    assert flow.shape == (2, 2, 3, 64, 64)
    for clip in range(2):
        for first in range(3):
            pair = torch.cat([video[clip, :, first], video[clip, :, first + 1]]).unsqueeze(0)
            alone = 20 * interpolate(flownet(pair)[0], size=(64, 64), mode="bilinear")
            torch.testing.assert_close(flow[clip, :, first], alone[0], atol=1e-5, rtol=1e-5)


def test_the_video_learns_through_the_flow(flownet):
    video = torch.rand(1, 3, 3, 64, 64, requires_grad=True)
    flow_of(flownet, video)[:, :, 1].square().sum().backward()
    assert video.grad is not None
    assert [frame.abs().sum() > 0 for frame in video.grad.unbind(2)] == [False, True, True]


@torch.no_grad()
def test_flow_is_float32_under_autocast(flownet):
    video = torch.rand(1, 3, 3, 64, 64) * 2 - 1
    with torch.autocast("cpu", torch.bfloat16):
        flow = flow_of(flownet, video)
    assert flow.dtype == torch.float32
    exact = flow_of(flownet, video)
    assert (flow - exact).square().mean() < 0.02**2 * exact.square().mean()


def test_first_flow_is_well_under_two_pixels(flownet):
    pairs, _ = shifted_patches(4, 1)
    assert all(20 * flow.square().mean().sqrt() < 1 for flow in flownet(pairs))


@pytest.mark.slow
def test_it_learns_the_flow_of_patches_that_move(flownet):
    optimizer = torch.optim.Adam(flownet.parameters(), 1e-3, betas=(0.5, 0.999))
    for step in range(120):
        pairs, target = shifted_patches(8, step)
        optimizer.zero_grad()
        l_flow(flownet(pairs), target).backward()
        optimizer.step()

    pairs, target = shifted_patches(32, 1000)
    flow = flow_of(flownet, torch.stack(pairs.chunk(2, dim=1), dim=2)).squeeze(2).detach()
    still = end_point_error(torch.zeros_like(target), target)
    assert end_point_error(flow, target) < 0.55 * still


def test_pairs_of_a_video():
    video = torch.arange(2 * 3 * 3.0).view(2, 3, 3, 1, 1)  # B, 3, T, 1, 1
    frames = video.squeeze().transpose(1, 2)  # B, T, 3
    expected = torch.stack([torch.cat([clip[i], clip[i + 1]]) for clip in frames for i in range(2)])
    assert torch.equal(pairs_of(video).squeeze(), expected)


def test_the_paper_s_width_costs_what_the_docstring_says():
    with torch.device("meta"):
        flownet, video = FlowNet(PRESETS["paper"].network), torch.zeros(1, 3, 16, 64, 64)
    with FlopCounterMode(display=False) as counter:
        flow_of(flownet, video)
    assert f"{counter.get_total_flops() / 1e9:.1f} GFLOP" in (FlowNet.__doc__ or "")
    n_parameters = sum(parameter.numel() for parameter in flownet.parameters())
    assert f"{n_parameters / 1e6:.1f} million parameters" in (FlowNet.__doc__ or "")
