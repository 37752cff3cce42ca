"""A clip's crops and sound -> what a model learns from: log-mel, optical flow, and features of other packages.

Takes ``Signals`` and the pipeline; gives one array a feature, axis 0 over the frames. Which features a shard stores
stands in the pipeline file (``[shards] features``). Flow and log-mel also as colours, to be looked at.
"""

from lipdata.features.colours import flow_colour, full_colour, mel_colour, wheel
from lipdata.features.mel import log_mel
from lipdata.features.optical_flow import farneback_flow
from lipdata.features.registry import BUILT_IN, Feature, Signals, axes_rank, find_feature

__all__ = [
    "BUILT_IN",
    "Feature",
    "Signals",
    "axes_rank",
    "farneback_flow",
    "find_feature",
    "flow_colour",
    "full_colour",
    "log_mel",
    "mel_colour",
    "wheel",
]
