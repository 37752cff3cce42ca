"""``lipdata.ingest``, ``lipdata.open`` and ``lipdata.load_clip``: the Python API on real clips."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lipdata as api
from lipdata.shards.schema import PER_CLIP, per_frame


@pytest.mark.parametrize("clip_id", ["s1/bbaf2n", "s23/priazn"])
def test_load_clip_gives_what_the_shard_holds(clips: Path, grid_shards: Path, clip_id: str) -> None:
    loaded, stored = api.load_clip(clips / f"{clip_id}.mpg"), api.open(grid_shards)[clip_id]
    assert (loaded.clip_id, loaded.speaker) == (clip_id.split("/")[1], "")
    assert (loaded.fps, loaded.sha256) == (stored.fps, stored.sha256) and len(loaded) == len(stored) == 75
    for name in (*per_frame(stored.features), *PER_CLIP):
        assert loaded.array(name).dtype == stored.array(name).dtype
        np.testing.assert_array_equal(loaded.array(name), stored.array(name))


def test_load_clip_writes_nothing_and_follows_links(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.mpg").symlink_to(clips / "s1" / "bbaf2n.mpg")
    monkeypatch.chdir(tmp_path)
    assert api.load_clip("mine.mpg", pipeline="grid").clip_id == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.mpg"]


def test_load_clip_of_what_is_no_clip_says_why(tmp_path: Path) -> None:
    (tmp_path / "text.mpg").write_text("no film at all")
    with pytest.raises(api.ClipError, match="media: no picture in it"):
        api.load_clip(tmp_path / "text.mpg")
    with pytest.raises(api.ClipError, match="manifest: none.mpg is not there"):
        api.load_clip(tmp_path / "none.mpg")
    with pytest.raises(api.LipdataError, match="no pipeline 'gird'"):
        api.load_clip(tmp_path / "text.mpg", pipeline="gird")


def test_ingest_gives_the_shards_and_reports_progress(clips: Path, grid_shards: Path, tmp_path: Path) -> None:
    reports: list[tuple[int, int, int]] = []
    shards = api.ingest(
        str(clips), str(tmp_path / "out"), limit=1, workers=1, progress=lambda *counts: reports.append(counts)
    )
    assert isinstance(shards, api.ShardFolder) and list(shards) == ["s1/bbaf2n"]
    assert reports[-1] == (1, 0, 1) and sorted(reports) == reports
    known = api.open(grid_shards)["s1/bbaf2n"]
    assert shards["s1/bbaf2n"].frames.tobytes() == known.frames.tobytes()


def test_fail_fast_raises_at_the_first_failure(tmp_path: Path) -> None:
    (tmp_path / "corpus" / "s1").mkdir(parents=True)
    (tmp_path / "corpus" / "s1" / "text.mpg").write_text("no film at all")
    with pytest.raises(api.LipdataError, match="s1/text failed: media: no picture in it"):
        api.ingest(tmp_path / "corpus", tmp_path / "out", workers=1, fail_fast=True)


def test_a_shard_folder_is_a_mapping(clips: Path, grid_shards: Path) -> None:
    shards = api.open(str(grid_shards))
    wanted = pd.read_csv(clips / "manifest.csv", keep_default_na=False)
    assert isinstance(shards, Mapping) and list(shards) == wanted.clip_id.tolist() and len(shards) == 8
    assert "s1/bbaf2n" in shards and "s1/none" not in shards and shards.get("s1/none") is None
    assert [clip.clip_id for clip in shards.values()] == list(shards)
    assert [clip.clip_id for clip in pickle.loads(pickle.dumps(shards)).values()] == list(shards)
    with pytest.raises(ValueError, match="read-only"):
        shards["s1/bbaf2n"].frames[0] = 0


def test_a_missing_clip_id_names_similar_ones(grid_shards: Path) -> None:
    shards = api.open(grid_shards)
    for error in (KeyError, api.LipdataError):
        with pytest.raises(error, match="has no clip 's1/bbaf2m'; it has s1/bbaf2n, s1/bbaf4p"):
            shards["s1/bbaf2m"]


def test_clips_has_one_row_a_clip_of_the_manifest(made: Path, clips: Path, grid_shards: Path) -> None:
    table, wanted = api.open(grid_shards).clips, pd.read_csv(clips / "manifest.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(table[list(wanted.columns)], wanted)
    assert (table.status == "ok").all() and (table.n_frames == 75).all()
    # Of the synthetic corpus one clip failed: it stands there too.
    table = api.open(made).clips
    assert table.status.tolist() == ["ok", "ok", "ok", "failed", "ok"] and len(api.open(made)) == 4
    assert table.set_index("clip_id").stage["t2/text"] == "media"


def test_records_print_shapes_not_data(grid_shards: Path) -> None:
    shards = api.open(grid_shards)
    assert repr(shards) == f"ShardFolder({str(grid_shards)!r}, 8 clips in 1 shards)"
    assert repr(shards["s1/bbaf2n"]) == (
        "Clip('s1/bbaf2n', frames=(75, 64, 64, 3), mel=(75, 4, 128), flow=(75, 64, 64, 2))"
    )
    assert repr(shards.shards[0]) == f"Shard({str(grid_shards / 'grid-00000.h5')!r}, 8 clips, 600 frames)"


def test_no_folder_and_no_such_feature_are_one_line(grid_shards: Path, tmp_path: Path) -> None:
    with pytest.raises(api.LipdataError, match="is no folder; make one with: lipdata ingest CORPUS"):
        api.open(tmp_path / "none")
    with pytest.raises(api.LipdataError, match="has no feature 'raft'; stored: mel, flow"):
        api.open(grid_shards)["s1/bbaf2n"].array("raft")
