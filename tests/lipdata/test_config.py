"""Pipeline files: read, checked, and their digest."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lipdata.config import Pipeline, load_pipeline, pipeline_from_json
from lipdata.errors import LipdataError


def test_grid_has_the_numbers_of_the_paper(setup: Pipeline) -> None:
    assert (setup.video.fps, setup.video.size_px, setup.mel.n_mels, setup.mel.sample_rate_hz) == (25, 64, 128, 44100)


def test_json_and_back(setup: Pipeline) -> None:
    assert pipeline_from_json(setup.to_json()) == setup


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("fps = 25", "fps = 25\nfsp = 30", "unknown key video.fsp; allowed: video.fps"),
        ("fps = 25", "", "key video.fps is missing"),
        ("fps = 25", 'fps = "25"', "video.fps: got '25', allowed: a value of type int"),
        ("fps = 25", "fps = true", "video.fps: got True"),
        ("fps = 25", "fps = 24", "mel.sample_rate_hz: got 44100, allowed: a multiple of video.fps 24"),
        ("smooth_frames = 9 ", "smooth_frames = 8 ", "lips.smooth_frames: got 8, allowed: an odd number from 1"),
        ("(?P<stem>", "(?P<name>", "corpus.layout"),
        ("[video]", "[video", "is no TOML"),
        ("winsize = 15", "winsize = -5", "flow.winsize: got -5, allowed: 1 to 255"),
        ("poly_sigma = 1.2", "poly_sigma = nan", "flow.poly_sigma: got nan"),
        ("n_mels = 128", "n_mels = 1000000000", "mel.n_mels"),
        ("val_fraction = 0.1", "val_fraction = 1.0", "corpus.val_fraction: got 1.0"),
        ("clips = 64", 'clips = 64\nfeatures = ["frames"]', "shards.features: got 'frames', allowed: other names than"),
        ("clips = 64", 'clips = 64\nfeatures = ["Mel/../x"]', "shards.features: got 'Mel/../x', allowed: names in"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, grid_toml: str, old: str, new: str, error: str) -> None:
    path = tmp_path / "mine.toml"
    assert old in grid_toml
    path.write_text(grid_toml.replace(old, new, 1))
    with pytest.raises(LipdataError, match=re.escape(error)) as raised:
        load_pipeline(str(path))
    assert "\n" not in str(raised.value)


def test_no_such_pipeline() -> None:
    with pytest.raises(LipdataError, match="no pipeline 'gird'; give a .toml file or one of: grid"):
        load_pipeline("gird")


def test_the_digest_depends_on_what_shapes_the_data_and_nothing_else(setup: Pipeline) -> None:
    split = replace(setup, corpus=replace(setup.corpus, test_speakers=("s1",), layout="(?P<stem>.*)"))
    hop = replace(setup, mel=replace(setup.mel, hop=256))
    assert setup.digest("a") == split.digest("a")
    assert len({setup.digest("a"), setup.digest("b"), hop.digest("a")}) == 3
