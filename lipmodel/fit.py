"""The training run: its stages one after the other, each from where it stands."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from lightning_fabric import Fabric

from lipdata.errors import LipdataError
from lipmodel import config
from lipmodel.config import Run
from lipmodel.data import open_data, require_finite_mel
from lipmodel.folder import continued, newest
from lipmodel.learn import learn
from lipmodel.machine import start
from lipmodel.stages import autoencoder, flow, gan
from lipmodel.stages.stage import Stage

STAGES: dict[str, Callable[[Run, Fabric, Path], Stage]] = {
    flow.NAME: flow.FlowStage,
    autoencoder.NAME: autoencoder.AutoencoderStage,
    gan.NAME: gan.GanStage,
}
FLAGS = {flow.NAME: "--flow-steps", autoencoder.NAME: "--autoencoder-steps", gan.NAME: "--steps"}


def fit(folder: Path, run: Run, stages: Sequence[str] = tuple(STAGES)) -> bool:
    """Train ``run`` in ``folder``: every stage asked for that is not done, from its newest checkpoint.

    On a CPU the weights come out as if the run had never stopped.

    Returns:
        Whether this process is the first of those that learn together: the one that speaks to the user.

    Raises:
        LipdataError: no windows to learn from, a bad checkpoint, nothing left to do, or a loss that is not finite.
    """
    todo = _todo(folder, run, stages)
    data = open_data(run)
    if not any(newest(folder, name)[1] for name in STAGES):
        require_finite_mel(data)
    fabric = start(run)
    for name in todo:
        torch.manual_seed(run.seed)
        stage = STAGES[name](run, fabric, folder)
        first = continued(folder, run, stage)
        # Not before the first stage stands: a mistake leaves no folder behind, and a run's own as it was.
        if fabric.is_global_zero and name == todo[0]:
            folder.mkdir(parents=True, exist_ok=True)
            config.save(folder, run)
        try:
            learn(stage, folder, data, fabric, first)
            fabric.barrier()  # the next stage loads what the first process has saved
        except RuntimeError as error:
            if fabric.world_size == 1:
                raise
            # Where several learn, one that ends takes the exchange of gradients from the others.
            who = f"process {fabric.global_rank + 1} of {fabric.world_size}"
            raise LipdataError(f"{who} cannot go on, or another has ended: {' '.join(str(error).split())}") from error
    return bool(fabric.is_global_zero)


def _todo(folder: Path, run: Run, stages: Sequence[str]) -> list[str]:
    """The stages that are left to do, in order; all that would go wrong later is told now."""
    steps, begun = asdict(run.steps), {name: newest(folder, name)[1] for name in STAGES}
    todo = [name for name in STAGES if name in stages and begun[name] < steps[name]]
    if not todo:
        counts = ", ".join(f"{steps[name]} of {name}" for name in stages)
        flags = " or ".join(FLAGS[name] for name in stages)
        raise LipdataError(f"{folder} has done its steps: {counts}; ask for more with --resume {flags}")
    for name in (flow.NAME, autoencoder.NAME):
        if name in todo and begun[gan.NAME]:
            raise LipdataError(
                f"{FLAGS[name]} {steps[name]}: stage gan has begun on stage {name} as it is; leave it out"
            )
        if gan.NAME in todo and name not in todo and begun[name] < steps[name]:
            missing = f"{folder} has done {begun[name]} of {steps[name]} steps of stage {name}, which stage gan needs"
            raise LipdataError(f"{missing}; add {name} to --stages")
    return todo
