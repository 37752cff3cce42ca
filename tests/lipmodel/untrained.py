"""A run folder as training leaves it, without the training."""

from dataclasses import replace
from pathlib import Path

import torch

from lipmodel.config import Network, Run, save_run
from lipmodel.inference.synthesis import chosen_checkpoint, load_generator
from lipmodel.networks.registry import build_networks
from lipmodel.training.checkpoint import save_checkpoint
from lipmodel.training.options import FitOptions, new_run
from lipmodel.training.run_folder import CHECKPOINTS

SMALLEST = Network(1 / 32, 1, 1, (1, 4, 4), (1, 3, 3))


def untrained(folder: Path, shards: Path, losses: dict[int, float | None], **options) -> Run:
    """Write a run of random networks smaller than tiny, and one checkpoint for every step and its validation loss."""
    _, run = new_run(FitOptions(shards=shards, out=folder, preset="tiny", **options))
    run = replace(run, network=SMALLEST)
    folder.mkdir()
    save_run(folder, run)
    for step, loss in losses.items():
        torch.manual_seed(step)
        save_checkpoint(folder / CHECKPOINTS, step, run.preset, build_networks(run), {}, loss)
    return run


def generator_of(folder: Path, run: Run, *, best: bool = False) -> torch.nn.Module:
    """The generator of a run's newest, or best, checkpoint."""
    return load_generator(chosen_checkpoint(folder, run, best=best)[0], run)
