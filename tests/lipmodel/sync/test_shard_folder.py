"""A shard folder -> sync.csv."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lipmodel
from lipdata.errors import LipdataError
from lipdata.shards import ShardFolder, read_sync
from lipmodel.sync import shard_folder
from lipmodel.sync.foreign import foreign_pairs
from lipmodel.sync.network import load_sync
from lipmodel.sync.shard_folder import sync_folder


@pytest.fixture(scope="module")
def folder(write_folder, ten_clips, tmp_path_factory) -> Path:
    """Ten clips in five shards; the sound of one had been moved. Not to be changed."""
    return write_folder(tmp_path_factory.mktemp("ten") / "shards", ten_clips, {"s23/priazn": 0.04})


@pytest.fixture(scope="module")
def table_path(folder, tmp_path_factory) -> Path:
    """The table of that folder, by one process."""
    return sync_folder(folder, tmp_path_factory.mktemp("table") / "sync.csv", workers=1).path


@pytest.fixture
def copied(folder, tmp_path) -> Path:
    """The same folder, to be changed."""
    return Path(shutil.copytree(folder, tmp_path / "shards"))


def test_every_clip_of_the_shards_has_a_row(folder, table_path, ten_clips):
    table = read_sync(table_path)
    assert list(table.clip_id) == sorted(clip.clip_id for clip in ten_clips)
    assert (table.reason == "").all() and (table.n_frames == 75).all() and (table.fps == 25).all()
    of_clip = table.set_index("clip_id")
    assert of_clip.moved_s.to_dict() == dict.fromkeys(table.clip_id, 0.0) | {"s23/priazn": 0.04}
    shards = ShardFolder(folder)
    for clip_id in shards:
        assert of_clip.sha256[clip_id] == shards[clip_id].sha256
        alone = lipmodel.sync_offset(shards[clip_id])
        for name in ("offset_frames", "distance", "confidence"):
            assert of_clip.loc[clip_id, name] == pytest.approx(getattr(alone, name), abs=1e-4), name
    assert of_clip.confidence_sd.filter(like="x/").max() < of_clip.confidence_sd.drop(["x/one", "x/other"]).min()


def test_ten_clips_are_held_against_their_own_foreign_pairs(folder, table_path):
    shards, network = ShardFolder(folder), load_sync()
    embedded = {clip_id: network.embed(shards[clip_id]) for clip_id in shards}
    pairs = foreign_pairs(
        {clip_id: each.motion for clip_id, each in embedded.items()},
        {clip_id: each.sound for clip_id, each in embedded.items()},
        "",
    )
    assert pairs.pairs == 90
    found = read_sync(table_path).set_index("clip_id")
    for clip_id in shards:
        alone = lipmodel.sync_offset(shards[clip_id], network=replace(network, foreign=pairs))
        # Windows count where they are confident, so they too are held against these pairs.
        wanted = {name: getattr(alone, name) for name in ("confidence_sd", "offset_min", "offset_max")}
        for name, value in wanted.items():
            assert found.loc[clip_id, name] == pytest.approx(np.nan if value is None else value, abs=2e-4, nan_ok=True)


def test_fewer_clips_are_held_against_the_model_cards(real_clips, write_folder, tmp_path):
    folder = write_folder(tmp_path / "shards", real_clips)
    found = sync_folder(folder, workers=1)
    assert found.path == folder / "sync.csv" and found.foreign == load_sync().own_foreign()
    assert found.lines()[-1] == load_sync().own_foreign().line()
    table = read_sync(found.path).set_index("clip_id")
    alone = lipmodel.sync_offset(real_clips[0])
    assert table.confidence_sd[real_clips[0].clip_id] == pytest.approx(alone.confidence_sd, abs=1e-4)
    assert ShardFolder(folder).sync is not None, "the shards' readers take it"
    with pytest.raises(LipdataError, match="has no model card with foreign pairs; give a folder of ten clips"):
        sync_folder(folder, tmp_path / "other.csv", network=replace(load_sync(), foreign=None), workers=1)
    assert not (tmp_path / "other.csv").exists()


def test_processes_change_no_byte(folder, table_path, tmp_path):
    other = sync_folder(folder, tmp_path / "two.csv", workers=2).path
    assert other.read_bytes() == table_path.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["two.csv"]


def test_what_was_measured_before_a_stop_is_kept(folder, table_path, tmp_path, monkeypatch):
    measured, stop_at = [], 5
    measure = shard_folder.measure_clip

    def until_stopped(shard, clip_id, network):
        if len(measured) == stop_at:
            raise KeyboardInterrupt
        measured.append(clip_id)
        return measure(shard, clip_id, network)

    monkeypatch.setattr(shard_folder, "measure_clip", until_stopped)
    out = tmp_path / "sync.csv"
    with pytest.raises(KeyboardInterrupt):
        sync_folder(folder, out, workers=1)
    assert not out.exists() and len(list(tmp_path.rglob("grid-*.json"))) == 2  # the third shard was half done
    stop_at = -1
    sync_folder(folder, out, workers=1)
    assert measured[:4] + measured[5:] == list(ShardFolder(folder)), "the first four are not measured again"
    assert out.read_bytes() == table_path.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["sync.csv"], "nothing else is left"


def test_what_other_shards_or_weights_have_left_is_not_taken(folder, table_path, copied, tmp_path):
    state = tmp_path / ".sync.csv.measured"
    state.mkdir()
    for number in range(5):
        (state / f"grid-{number:05}-0123456789abcdef.json").write_text("{}")
    assert sync_folder(folder, tmp_path / "sync.csv", workers=1).path.read_bytes() == table_path.read_bytes()


def test_a_table_that_is_there_is_not_lost(copied, table_path):
    path = copied / "sync.csv"
    path.write_text("mine")
    with pytest.raises(LipdataError, match=r"sync.csv is there already; .* --overwrite") as refusal:
        sync_folder(copied, workers=1)
    assert path.read_text() == "mine" and "\n" not in str(refusal.value)
    # Not even a table of other shards, or no table at all, stands in the way of a new one.
    assert sync_folder(copied, workers=1, overwrite=True).path.read_bytes() == table_path.read_bytes()


def test_clips_without_an_answer_have_a_reason_and_take_no_part(ten_clips, write_folder, tmp_path):
    still = [replace(c, features=dict(c.features) | {"flow": np.zeros_like(c.flow)}) for c in ten_clips[:3]]
    folder = write_folder(tmp_path / "shards", [*still, *ten_clips[3:]])
    found = sync_folder(folder, workers=1)
    table = read_sync(found.path).set_index("clip_id")
    for clip in still:
        assert "mouth moves by 0.000" in table.reason[clip.clip_id] and np.isnan(table.offset_frames[clip.clip_id])
    assert found.foreign == load_sync().own_foreign(), "seven clips are left, fewer than ten"
    assert "3 without an answer" in found.lines()[0]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda p: replace(p, video=replace(p.video, fps=30)), r"\[video\] fps is 25, the sync network knows 30 alone"),
        (lambda p: replace(p, mel=replace(p.mel, hop=100)), r"\[mel\] hop is .*, the sync network knows 100 alone"),
        (lambda p: replace(p, lips=replace(p.lips, half_side=0.9)), r"\[lips\] half_side is .* knows 0.9 alone"),
    ],
)
def test_shards_of_another_kind_are_refused(folder, tmp_path, change, error):
    """Here the network has learnt from another kind of shards."""
    network = replace(load_sync(), pipeline=change(load_sync().pipeline))
    with pytest.raises(LipdataError, match=error + ".*lipmodel fit SHARDS --variant sync") as refusal:
        sync_folder(folder, tmp_path / "out.csv", network=network, workers=1)
    assert "\n" not in str(refusal.value) and not list(tmp_path.iterdir())


def test_mistakes_are_one_line(folder, tmp_path):
    with pytest.raises(LipdataError, match="is no folder"):
        sync_folder(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LipdataError, match="holds no shards"):
        sync_folder(tmp_path / "empty")
    (tmp_path / "file").write_text("")
    with pytest.raises(LipdataError, match="cannot be written to: Not a directory; choose another with -o"):
        sync_folder(folder, tmp_path / "file" / "sync.csv", workers=1)
