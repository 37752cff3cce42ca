"""Shards -> batches of windows, on the device, in an order that seed and epoch decide.

``WindowDataset`` is the one reader: for training, for validation, and for loops of one's own.
"""

from lipmodel.data.prefetch import read_ahead, to_device
from lipmodel.data.run_data import RunData, open_run_data, require_finite_mel, require_same_geometry, require_shapes
from lipmodel.data.sampler import BatchIndex, BatchSampler, fixed_sample
from lipmodel.data.splits import clip_ids_of, require_windows
from lipmodel.data.windows import PARTS, WindowDataset

__all__ = [
    "PARTS",
    "BatchIndex",
    "BatchSampler",
    "RunData",
    "WindowDataset",
    "clip_ids_of",
    "fixed_sample",
    "open_run_data",
    "read_ahead",
    "require_finite_mel",
    "require_same_geometry",
    "require_shapes",
    "require_windows",
    "to_device",
]
