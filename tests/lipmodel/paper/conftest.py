"""Two variants, trained and measured alike."""

from pathlib import Path

import pytest

from lipmodel.paper.experiments import Experiment, run_experiment
from lipmodel.paper.tables import table_2
from lipmodel.training.options import FitOptions

STEPS = {"flow": 2, "autoencoder": 2, "gan": 3}
TWO = Experiment("table2", ("d", "e"), table_2)


def options_of(shards: Path, out: Path, **changes) -> FitOptions:
    """What all variants have in common."""
    return FitOptions(**{"shards": shards, "out": out, "preset": "tiny", "batch": 2, "steps": STEPS} | changes)


@pytest.fixture(scope="package")
def out(shards_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of variants d and e. Not to be changed."""
    out = tmp_path_factory.mktemp("experiments") / "out"
    run_experiment(TWO, options_of(shards_folder, out), split="val", say=lambda _: None)
    return out
