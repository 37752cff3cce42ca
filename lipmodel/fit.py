"""The training run: its stages one after the other, each from where it stands."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from lightning_fabric import Fabric

from lipdata.errors import LipdataError
from lipmodel import config
from lipmodel.config import Run
from lipmodel.data import open_data
from lipmodel.folder import steps_done
from lipmodel.learn import learn
from lipmodel.machine import start
from lipmodel.stages import autoencoder, flow, gan
from lipmodel.stages.stage import Stage

STAGES: dict[str, Callable[[Run, Fabric, Path], Stage]] = {
    flow.NAME: lambda run, fabric, _: flow.FlowStage(run, fabric),
    autoencoder.NAME: lambda run, fabric, _: autoencoder.AutoencoderStage(run, fabric),
    gan.NAME: gan.GanStage,
}


def fit(folder: Path, run: Run, stages: Sequence[str] = tuple(STAGES)) -> bool:
    """Train ``run`` in ``folder``: every stage asked for that is not done, from its newest checkpoint.

    On a CPU the weights come out as if the run had never stopped.

    Returns:
        Whether this process is the first of those that learn together: the one that speaks to the user.

    Raises:
        LipdataError: no windows to learn from, a bad checkpoint, nothing left to do, or a loss that is not finite.
    """
    todo = [name for name in STAGES if name in stages and steps_done(folder, name) < getattr(run.steps, name)]
    if not todo:
        counts = ", ".join(f"{getattr(run.steps, name)} of {name}" for name in stages)
        raise LipdataError(f"{folder} has done its steps: {counts}; ask for more with --resume --steps N")
    data, fabric = open_data(run), start(run)
    for name in todo:
        torch.manual_seed(run.seed)
        stage = STAGES[name](run, fabric, folder)
        # Not before the first stage stands: a mistake leaves no folder behind.
        if fabric.is_global_zero and name == todo[0]:
            folder.mkdir(parents=True, exist_ok=True)
            config.save(folder, run)
        learn(stage, folder, data, fabric)
        fabric.barrier()
    return bool(fabric.is_global_zero)
