"""Media files, without an ingest."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lipdata.errors import LipdataError
from lipdata.shards import read_sync
from lipmodel.sync.media import sync_media
from lipmodel.sync.network import load_sync


@pytest.fixture
def files(clips: Path, tmp_path: Path) -> list[Path]:
    """A real clip, and a file that is none."""
    good, bad = tmp_path / "good.mpg", tmp_path / "bad.mpg"
    shutil.copy(clips / "s23" / "priazn.mpg", good)
    bad.write_bytes(b"no video")
    return [good, bad]


def test_each_file_has_an_answer_or_a_reason(files, real_clips, tmp_path):
    found = sync_media(files, tmp_path / "out.csv", network=load_sync())
    good, bad = map(str, files)
    assert list(found.answers) == [good] and list(found.failed) == [bad]
    first, second, last = found.lines()
    assert first.startswith(f"{good}: sound ") and f"(offset_frames {found.answers[good].offset_frames:+.2f})" in first
    assert second.startswith(f"{bad}: failed: media: ") and last == load_sync().own_foreign().line()
    row = read_sync(tmp_path / "out.csv").iloc[0]
    stored = next(clip for clip in real_clips if clip.clip_id == "s23/priazn")
    assert (row.clip_id, row.sha256, row.n_frames) == ("good", stored.sha256, 75)
    assert row.offset_frames == pytest.approx(found.answers[good].offset_frames, abs=1e-4)


def test_mistakes_are_one_line(files, tmp_path):
    twice = [files[0], tmp_path / "other" / "good.mkv"]
    out = tmp_path / "out.csv"
    with pytest.raises(LipdataError, match="two files are called 'good'.*leave out -o"):
        sync_media(twice, out, network=load_sync())
    out.write_text("mine")
    with pytest.raises(LipdataError, match="out.csv is there already"):
        sync_media(files, out, network=load_sync())
    with pytest.raises(LipdataError, match="has no model card"):
        sync_media(files, network=replace(load_sync(), foreign=None))
    assert out.read_text() == "mine"
