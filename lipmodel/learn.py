"""The loop that every stage of a run goes through: read, step, log, measure, save."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from math import isfinite
from pathlib import Path

from lightning_fabric import Fabric

from lipdata.errors import LipdataError
from lipdata.files import remove_leftovers
from lipmodel import checkpoint
from lipmodel.config import Run
from lipmodel.data import Data
from lipmodel.folder import CHECKPOINTS, stage_folder
from lipmodel.journal import SAMPLES, Journal
from lipmodel.prefetch import read_ahead
from lipmodel.stages.stage import Stage
from lipmodel.stream import Batches, Windows
from lipmodel.tally import Tally
from lipmodel.watch import draw, validate


def learn(stage: Stage, folder: Path, data: Data, fabric: Fabric) -> None:
    """Take a stage from its newest checkpoint to its last step.

    Args:
        folder: of the run.

    Raises:
        LipdataError: too few windows for a batch, a bad checkpoint, or a loss that is not finite.
    """
    run, home = data.run, stage_folder(folder, stage.name)
    steps = getattr(run.steps, stage.name)
    first = _load_newest(home, run, stage)
    train, held_out = data.windows(run.split, stage.reads), data.windows("val", stage.reads)
    picks = Batches(len(train), batch=run.batch * fabric.world_size, seed=run.seed, first=first, end=steps)
    mine = (pick.share(fabric.global_rank, fabric.world_size) for pick in picks)
    _clean(home, fabric)
    tally = Tally(run.batch * fabric.world_size)
    with _journal(home, stage, first, steps, fabric) as journal:
        if journal:
            journal.say(_opening(stage, run, train, held_out, first, fabric))
        for step, batch in enumerate(tally.timed(read_ahead(train, mine, run.workers, fabric.device)), start=first + 1):
            tally.count(stage.step(batch))
            saving = step % run.checkpoint_every == 0 or step == steps
            if journal:
                journal.advance()
            if not saving and step % run.log_every:
                continue
            losses, pace = tally.take(fabric)
            _require_finite(losses, step, home)
            if journal:
                measured = validate(stage, held_out, run.batch, fabric.device) if saving else {}
                # Written before it is saved: a run killed between the two takes the line back, and none is missing.
                journal.write(step, losses | measured, pace)
                if saving:
                    judged = measured.get(stage.judged_by)
                    checkpoint.save(home / CHECKPOINTS, step, run.preset, stage.networks, stage.optimizers, judged)
                    journal.show(step, draw(stage, held_out if len(held_out) else train, fabric.device))


def _clean(home: Path, fabric: Fabric) -> None:
    if fabric.is_global_zero:
        home.mkdir(parents=True, exist_ok=True)
        for folder in (home, home / CHECKPOINTS, home / SAMPLES):
            remove_leftovers(folder)


def _load_newest(home: Path, run: Run, stage: Stage) -> int:
    newest = checkpoint.latest(home / CHECKPOINTS)
    if newest is None:
        return 0
    path, step = newest
    checkpoint.load_weights(path, run.preset, stage.networks)
    checkpoint.load_optimizers(path, run.preset, stage.networks, stage.optimizers)
    return step


def _journal(
    home: Path, stage: Stage, first: int, steps: int, fabric: Fabric
) -> AbstractContextManager[Journal | None]:
    """The first process writes, the others keep silent."""
    return Journal(home, stage.name, first=first, steps=steps) if fabric.is_global_zero else nullcontext()


def _opening(stage: Stage, run: Run, train: Windows, held_out: Windows, first: int, fabric: Fabric) -> str:
    n_weights = sum(parameter.numel() for network in stage.networks.values() for parameter in network.parameters())
    steps = f"steps {first + 1} to {getattr(run.steps, stage.name)} of {run.batch * fabric.world_size} windows"
    counts = f"{train.clips} clips, {len(train)} windows to learn from, {len(held_out)} of split val to measure on"
    return f"{stage.name}: {steps}; {n_weights / 1e6:.2f} million weights; {counts}"


def _require_finite(losses: Mapping[str, float], step: int, home: Path) -> None:
    for name, loss in losses.items():
        if not isfinite(loss):
            good = checkpoint.latest(home / CHECKPOINTS)
            last = f"the last good checkpoint is {good[0]}" if good else "there is no checkpoint yet"
            raise LipdataError(
                f"step {step}: loss {name} is {loss}; {last}; try --precision 32 with a new run, or look at the data"
            )
