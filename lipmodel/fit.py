"""The training run: open the data, build the generator, take steps, write down what happened."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from torch.optim import Adam, Optimizer
from torch.utils.data import DataLoader

from lipdata import manifest
from lipdata.errors import LipdataError
from lipdata.shards import open_folder
from lipmodel import checkpoint, config
from lipmodel.config import Run
from lipmodel.journal import Journal
from lipmodel.networks.generator import Generator
from lipmodel.step import take_step
from lipmodel.stream import Batches, Windows, clip_ids, on, require_windows
from lipmodel.watch import validate, write_samples

CHECKPOINTS = "checkpoints"


def fit(folder: Path, run: Run, *, resume: bool) -> None:
    """Train ``run`` in ``folder`` up to its last step.

    Args:
        resume: go on from the newest checkpoint; the weights come out as if the run had never stopped.

    Raises:
        LipdataError: no windows to learn from, a bad checkpoint, nothing left to do, or a loss that is not finite.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train, held_out = open_data(run)
    torch.manual_seed(run.seed)
    generator = Generator(run.network).to(device)
    optimizer = adam(generator, run)
    networks, optimizers = {"generator": generator}, {"generator": optimizer}

    first = load_newest(folder, run, networks, optimizers) if resume else 0
    if first >= run.steps:
        raise LipdataError(f"{folder} has done its {first} steps; ask for more with --resume --steps {2 * first}")
    picks = Batches(len(train), batch=run.batch, seed=run.seed, first=first, end=run.steps)
    batches = DataLoader(
        train, sampler=picks, batch_size=None, num_workers=run.workers, pin_memory=device.type == "cuda"
    )
    folder.mkdir(parents=True, exist_ok=True)
    config.save(folder, run)

    with Journal(folder, first=first, steps=run.steps, batch=run.batch) as journal:
        for line in opening(run, device, train, held_out, first):
            journal.say(line)
        for step, batch in enumerate(journal.timed(batches), start=first + 1):
            losses = take_step(generator, optimizer, on(device, batch), run.loss_weights, precision=run.precision)
            journal.count(losses)
            saving = step % run.checkpoint_every == 0 or step == run.steps
            if saving:
                measured = validate(generator, held_out, run.batch) if len(held_out) else {}
                journal.log(step, measured)
                checkpoint.save(folder / CHECKPOINTS, step, run.preset, networks, optimizers)
                write_samples(folder / "samples" / f"step-{step}.png", generator, held_out if len(held_out) else train)
            elif step % run.log_every == 0:
                journal.log(step, {})


def open_data(run: Run) -> tuple[Windows, Windows]:
    """The windows to learn from, and those of split ``val``, of which there may be none."""
    shards, rows = open_folder(Path(run.shards)), manifest.read(Path(run.manifest))
    train, held_out = (
        Windows(shards, clip_ids(rows, split), frames=run.window_frames, stride=run.window_stride)
        for split in (run.split, "val")
    )
    require_windows(train, rows, run.split)
    return train, held_out


def adam(network: nn.Module, run: Run) -> Optimizer:
    """Adam with the run's numbers."""
    numbers = run.adam
    betas = (numbers.beta_1, numbers.beta_2)
    return Adam(network.parameters(), numbers.learning_rate, betas, weight_decay=numbers.weight_decay)


def load_newest(folder: Path, run: Run, networks: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]) -> int:
    """Load the newest checkpoint, where there is one, and tell after how many steps it was written; else 0."""
    newest = checkpoint.latest(folder / CHECKPOINTS)
    if newest is None:
        return 0
    path, step = newest
    checkpoint.load_weights(path, run.preset, networks)
    checkpoint.load_optimizers(path, run.preset, networks, optimizers)
    return step


def opening(run: Run, device: torch.device, train: Windows, held_out: Windows, first: int) -> list[str]:
    """What the user should know before the first step."""
    lines = [
        f"preset {run.preset} on {device} in {run.precision}, steps {first + 1} to {run.steps} of {run.batch} windows",
        f"{train.clips} clips, {len(train)} windows to learn from; {len(held_out)} windows of split val to measure on",
    ]
    if train.short_clips:
        lines.append(f"{train.short_clips} clips have fewer than {run.window_frames} frames and give no windows")
    return lines
