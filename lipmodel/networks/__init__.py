"""The networks: the paper's generator, discriminator and correlation networks, FlowNetS, autoencoder, baselines.

One a file. ``build_networks`` gives all that a variant trains, by name.
"""

from lipmodel.networks.autoencoder import Autoencoder, frames_of
from lipmodel.networks.correlation import ContrastiveCorrelation
from lipmodel.networks.discriminator import frame_difference
from lipmodel.networks.flownet import UNIT_PX, FlowNet, flow_of, load_port_weights, pairs_of
from lipmodel.networks.generator import Generator, GeneratorOutput
from lipmodel.networks.layers import lay_out
from lipmodel.networks.registry import build_generator, build_networks
from lipmodel.networks.sync_inputs import BANDS, coarse_flow, normalised_lips, sound_reference
from lipmodel.networks.sync_towers import REACH, WINDOW_SCALES, SyncPair, sync_pairs

__all__ = [
    "BANDS",
    "REACH",
    "UNIT_PX",
    "WINDOW_SCALES",
    "Autoencoder",
    "ContrastiveCorrelation",
    "FlowNet",
    "Generator",
    "GeneratorOutput",
    "SyncPair",
    "build_generator",
    "build_networks",
    "coarse_flow",
    "flow_of",
    "frame_difference",
    "frames_of",
    "lay_out",
    "load_port_weights",
    "normalised_lips",
    "pairs_of",
    "sound_reference",
    "sync_pairs",
]
