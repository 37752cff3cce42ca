"""Lip movements from speech and one picture: train on shards of lipdata, generate, evaluate.

Example::

    model = lipmodel.load("runs/mine")
    model.generate("face.jpg", "speech.wav", face=True).save("out.mp4")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lipmodel import metrics
    from lipmodel.data import WindowDataset
    from lipmodel.evaluation import evaluate
    from lipmodel.inference import Model, Video, load
    from lipmodel.sync import sync_offset
    from lipmodel.training import fit

__all__ = ["Model", "Video", "WindowDataset", "evaluate", "fit", "load", "metrics", "sync_offset"]

# Loaded at first use: a command that prints its help need not load torch.
_ROOMS = {
    "Model": "lipmodel.inference",
    "Video": "lipmodel.inference",
    "WindowDataset": "lipmodel.data",
    "evaluate": "lipmodel.evaluation",
    "fit": "lipmodel.training",
    "load": "lipmodel.inference",
    "sync_offset": "lipmodel.sync",
}


def __getattr__(name: str) -> Any:
    if name == "metrics":
        return import_module("lipmodel.metrics")
    if name in _ROOMS:
        return getattr(import_module(_ROOMS[name]), name)
    raise AttributeError(f"module 'lipmodel' has no attribute {name!r}")
