"""How large is every network, and what does a clip of it cost?

    python benchmarks/networks.py      # a few seconds; writes docs/benchmarks/networks.md

Nothing is computed: torch counts on tensors without numbers.
"""

from collections.abc import Callable

import click
import torch
from page import publish
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lipdata.shards.schema import WINDOW
from lipmodel.config import PRESETS, Network
from lipmodel.networks.autoencoder import Autoencoder, frames_of
from lipmodel.networks.chung import Chung
from lipmodel.networks.correlation import MotionCorrelator, SoundCorrelator
from lipmodel.networks.discriminator import Discriminator
from lipmodel.networks.flownet import FlowNet, pairs_of
from lipmodel.networks.generator import Generator, sound_channels
from lipmodel.networks.vondrick import Vondrick

TEXT = """# How large the networks are

Parameters in millions, and GFLOP a clip of {window} frames forward; a multiply-add counts as two. Counted by torch on
the networks themselves. Written by `python benchmarks/networks.py`.

| network | {presets} | notes on the authors' code |
|---|{rule}---|
{rows}

The notes say "about 140 GFLOP" of the generator, which fits if a multiply-add counts as one ({mac:.0f} G of them
here); they give no figures for the others. The baselines are as large as their own sources say. "-": nothing is said.
"""


def video() -> Tensor:
    return torch.zeros(1, 3, WINDOW, 64, 64)


def mel() -> Tensor:
    return torch.zeros(1, 4 * WINDOW, 128)


def motion() -> Tensor:
    return torch.zeros(1, 2, WINDOW - 1, 64, 64)


def sound(network: Network) -> Tensor:
    return torch.zeros(1, sound_channels(network), WINDOW - 1, 16)


Kind = tuple[str, Callable[[Network], nn.Module], Callable[[nn.Module, Network], object], str]
KINDS: list[Kind] = [
    ("generator", Generator, lambda net, _: net(mel(), video()[:, :, 0]), "140 GFLOP, width 256, nine residual blocks"),
    (
        "discriminator, three streams with flow",
        lambda n: Discriminator(n, 2),
        lambda net, _: net(mel(), video(), motion()),
        "four 2-D layers; twice four 3-D layers; 768 to 512 to 1",
    ),
    ("discriminator, two streams", lambda n: Discriminator(n, 0), lambda net, _: net(mel(), video(), None), "-"),
    (
        "phi_s, the sound's change",
        lambda n: SoundCorrelator(n, sound_channels(n)),
        lambda net, n: net(sound(n)),
        "four layers, receptive field 9",
    ),
    ("phi_v, flow", lambda n: MotionCorrelator(n, 2), lambda net, _: net(motion()), "six layers, receptive field 13"),
    ("FlowNetS, 15 pairs", FlowNet, lambda net, _: net(pairs_of(video())), "-"),
    ("autoencoder, 16 frames", Autoencoder, lambda net, _: net(frames_of(video())), "six residual blocks"),
    ("its encoder, phi", lambda n: Autoencoder(n).encoder, lambda net, _: net(frames_of(video())), "-"),
    ("Vondrick et al., conditional", Vondrick, lambda net, _: net(mel(), video()[:, :, 0]), "-"),
    ("Chung et al., 16 images", Chung, lambda net, _: net(mel(), video()[:, :, 0]), "-"),
]


def count(kind: Kind, network: Network) -> tuple[float, float]:
    """Millions of parameters, and GFLOP a clip."""
    _, make, call, _ = kind
    with torch.device("meta"):
        net = make(network)
        with FlopCounterMode(display=False) as counter:
            call(net, network)
    return sum(weights.numel() for weights in net.parameters()) / 1e6, counter.get_total_flops() / 1e9


@click.command(help=__doc__)
def main() -> None:
    rows = []
    for kind in KINDS:
        cells = ["{:.2f} M, {:.3g} GFLOP".format(*count(kind, preset.network)) for preset in PRESETS.values()]
        rows.append(f"| {kind[0]} | {' | '.join(cells)} | {kind[3]} |")
    mac = count(KINDS[0], PRESETS["paper"].network)[1] / 2
    presets, rule = " | ".join(PRESETS), "---|" * len(PRESETS)
    text = TEXT.format(window=WINDOW, presets=presets, rule=rule, rows="\n".join(rows), mac=mac)
    publish("networks", text)


if __name__ == "__main__":
    main()
