"""Clips -> one HDF5 file: what is written is read, by h5py alone too, and the same clips give the same bytes."""

import pickle
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from lipdata.config import Pipeline
from lipdata.shards import Clip, Shard, content_sha256
from lipdata.shards.schema import PER_CLIP, per_frame
from tests.lipdata.shards.made_up import write


def test_what_is_written_is_read(tmp_path: Path, random_clips: list[Clip], setup: Pipeline) -> None:
    content = write(tmp_path / "a.h5", random_clips, setup)
    shard = Shard(tmp_path / "a.h5")
    assert [(c.clip_id, c.start, c.length, c.index) for c in shard.clips] == [
        ("s1/a", 0, 20, 0),
        ("s1/ü", 20, 75, 1),
        ("s1/c", 95, 16, 2),
    ]
    for wanted in random_clips:
        got = shard.clip(wanted.clip_id)
        for name in (*per_frame(wanted.features), *PER_CLIP):
            np.testing.assert_array_equal(got.array(name), wanted.array(name), strict=True)
    assert content_sha256(shard.path) == content == shard.attributes["content_sha256"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_h5py_alone_reads_the_contract(tmp_path: Path, random_clips: list[Clip], setup: Pipeline) -> None:
    write(tmp_path / "a.h5", random_clips, setup)
    with h5py.File(tmp_path / "a.h5") as file:
        assert (file.attrs["format"], file.attrs["version"], file.attrs["fps"]) == ("lipdata-shard", 1, 25)
        types = {name: (file[name].dtype.name, file[name].shape) for name in file if name != "clips"}
        assert types == {
            "frames": ("uint8", (111, 64, 64, 3)),
            "mel": ("float32", (111, 4, 128)),
            "flow": ("float16", (111, 64, 64, 2)),
            "landmarks": ("float32", (111, 20, 2)),
            "box": ("float32", (111, 4)),
            "tracked": ("bool", (111,)),
            "face": ("uint8", (3, 256, 256, 3)),
            "face_lips": ("float32", (3, 4)),
        }
        assert file["clips"].dtype.names == ("clip_id", "speaker", "start", "length", "sha256")
        assert file["clips"]["clip_id"][1].decode() == "s1/ü"
        for name in types:
            assert file[name].chunks is None and file[name].compression is None
            assert file[name].attrs["axes"] and file[name].attrs["units"]
        np.testing.assert_array_equal(file["frames"][20:95], random_clips[1].frames)


def test_the_same_clips_give_the_same_bytes(tmp_path: Path, random_clips: list[Clip], setup: Pipeline) -> None:
    one, other = (write(tmp_path / name, random_clips, setup) for name in ("a.h5", "b.h5"))
    assert one == other
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    nudged = random_clips[0].box.copy()
    nudged[3, 2] += 1e-4
    assert write(tmp_path / "c.h5", [replace(random_clips[0], box=nudged), *random_clips[1:]], setup) != one


def test_a_pickled_shard_holds_no_map(tmp_path: Path, random_clips: list[Clip], setup: Pipeline) -> None:
    write(tmp_path / "a.h5", random_clips, setup)
    shard = Shard(tmp_path / "a.h5")
    assert shard.array("frames").shape == (111, 64, 64, 3)
    packed = pickle.dumps(shard)
    assert len(packed) < 10_000
    np.testing.assert_array_equal(pickle.loads(packed).array("frames"), shard.array("frames"))
    with pytest.raises(ValueError, match="read-only"):
        shard.array("frames")[0] = 0
