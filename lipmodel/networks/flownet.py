"""FlowNetS: how the pixels move between two frames (Dosovitskiy et al. 2015; paper, section 4.2)."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from lipdata.errors import LipdataError
from lipmodel.config import Network
from lipmodel.networks.layers import channels, prepare

# FlowNet gives its flow in this many pixels.
UNIT_PX = 20.0

# The mean colour, RGB 0 to 1, of the images that published FlowNets were trained on. The port took it in the order BGR
# up to 2020, by mistake (its issues 80 and 101); older files of it see colours that are 0.04 off, and hardly care.
_MEAN_COLOUR = (0.45, 0.432, 0.411)

# He's weights begin with flow of 5 to 10 pixels, and lips move by about one: training would first unlearn noise. With a
# tenth of them it begins at half a pixel. Measured with preset tiny on shifted patches, learning rate 2e-4, 200 steps:
# 1.5 pixels off with 1, 0.7 with 0.1 and 0.01, 2.0 without any flow. With 0 the layers before would get no gradient.
_FIRST_FLOW = 0.1


class FlowNet(nn.Module):
    """FlowNetS without batch norm; the names of its weights are those of the PyTorch port FlowNetPytorch.

    At full width 38.7 million parameters, and 9.9 GFLOP for the 15 pairs of a clip, a multiply-add counted as two.

    Args:
        network: widths.

    Shape:
        pairs: a frame and the next, (N, 6, 64, 64), RGB and RGB, -1 to 1; any height and width that 64 divides.
        result: flow from the first to the second in units of 20 pixels, (dx, dy); finest first, (N, 2, 16, 16),
            (N, 2, 8, 8), ... (N, 2, 1, 1).
    """

    mean_colour: Tensor

    def __init__(self, network: Network) -> None:
        super().__init__()
        c64, c128, c256, c512, c1024 = channels(network, 64, 128, 256, 512, 1024)
        self.conv1 = _conv(6, c64, kernel=7, stride=2)  # 32, 32
        self.conv2 = _conv(c64, c128, kernel=5, stride=2)  # 16, 16
        self.conv3 = _conv(c128, c256, kernel=5, stride=2)  # 8, 8
        self.conv3_1 = _conv(c256, c256)
        self.conv4 = _conv(c256, c512, stride=2)  # 4, 4
        self.conv4_1 = _conv(c512, c512)
        self.conv5 = _conv(c512, c512, stride=2)  # 2, 2
        self.conv5_1 = _conv(c512, c512)
        self.conv6 = _conv(c512, c1024, stride=2)  # 1, 1
        self.conv6_1 = _conv(c1024, c1024)

        in5, in4, in3, in2 = c512 + c512 + 2, c512 + c256 + 2, c256 + c128 + 2, c128 + c64 + 2
        self.deconv5 = _deconv(c1024, c512)
        self.deconv4 = _deconv(in5, c256)
        self.deconv3 = _deconv(in4, c128)
        self.deconv2 = _deconv(in3, c64)
        self.predict_flow6 = _predict(c1024)
        self.predict_flow5 = _predict(in5)
        self.predict_flow4 = _predict(in4)
        self.predict_flow3 = _predict(in3)
        self.predict_flow2 = _predict(in2)
        self.upsampled_flow6_to_5 = nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=False)
        self.upsampled_flow5_to_4 = nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=False)
        self.upsampled_flow4_to_3 = nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=False)
        self.upsampled_flow3_to_2 = nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=False)

        self.register_buffer("mean_colour", torch.tensor(2 * _MEAN_COLOUR).view(6, 1, 1), persistent=False)
        prepare(self)
        coarse = (self.predict_flow6, self.predict_flow5, self.predict_flow4)
        for predict in (*coarse, self.predict_flow3, self.predict_flow2):
            predict.weight.data.mul_(_FIRST_FLOW)

    def forward(self, pairs: Tensor) -> tuple[Tensor, ...]:
        seen2 = self.conv2(self.conv1((pairs + 1) / 2 - self.mean_colour))
        seen3 = self.conv3_1(self.conv3(seen2))
        seen4 = self.conv4_1(self.conv4(seen3))
        seen5 = self.conv5_1(self.conv5(seen4))
        seen6 = self.conv6_1(self.conv6(seen5))

        # From coarse to fine: what was seen at this size, what the coarser size makes of it, and its flow.
        flow6 = self.predict_flow6(seen6)
        known5 = torch.cat([seen5, self.deconv5(seen6), self.upsampled_flow6_to_5(flow6)], dim=1)
        flow5 = self.predict_flow5(known5)
        known4 = torch.cat([seen4, self.deconv4(known5), self.upsampled_flow5_to_4(flow5)], dim=1)
        flow4 = self.predict_flow4(known4)
        known3 = torch.cat([seen3, self.deconv3(known4), self.upsampled_flow4_to_3(flow4)], dim=1)
        flow3 = self.predict_flow3(known3)
        known2 = torch.cat([seen2, self.deconv2(known3), self.upsampled_flow3_to_2(flow3)], dim=1)
        return self.predict_flow2(known2), flow3, flow4, flow5, flow6


def pairs_of(video: Tensor) -> Tensor:
    """Every frame with the next, clip by clip: (B, 3, T, H, W) -> (B (T - 1), 6, H, W)."""
    pairs = torch.cat([video[:, :, :-1], video[:, :, 1:]], dim=1)  # B, 6, T - 1, H, W
    return pairs.transpose(1, 2).flatten(0, 1)


def flow_of(flownet: nn.Module, video: Tensor) -> Tensor:
    """The flow of whole clips, of all their pairs in one call; differentiable with respect to the video.

    Args:
        video: -1 to 1 [shape=(B, 3, T, H, W)].

    Returns:
        (dx, dy) from each frame to the next, pixels a frame, float32 [shape=(B, 2, T - 1, H, W)].
    """
    finest = flownet(pairs_of(video))[0].float()  # B (T - 1), 2, H / 4, W / 4
    flow = UNIT_PX * functional.interpolate(finest, scale_factor=4, mode="bilinear", align_corners=False)
    return flow.reshape(video.shape[0], video.shape[2] - 1, *flow.shape[1:]).transpose(1, 2)


def load_port_weights(flownet: FlowNet, path: Path) -> None:
    """Put weights saved by FlowNetPytorch (``flownets``, trained on RGB) into the network; no code in the file is run.

    Args:
        path: ``.safetensors``, or a file of ``torch.save``: a state dict, or a checkpoint that holds it as
            ``state_dict``. A ``module.`` before every name is taken off, and the ``flownet.`` of a run's checkpoint.

    Raises:
        LipdataError: not readable without running code, or names, shapes or units that are not this network's; the
            network is then as it was.
    """
    tensors = _read_states(path)
    own = flownet.state_dict()
    odd = own.keys() ^ tensors.keys()
    if odd:
        raise LipdataError(f"{path} is no FlowNetS without batch norm: {min(odd)!r} is missing or unknown")
    for name, tensor in own.items():
        if tensors[name].shape != tensor.shape:
            shapes = f"{name} is {tuple(tensors[name].shape)}, the network has {tuple(tensor.shape)}"
            raise LipdataError(f"{path} does not fit: {shapes}; published weights need --preset paper")
    flownet.load_state_dict(tensors)


def _read_states(path: Path) -> dict[str, Tensor]:
    table = _read(path)
    table = table if isinstance(table, dict) else {}
    unit = table.get("div_flow", UNIT_PX)
    if isinstance(unit, int | float) and unit != UNIT_PX:
        raise LipdataError(f"{path} gives flow in units of {unit} pixels; only units of {UNIT_PX:.0f} fit here")
    states = table.get("state_dict", table)
    if not isinstance(states, dict) or not states or not all(map(_is_weight, states.values())):
        raise LipdataError(f"{path} holds no weights by name; save the network's state_dict() with torch.save")
    return {str(name).removeprefix("module.").removeprefix("flownet."): tensor for name, tensor in states.items()}


def _is_weight(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError) as error:
        raise LipdataError(f"{path} cannot be read: {error}; name a .pth, .tar, .pt or .safetensors") from error
    except Exception as error:  # torch.load meets damaged bytes with almost anything, AssertionError too
        why = "it is cut short, no file of torch.save, or needs pickled code, which is never run"
        raise LipdataError(f"{path} cannot be read: {why}; save the state_dict() alone with torch.save") from error


def _conv(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2), nn.LeakyReLU(0.1, inplace=True))


def _deconv(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)
    return nn.Sequential(conv, nn.LeakyReLU(0.1, inplace=True))


def _predict(inputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, 2, 3, padding=1, bias=False)
