"""lipmodel sync."""

import shutil

import pytest

from lipdata.shards import read_sync
from lipmodel.sync import load_sync
from tests.lipmodel.cli.calls import call, fails


def test_help_says_what_the_sign_means():
    done = call("sync", "--help")
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    for part in ("positive where the mouth moves before its sound", "120 ms late", "--media", "lipmodel sync shards"):
        assert part in text


def test_a_folder_of_shards(grid_shards, tmp_path):
    out = tmp_path / "sync.csv"
    done = call("sync", grid_shards, "-o", out, "-j", 1)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith("sync.csv: 8 clips answered") and lines[1].startswith("offset_frames: median ")
    assert lines[2] == "8 clips to compare, at least 10 wanted: confidence_sd by the model card's pairs"
    assert lines[3] == load_sync().own_foreign().line()
    assert lines[4:] == [f"each clip: {out}", f"next: lipdata report {grid_shards} -o report.html"]
    assert len(read_sync(out)) == 8
    fails(call("sync", grid_shards, "-o", out), "sync.csv is there already", "--overwrite")
    assert call("sync", grid_shards, "-o", out, "-j", 1, "--overwrite").exit_code == 0


def test_media_files(clips, tmp_path):
    good, bad = clips / "s23" / "priazn.mpg", tmp_path / "bad.mpg"
    bad.write_bytes(b"no video")
    done = call("sync", "--media", good)
    assert done.exit_code == 0 and done.stdout.startswith(f"{good}: sound ")
    done = call("sync", "--media", bad, good, "-o", tmp_path / "out.csv")
    assert done.exit_code == 1 and f"{bad}: failed: " in done.stdout and len(read_sync(tmp_path / "out.csv")) == 1


def test_mistakes_of_sync(grid_shards, tmp_path, random_run):
    fails(call("sync", tmp_path), "holds no shards")
    fails(call("sync", tmp_path / "none"), "is no folder")
    fails(call("sync", grid_shards, "--run", tmp_path), "is no run folder")
    fails(call("sync", grid_shards, "--run", random_run), "is of variant e", "fit --variant sync")
    assert call("sync", grid_shards, grid_shards).exit_code == 2
    assert "give one, or media files with --media" in call("sync", grid_shards, grid_shards).stderr
    assert call("sync").exit_code == 2


@pytest.mark.slow
def test_a_folder_in_which_nothing_can_be_written(grid_shards, tmp_path):
    """The lock and what is measured lie beside the table."""
    shards = shutil.copytree(grid_shards, tmp_path / "shards")
    (shards / ".sync.csv.measured").write_text("in the way")
    fails(call("sync", shards), "cannot be written to")
