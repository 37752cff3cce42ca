"""The eight real clips that ship with lipdata: as the manifest says, with licence and word times."""

import re
from pathlib import Path

import pytest

from lipdata.corpus import locate, read_manifest
from lipdata.errors import LipdataError
from lipdata.samples import write_grid_clips
from lipdata.shards import ShardFolder


def test_the_manifest_names_every_clip_by_its_content(clips: Path) -> None:
    rows = read_manifest(clips / "manifest.csv")
    assert sorted(row.path for row in rows) == sorted(
        path.relative_to(clips).as_posix() for path in clips.glob("*/*.mpg")
    )
    assert all(locate(row, clips).sha256 == row.sha256 for row in rows)
    assert {row.speaker: row.split for row in rows} == {
        "s1": "train",
        "s2": "train",
        "s22": "test",
        "s23": "test",
        "s26": "val",
        "s4": "train",
    }
    assert "CC BY 4.0" in (clips / "README.md").read_text()


def test_every_clip_is_ok_and_speaks_in_its_words(clips: Path, grid_shards: Path) -> None:
    shards = ShardFolder(grid_shards)
    assert len(shards) == 8
    for clip_id, clip in shards.items():
        speaker, stem = clip_id.split("/")
        words = [line.split() for line in (clips / speaker / "align" / f"{stem}.align").read_text().splitlines()]
        start, end = (int(words[1][0]) // 1000, int(words[-2][1]) // 1000)  # ticks of 1/25000 s -> frames
        loud = clip.mel.max(2).mean(1)
        assert loud[start:end].mean() > loud[: start - 2].mean() + 6, clip_id


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(LipdataError, match="is not empty; nothing is overwritten: name another folder"):
        write_grid_clips(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_clip_that_make_demo_names_is_there_with_its_words(clips: Path) -> None:
    makefile = (Path(__file__).parents[3] / "Makefile").read_text()
    named = re.search(r"--audio demo/grid/(\w+/\w+)\.mpg", makefile)
    words = re.search(r'says \\"([a-z ]+)\\"', makefile)
    assert named and words
    assert {row.clip_id: row.transcript for row in read_manifest(clips / "manifest.csv")}[named[1]] == words[1]
