"""The training run: options -> a run folder, three stages, each resumed from its newest checkpoint.

Takes ``FitOptions``; gives a run folder with config.json, metrics.jsonl, samples and checkpoints (safetensors).
"""

from lipmodel.training.checkpoint import best_checkpoint, latest_checkpoint, load_weights
from lipmodel.training.options import FitOptions, chosen_preset, new_run, resumed_run
from lipmodel.training.run import STAGES, fit, train
from lipmodel.training.run_folder import CHECKPOINTS, newest_weights
from lipmodel.training.stages.gan import GAN
from lipmodel.training.stages.sync import SYNC, load_sync_run

__all__ = [
    "CHECKPOINTS",
    "GAN",
    "STAGES",
    "SYNC",
    "FitOptions",
    "best_checkpoint",
    "chosen_preset",
    "fit",
    "latest_checkpoint",
    "load_sync_run",
    "load_weights",
    "new_run",
    "newest_weights",
    "resumed_run",
    "train",
]
