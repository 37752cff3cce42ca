"""Six real clips in three shards, made once without any disturbance."""

import shutil
from pathlib import Path

import pytest

from tests.lipdata.ingestion.disturb import CLIPS, run
from tests.lipdata.scripted_ffmpeg import scripted_ffmpeg


@pytest.fixture(scope="session")
def corpus(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six of the eight GRID clips. Not to be changed."""
    folder = tmp_path_factory.mktemp("corpus") / "corpus"
    for path in sorted(clips.glob("*/*.mpg"))[:CLIPS]:
        target = folder / path.relative_to(clips)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


@pytest.fixture(scope="session")
def pipeline(grid_toml: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GRID's pipeline with two clips a shard."""
    path = tmp_path_factory.mktemp("pipeline") / "pairs.toml"
    path.write_text(grid_toml.replace("clips = 64", "clips = 2"))
    return path


@pytest.fixture(scope="session")
def whole(corpus: Path, pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an undisturbed run with two workers makes. Not to be changed."""
    out = tmp_path_factory.mktemp("whole") / "shards"
    done = run(corpus, out, pipeline)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def slowed_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each clip takes half a second more: time to disturb it."""
    monkeypatch.setenv("LIPDATA_FFMPEG", str(scripted_ffmpeg(tmp_path, ".mpg", "sleep 0.5")))
