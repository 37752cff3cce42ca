"""A run of random weights, measured on real GRID clips."""

from dataclasses import replace
from pathlib import Path

import pytest

from lipdata.corpus.manifest import read_manifest, write_manifest
from lipmodel.evaluation.report import Evaluation
from lipmodel.evaluation.run import evaluate_run
from lipmodel.inference import load
from tests.lipmodel.untrained import untrained

TEST_CLIPS = ("s22/lbbc2a", "s23/priazn")


@pytest.fixture(scope="package")
def folder(grid_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of random weights on real GRID clips."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    untrained(folder, grid_shards, {6: 0.2})
    return folder


@pytest.fixture(scope="package")
def two_clips(grid_shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest whose split test has two clips of two speakers."""
    path = tmp_path_factory.mktemp("manifest") / "two.csv"
    rows = read_manifest(grid_shards / "manifest.csv")
    write_manifest(path, [replace(row, split="test" if row.clip_id in TEST_CLIPS else "train") for row in rows])
    return path


@pytest.fixture(scope="package")
def found(folder: Path, grid_shards: Path, two_clips: Path) -> Evaluation:
    """The evaluation of both clips by two processes; its files are in ``folder/first``."""
    return evaluate_run(load(folder), grid_shards, folder / "first", manifest=two_clips, workers=2)
