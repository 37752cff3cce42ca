"""A corpus of six clips in three shards, made once without any disturbance."""

import os
from pathlib import Path

import pytest

from lipdata.samples.synthetic_corpus import write_synthetic_corpus
from tests.lipdata.disturb import CLIPS, deadly_ffmpeg, run


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "corpus"
    write_synthetic_corpus(folder, CLIPS)
    return folder


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips a shard."""
    grid = (Path(__file__).parents[2] / "pipelines" / "grid.toml").read_text()
    path = tmp_path_factory.mktemp("pipeline") / "pairs.toml"
    path.write_text(grid.replace("clips = 64", "clips = 2"))
    return path


@pytest.fixture(scope="session")
def whole(corpus: Path, pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an undisturbed run makes."""
    out = tmp_path_factory.mktemp("whole") / "shards"
    done = run(corpus, out, pipeline)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def unhurried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second more for each clip: time to disturb it."""
    monkeypatch.setenv("PATH", f"{deadly_ffmpeg(tmp_path, '.mpg', 'sleep 0.5')}:{os.environ['PATH']}")
