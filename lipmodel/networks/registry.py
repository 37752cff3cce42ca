"""The networks that a run trains."""

from torch import nn

from lipmodel.config import Run
from lipmodel.networks.chung import Chung
from lipmodel.networks.correlation import ContrastiveCorrelation, Correlation
from lipmodel.networks.discriminator import Discriminator
from lipmodel.networks.generator import Generator, sound_channels
from lipmodel.networks.vondrick import Vondrick

GENERATORS = {"fusion": Generator, "vondrick": Vondrick, "chung": Chung}
# Planes of what the discriminator's third stream sees, and of what is correlated with the sound.
MOTION_PLANES = {"flow": 2, "difference": 3, "none": 0}
CHANGE_PLANES = {"derivative": 2, "direct": 3}


def build_generator(run: Run) -> nn.Module:
    """What makes the video: (mel, identity) -> ``GeneratorOutput``."""
    return GENERATORS[run.switches.generator](run.network)


def build_networks(run: Run) -> dict[str, nn.Module]:
    """All that a variant trains, by name; no discriminator and no correlation networks where their loss counts 0."""
    generator = build_generator(run)
    networks = {"generator": generator}
    if run.weights["gen"]:
        networks["discriminator"] = Discriminator(run.network, MOTION_PLANES[run.switches.motion])
    contrastive = bool(run.weights.get("sync"))  # of older runs there is no such weight
    if run.weights["corr"] or contrastive:
        kind = ContrastiveCorrelation if contrastive else Correlation
        networks["correlation"] = kind(run.network, sound_channels(run.network), CHANGE_PLANES[run.switches.correlated])
    return networks
