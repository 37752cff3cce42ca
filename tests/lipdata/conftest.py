"""Shards of the synthetic corpus, made once for all tests that only read."""

import shutil
from pathlib import Path

import pytest

from tests.lipdata.command_line import lipdata

GRID_TOML = Path(__file__).parents[2] / "pipelines" / "grid.toml"


@pytest.fixture(scope="session")
def made(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``lipdata ingest -j 2`` makes of the synthetic corpus and a text file in it. Not to be changed.

    Five clips found: four are ok, t2/text failed. One shard.
    """
    folder = tmp_path_factory.mktemp("made")
    corpus = Path(shutil.copytree(sample, folder / "corpus"))
    (corpus / "t2" / "text.mpg").write_text("no film at all")
    ran = lipdata("ingest", corpus, "-o", folder / "shards", "-j", 2, "--max-failed", 1)
    assert ran.returncode == 0, ran.stderr
    assert "found 5 = ok 4 + failed 1" in ran.stdout
    assert ran.stdout.splitlines()[-1] == f"next: lipmodel fit {folder / 'shards'}"
    assert "5/5 clips, 1 failed" in ran.stderr
    return folder / "shards"


@pytest.fixture
def copy_of_made(made: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


@pytest.fixture(scope="session")
def grid_toml() -> str:
    """The text of the pipeline ``grid``."""
    return GRID_TOML.read_text()
