"""The training run: its stages one after the other, each from where it stands."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from lipdata.errors import LipdataError
from lipmodel.config import Run, save_run
from lipmodel.data import open_run_data, require_finite_mel
from lipmodel.training.device import launch
from lipmodel.training.loop import run_stage
from lipmodel.training.options import FitOptions, new_run, require_known, resumed_run
from lipmodel.training.run_folder import load_newest, newest_weights
from lipmodel.training.stages.autoencoder import AUTOENCODER, AutoencoderStage
from lipmodel.training.stages.flow import FLOW, FlowStage
from lipmodel.training.stages.gan import GAN, GanStage
from lipmodel.training.stages.stage import Stage
from lipmodel.training.stages.sync import SYNC, SyncStage
from lipmodel.variants import VARIANTS

STAGES: dict[str, Callable[[Run, Fabric, Path], Stage]] = {
    FLOW: FlowStage,
    AUTOENCODER: AutoencoderStage,
    GAN: GanStage,
    SYNC: SyncStage,
}
FLAGS = {FLOW: "--flow-steps", AUTOENCODER: "--autoencoder-steps", GAN: "--steps", SYNC: "--steps"}


def train(folder: Path, run: Run, stages: Sequence[str] | None = None) -> bool:
    """Train ``run`` in ``folder``: every stage asked for that is not done, from its newest checkpoint.

    Args:
        stages: some of the variant's; None for all.

    On a CPU the weights come out as if the run had never stopped.

    Returns:
        Whether this process is the first of those that learn together: the one that speaks to the user.

    Raises:
        LipdataError: no windows to learn from, a bad checkpoint, nothing left to do, or a loss that is not finite.
    """
    todo = _todo(folder, run, VARIANTS[run.variant].stages if stages is None else stages)
    data = open_run_data(run)
    if not any(newest_weights(folder, name)[1] for name in STAGES):
        require_finite_mel(data)
    fabric = launch(run)
    for name in todo:
        torch.manual_seed(run.seed)
        stage = STAGES[name](run, fabric, folder)
        first = load_newest(folder, run, stage)
        # Not before the first stage stands: a mistake leaves no folder behind, and a run's own as it was.
        if fabric.is_global_zero and name == todo[0]:
            folder.mkdir(parents=True, exist_ok=True)
            save_run(folder, run)
        try:
            run_stage(stage, folder, data, fabric, first)
            fabric.barrier()  # the next stage loads what the first process has saved
        except RuntimeError as error:
            if fabric.world_size == 1:
                raise
            # Where several learn, one that ends takes the exchange of gradients from the others.
            who = f"process {fabric.global_rank + 1} of {fabric.world_size}"
            raise LipdataError(f"{who} cannot go on, or another has ended: {' '.join(str(error).split())}") from error
    return bool(fabric.is_global_zero)


def _todo(folder: Path, run: Run, stages: Sequence[str]) -> list[str]:
    """The stages that are left to do, in order; all that would go wrong later is refused now."""
    require_known(f"variant {run.variant} has no stage", stages, VARIANTS[run.variant].stages)
    steps, begun = asdict(run.steps), {name: newest_weights(folder, name)[1] for name in STAGES}
    todo = [name for name in STAGES if name in stages and begun[name] < steps[name]]
    if not todo:
        counts = ", ".join(f"{steps[name]} of {name}" for name in stages)
        flags = " or ".join(FLAGS[name] for name in stages)
        raise LipdataError(f"{folder} has done its steps: {counts}; ask for more with --resume {flags}")
    for name in (FLOW, AUTOENCODER):
        if name in todo and begun[GAN]:
            raise LipdataError(
                f"{FLAGS[name]} {steps[name]}: stage gan has begun on stage {name} as it is; leave it out"
            )
        if GAN in todo and name not in todo and begun[name] < steps[name]:
            missing = f"{folder} has done {begun[name]} of {steps[name]} steps of stage {name}, which stage gan needs"
            raise LipdataError(f"{missing}; add {name} to --stages")
    return todo


def fit(
    shards: Path | str,
    out: Path | str | None = None,
    *,
    stages: Sequence[str] | None = None,
    resume: bool = False,
    **options: Any,
) -> Path | None:
    """Train on a shard folder, every stage of the variant that is not done: FlowNet, the autoencoder, the GAN.

    Args:
        out: the run folder; None for ``runs/SHARDS-PRESET``.
        stages: some of the variant's, as ``flow``, ``autoencoder`` and ``gan``; None for all.
        resume: go on from the newest checkpoints.
        options: fields of :class:`FitOptions`: ``preset="tiny"``, ``variant="d"``, ``steps={"gan": 400}``, ...

    Returns:
        The run folder; None in the processes beside the first, where several devices learn together.

    Raises:
        LipdataError: as of :func:`new_run`, :func:`resumed_run` and :func:`train`.
    """
    asked = FitOptions(shards=Path(shards), out=None if out is None else Path(out), **options)
    folder, run = resumed_run(asked) if resume else new_run(asked)
    return folder if train(folder, run, stages) else None
