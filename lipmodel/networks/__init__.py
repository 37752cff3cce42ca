"""The networks: the paper's generator, discriminator and correlation networks, FlowNetS, autoencoder, baselines.

One a file. ``build_networks`` gives all that a variant trains, by name.
"""

from lipmodel.networks.autoencoder import Autoencoder, frames_of
from lipmodel.networks.discriminator import frame_difference
from lipmodel.networks.flownet import UNIT_PX, FlowNet, flow_of, load_port_weights, pairs_of
from lipmodel.networks.generator import GeneratorOutput
from lipmodel.networks.layers import lay_out
from lipmodel.networks.registry import build_generator, build_networks

__all__ = [
    "UNIT_PX",
    "Autoencoder",
    "FlowNet",
    "GeneratorOutput",
    "build_generator",
    "build_networks",
    "flow_of",
    "frame_difference",
    "frames_of",
    "lay_out",
    "load_port_weights",
    "pairs_of",
]
