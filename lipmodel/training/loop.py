"""The loop that every stage of a run goes through: read, step, log, measure, save."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import isfinite
from pathlib import Path
from statistics import fmean

import torch
from lightning_fabric import Fabric

from lipdata.atomic_files import remove_partial_files
from lipdata.errors import LipdataError
from lipmodel.config import Run
from lipmodel.data import BatchSampler, RunData, WindowDataset, read_ahead
from lipmodel.training.checkpoint import latest_checkpoint, save_checkpoint
from lipmodel.training.logger import SAMPLES, TrainingLogger
from lipmodel.training.loss_meter import LossMeter
from lipmodel.training.run_folder import CHECKPOINTS, stage_folder
from lipmodel.training.stages.stage import Stage
from lipmodel.training.validation import draw_samples, validate


def run_stage(stage: Stage, folder: Path, data: RunData, fabric: Fabric, first: int) -> None:
    """Take a stage to its last step.

    Args:
        folder: of the run.
        first: steps that it has behind it.

    Raises:
        LipdataError: a loss, a measure or a weight that is not finite.
    """
    run, home = data.run, stage_folder(folder, stage.name)
    steps = getattr(run.steps, stage.name)
    train, held_out = data.windows(run.split, stage.reads), data.windows("val", stage.reads)
    indices = BatchSampler(
        len(train),
        batch=run.batch * fabric.world_size,
        seed=run.seed,
        first=first,
        end=steps,
        chances=train.chances(stage.balance),
    )
    mine = (index.share(fabric.global_rank, fabric.world_size) for index in indices)
    _clean(home, fabric)
    meter = LossMeter(run.batch * fabric.world_size)
    with _logger(home, stage, first, steps, fabric) as logger:
        if logger:
            logger.say(_opening(stage, run, train, held_out, first, fabric))
        for step, batch in enumerate(meter.timed(read_ahead(train, mine, run.workers, fabric.device)), start=first + 1):
            meter.count(stage.step(batch, step))
            saving = step % run.checkpoint_every == 0 or step == steps
            if logger:
                logger.advance()
            if not saving and step % run.log_every:
                continue
            losses, pace = meter.take(fabric)
            _require_finite(losses, step, home)
            if saving:
                _require_finite_weights(stage, step, home)
            if logger:
                measured = validate(stage, held_out, run.batch, fabric.device) if saving else {}
                # Written and drawn before it is saved: what a kill leaves unsaved is done again, nothing is missing.
                logger.write(step, {name: fmean(each) for name, each in losses.items()} | measured, pace)
                if saving:
                    logger.show(step, draw_samples(stage, held_out if len(held_out) else train, fabric.device))
                    validation = measured.get(stage.selected_by)
                    save_checkpoint(home / CHECKPOINTS, step, run.preset, stage.networks, stage.optimizers, validation)


def _clean(home: Path, fabric: Fabric) -> None:
    if fabric.is_global_zero:
        home.mkdir(parents=True, exist_ok=True)
        for folder in (home, home / CHECKPOINTS, home / SAMPLES):
            remove_partial_files(folder)


def _logger(
    home: Path, stage: Stage, first: int, steps: int, fabric: Fabric
) -> AbstractContextManager[TrainingLogger | None]:
    """The first process writes, the others keep silent."""
    return TrainingLogger(home, stage.name, first=first, steps=steps) if fabric.is_global_zero else nullcontext()


def _opening(stage: Stage, run: Run, train: WindowDataset, held_out: WindowDataset, first: int, fabric: Fabric) -> str:
    n_weights = sum(parameter.numel() for network in stage.networks.values() for parameter in network.parameters())
    steps = f"steps {first + 1} to {getattr(run.steps, stage.name)} of {run.batch * fabric.world_size} windows"
    counts = f"{train.clips} clips, {len(train)} windows to learn from, {len(held_out)} of split val to measure on"
    return f"{stage.name}: {steps}; {n_weights / 1e6:.2f} million weights; {counts}"


def _require_finite(losses: Mapping[str, Sequence[float]], step: int, home: Path) -> None:
    """Refuse the first loss that is no number; the last value of each is that of ``step``."""
    n_steps = len(next(iter(losses.values())))
    for at in range(n_steps):
        for name, each in losses.items():
            if not isfinite(each[at]):
                raise LipdataError(f"step {step - n_steps + 1 + at}: loss {name} is {each[at]}; {_ways_out(home)}")


def _require_finite_weights(stage: Stage, step: int, home: Path) -> None:
    """Losses are those from before a step: they do not show what it has done to the weights."""
    for name, network in stage.networks.items():
        finite = torch.stack([weights.isfinite().all() for weights in network.parameters()]).all()
        if not finite.item():
            raise LipdataError(f"step {step}: weights of the {name} are no longer finite; {_ways_out(home)}")


def _ways_out(home: Path) -> str:
    good = latest_checkpoint(home / CHECKPOINTS)
    last = f"the last good checkpoint is {good[0]}" if good else "there is no checkpoint yet"
    return f"{last}; look at the data, or begin a new run with --precision 32 or smaller weights of losses"
