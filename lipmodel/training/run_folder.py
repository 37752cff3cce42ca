"""Where a run's stages keep what they have learnt."""

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from lipdata.errors import LipdataError
from lipmodel.config import Run
from lipmodel.training.checkpoint import latest_checkpoint, load_optimizers, load_weights
from lipmodel.training.stages.stage import Stage
from lipmodel.variants import VARIANTS

CHECKPOINTS = "checkpoints"
LAST_STAGES = {variant.stages[-1] for variant in VARIANTS.values()}


def stage_folder(folder: Path, name: str) -> Path:
    """The folder of a stage's checkpoints, metrics and pictures; a variant's last stage has the run's folder itself."""
    return folder if name in LAST_STAGES else folder / name


def newest_weights(folder: Path, name: str) -> tuple[Path | None, int]:
    """A stage's newest weights, and how many steps they have behind them; None and 0 before the first."""
    return latest_checkpoint(stage_folder(folder, name) / CHECKPOINTS) or (None, 0)


def load_newest(folder: Path, run: Run, stage: Stage) -> int:
    """Load a stage's newest checkpoint, where there is one; after how many steps it was written, else 0.

    Raises:
        LipdataError: it cannot be read, or is not of this run.
    """
    path, step = newest_weights(folder, stage.name)
    if path is not None:
        load_weights(path, run.preset, stage.networks)
        load_optimizers(path, run.preset, stage.networks, stage.optimizers)
    return step


def load_finished(folder: Path, run: Run, name: str, networks: Mapping[str, nn.Module]) -> None:
    """Put into ``networks`` what the stage ``name`` has learnt.

    Raises:
        LipdataError: it has left no checkpoint, or one that does not fit.
    """
    path, _ = newest_weights(folder, name)
    if path is None:
        raise LipdataError(f"{folder} has no checkpoint of stage {name}; train it with --stages {name}")
    load_weights(path, run.preset, networks)
