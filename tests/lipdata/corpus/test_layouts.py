"""A corpus folder -> manifest rows, by the layout of its pipeline; and the media files that fit no layout."""

from dataclasses import replace
from pathlib import Path

import pytest

from lipdata.config import Pipeline
from lipdata.corpus import ManifestRow, locate, read_manifest, scan_corpus, with_sha256
from lipdata.errors import ClipError, LipdataError


def make(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(path.encode())


def test_grids_layouts(tmp_path: Path, setup: Pipeline) -> None:
    make(tmp_path, "s1/bbaf2n.mpg", "s2/video/mpg_6000/lwbz6p.mpg", "video/s33/prwa4n.mpg", "s1/align/bbaf2n.align")
    rows = scan_corpus(tmp_path, setup.corpus).rows
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
    whole = {row.clip_id: row.split for row in scan_corpus(tmp_path / "all", setup.corpus).rows}
    part = {row.clip_id: row.split for row in scan_corpus(tmp_path / "some", setup.corpus).rows}
    assert set(whole.values()) == {"train", "val", "test"}
    assert part == {clip_id: whole[clip_id] for clip_id in part}


def test_a_corpus_of_its_own(tmp_path: Path, setup: Pipeline) -> None:
    layout = r"(?P<transcript>[A-Z]+)/(?P<split>train|val|test)/(?P<stem>[A-Z]+_\d+)\.mp4"
    rule = replace(setup.corpus, name="words", layout=layout, words=(), test_speakers=(), val_fraction=0.0)
    make(tmp_path, "ABOUT/val/ABOUT_00001.mp4")
    assert scan_corpus(tmp_path, rule).rows == [
        ManifestRow("ABOUT_00001", "", "val", "ABOUT/val/ABOUT_00001.mp4", "", "ABOUT")
    ]


def test_media_files_of_no_layout_are_listed(tmp_path: Path, setup: Pipeline) -> None:
    make(tmp_path, "s1/bbaf2n.mpg", "s1/bbaf2n.wav", "s1/notes.txt", "s1/deep/er/bbaf4p.mpg", "B.MP4", ".hid.mkv", "z")
    scan = scan_corpus(tmp_path, setup.corpus)
    assert [row.path for row in scan.rows] == ["s1/bbaf2n.mpg"]
    assert scan.unmatched == [".hid.mkv", "B.MP4", "s1/bbaf2n.wav", "s1/deep/er/bbaf4p.mpg"]
    assert scan.lines() == [
        "1 clips (train 1)",
        "unmatched 4 media files fit no layout: .hid.mkv, B.MP4, s1/bbaf2n.wav, ...",
    ]


@pytest.mark.parametrize("stem", ["my clip", "video_2025", "BBAF2N", "bbaf2n-1", "ü 唇", "a.b"])
def test_an_odd_stem_is_a_clip_without_a_transcript(tmp_path: Path, setup: Pipeline, stem: str) -> None:
    make(tmp_path, f"s1/{stem}.mpg")
    (row,) = scan_corpus(tmp_path, setup.corpus).rows
    assert (row.clip_id, row.speaker, row.transcript) == (f"s1/{stem}", "s1", "")


def test_nothing_found_says_what_was_looked_for(tmp_path: Path, setup: Pipeline) -> None:
    with pytest.raises(LipdataError, match="holds no clip of the layout 'grid' among 0 files"):
        scan_corpus(tmp_path, setup.corpus)
    make(tmp_path, "notes.txt", "s1/readme.md")
    with pytest.raises(LipdataError, match="among 2 files"):
        scan_corpus(tmp_path, setup.corpus)
    with pytest.raises(LipdataError, match="is no folder"):
        scan_corpus(tmp_path / "none", setup.corpus)


def test_one_clip_in_two_files_is_refused(tmp_path: Path, setup: Pipeline) -> None:
    make(tmp_path, "s1/bbaf2n.mpg", "s1/video/mpg_6000/bbaf2n.mpg")
    with pytest.raises(LipdataError, match=r"s1/bbaf2n stands 2 times \(s1/bbaf2n.mpg, s1/video/mpg_6000/bbaf2n.mpg\)"):
        scan_corpus(tmp_path, setup.corpus)


def test_a_link_may_not_leave_the_corpus(tmp_path: Path, setup: Pipeline) -> None:
    make(tmp_path / "outside", "secret.mpg")
    make(tmp_path / "corpus", "s1/bbaf2n.mpg")
    (tmp_path / "corpus/s1/bbaf4p.mpg").symlink_to(tmp_path / "outside/secret.mpg")
    (tmp_path / "corpus/s1/bbas1s.mpg").symlink_to(tmp_path / "corpus/s1/bbaf2n.mpg")
    inside, leaving, linked = scan_corpus(tmp_path / "corpus", setup.corpus).rows
    assert with_sha256(inside, tmp_path / "corpus").sha256 == with_sha256(linked, tmp_path / "corpus").sha256
    with pytest.raises(ClipError, match="leaves the corpus folder"):
        locate(leaving, tmp_path / "corpus")


def test_the_clips_of_the_package_are_found_with_their_words(clips: Path, setup: Pipeline) -> None:
    scan = scan_corpus(clips, setup.corpus)
    assert scan.unmatched == []
    wanted = {row.clip_id: row for row in read_manifest(clips / "manifest.csv")}
    assert [row.clip_id for row in scan.rows] == list(wanted)
    for row in scan.rows:
        assert (row.path, row.transcript) == (wanted[row.clip_id].path, wanted[row.clip_id].transcript)
        assert with_sha256(row, clips).sha256 == wanted[row.clip_id].sha256
        assert row.transcript == words_of(clips, row)


@pytest.mark.slow
def test_every_grid_clip_is_found(grid: Path, setup: Pipeline) -> None:
    rows = scan_corpus(grid, setup.corpus).rows
    assert len(rows) == len(list(grid.glob("*/*.mpg")))
    with_words = [row for row in rows if align_of(grid, row).exists()]
    assert with_words and all(row.transcript == words_of(grid, row) for row in with_words)


def align_of(corpus: Path, row: ManifestRow) -> Path:
    return (corpus / row.path).parent / "align" / f"{Path(row.path).stem}.align"


def words_of(corpus: Path, row: ManifestRow) -> str:
    """The sentence by the corpus' own word times."""
    words = [line.split()[2] for line in align_of(corpus, row).read_text().splitlines()]
    return " ".join(word for word in words if word not in ("sil", "sp"))


def test_the_synthetic_corpus_is_of_grids_layout(sample: Path, setup: Pipeline) -> None:
    rows = scan_corpus(sample, setup.corpus).rows
    assert [row.speaker for row in rows] == ["t1", "t1", "t2", "t3"]
    assert all(row.transcript for row in rows)
