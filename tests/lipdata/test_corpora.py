import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lipdata.config import Pipeline
from lipdata.corpus.layouts import find_clips, with_sha256
from lipdata.corpus.manifest import ManifestRow
from lipdata.corpus.source import locate
from lipdata.errors import ClipError, LipdataError


def make(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(path.encode())


def test_grids_layouts(tmp_path: Path, setup: Pipeline) -> None:
    make(tmp_path, "s1/bbaf2n.mpg", "s2/video/mpg_6000/lwbz6p.mpg", "video/s33/prwa4n.mpg", "s1/align/bbaf2n.align")
    rows = find_clips(tmp_path, setup.corpus)
    assert rows == [
        ManifestRow("s1/bbaf2n", "s1", "train", "s1/bbaf2n.mpg", "", "bin blue at f two now"),
        ManifestRow("s2/lwbz6p", "s2", rows[1].split, "s2/video/mpg_6000/lwbz6p.mpg", "", "lay white by z six please"),
        ManifestRow("s33/prwa4n", "s33", "test", "video/s33/prwa4n.mpg", "", "place red with a four now"),
    ]


def test_a_split_does_not_depend_on_the_other_clips(tmp_path: Path, setup: Pipeline) -> None:
    names = [
        f"s{speaker}/bb{letter}f{digit}n.mpg" for speaker in (1, 2, 33) for letter in "aiw" for digit in "z123456789"
    ]
    make(tmp_path / "all", *names)
    make(tmp_path / "some", *names[::7])
    whole = {row.clip_id: row.split for row in find_clips(tmp_path / "all", setup.corpus)}
    part = {row.clip_id: row.split for row in find_clips(tmp_path / "some", setup.corpus)}
    assert set(whole.values()) == {"train", "val", "test"}
    assert part == {clip_id: whole[clip_id] for clip_id in part}


def test_a_corpus_of_its_own(tmp_path: Path, setup: Pipeline) -> None:
    layout = r"(?P<transcript>[A-Z]+)/(?P<split>train|val|test)/(?P<stem>[A-Z]+_\d+)\.mp4"
    rule = replace(setup.corpus, name="words", layout=layout, words=(), test_speakers=(), val_fraction=0.0)
    make(tmp_path, "ABOUT/val/ABOUT_00001.mp4")
    assert find_clips(tmp_path, rule) == [
        ManifestRow("words/ABOUT_00001", "words", "val", "ABOUT/val/ABOUT_00001.mp4", "", "ABOUT")
    ]


def test_nothing_found_says_what_was_looked_for(tmp_path: Path, setup: Pipeline) -> None:
    with pytest.raises(LipdataError, match="holds no clip of the layout 'grid' among 0 files"):
        find_clips(tmp_path, setup.corpus)
    make(tmp_path, "notes.txt", "s1/readme.md")
    with pytest.raises(LipdataError, match="among 2 files"):
        find_clips(tmp_path, setup.corpus)
    with pytest.raises(LipdataError, match="is no folder"):
        find_clips(tmp_path / "none", setup.corpus)


def test_one_clip_in_two_files_is_refused(tmp_path: Path, setup: Pipeline) -> None:
    make(tmp_path, "s1/bbaf2n.mpg", "s1/video/mpg_6000/bbaf2n.mpg")
    with pytest.raises(LipdataError, match=r"s1/bbaf2n stands 2 times \(s1/bbaf2n.mpg, s1/video/mpg_6000/bbaf2n.mpg\)"):
        find_clips(tmp_path, setup.corpus)


def test_a_link_may_not_leave_the_corpus(tmp_path: Path, setup: Pipeline) -> None:
    make(tmp_path / "outside", "secret.mpg")
    make(tmp_path / "corpus", "s1/bbaf2n.mpg")
    (tmp_path / "corpus/s1/bbaf4p.mpg").symlink_to(tmp_path / "outside/secret.mpg")
    (tmp_path / "corpus/s1/bbas1s.mpg").symlink_to(tmp_path / "corpus/s1/bbaf2n.mpg")
    inside, leaving, linked = find_clips(tmp_path / "corpus", setup.corpus)
    assert with_sha256(inside, tmp_path / "corpus").sha256 == with_sha256(linked, tmp_path / "corpus").sha256
    with pytest.raises(ClipError, match="leaves the corpus folder"):
        locate(leaving, tmp_path / "corpus")


def test_every_grid_clip_is_found(grid: Path, setup: Pipeline) -> None:
    rows = find_clips(grid, setup.corpus)
    assert len(rows) == len(list(grid.glob("*/*.mpg")))
    for row in rows:
        align = grid / row.speaker / "align" / f"{row.clip_id.split('/')[1]}.align"
        if align.exists():
            words = [line.split()[2] for line in align.read_text().splitlines()]
            assert row.transcript == " ".join(word for word in words if word not in ("sil", "sp"))


def test_the_sample_corpus_is_of_grids_layout(sample: Path, setup: Pipeline, tmp_path: Path) -> None:
    copy = tmp_path / "grid"
    shutil.copytree(sample, copy)
    rows = find_clips(copy, setup.corpus)
    assert [row.speaker for row in rows] == ["s1", "s1", "s2", "s33"]
    assert all(row.transcript for row in rows)
