import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from lipdata.config import Pipeline
from lipdata.errors import LipdataError
from lipdata.shards.clip import Clip
from lipdata.shards.reader import PER_FRAME, Shard, content_sha256, open_shards
from lipdata.shards.schema import PER_CLIP
from lipdata.shards.writer import write_shard


def clip(name: str, n_frames: int, seed: int) -> Clip:
    random = np.random.default_rng(seed)
    return Clip(
        clip_id=f"s1/{name}",
        speaker="s1",
        sha256=f"{seed:064x}",
        frames=random.integers(0, 256, (n_frames, 64, 64, 3), np.uint8),
        mel=random.normal(size=(n_frames, 4, 128)).astype(np.float32),
        flow=random.normal(size=(n_frames, 64, 64, 2)).astype(np.float16),
        landmarks=random.uniform(0, 64, (n_frames, 20, 2)).astype(np.float32),
        box=random.uniform(0, 300, (n_frames, 4)).astype(np.float32),
        tracked=random.random(n_frames) < 0.9,
        face=random.integers(0, 256, (256, 256, 3), np.uint8),
        face_lips=random.uniform(0, 256, 4).astype(np.float32),
    )


@pytest.fixture
def clips() -> list[Clip]:
    return [clip("a", 20, 1), clip("ü", 75, 2), clip("c", 16, 3)]


def write(path: Path, clips: list[Clip], setup: Pipeline) -> str:
    about = {"pipeline": setup.to_json(), "pipeline_digest": "abc", "fps": 25, "sample_rate": 44100}
    return write_shard(path, clips, about)


def test_what_is_written_is_read(tmp_path: Path, clips: list[Clip], setup: Pipeline) -> None:
    content = write(tmp_path / "a.h5", clips, setup)
    shard = Shard(tmp_path / "a.h5")
    assert [(c.clip_id, c.start, c.length, c.index) for c in shard.clips] == [
        ("s1/a", 0, 20, 0),
        ("s1/ü", 20, 75, 1),
        ("s1/c", 95, 16, 2),
    ]
    for wanted in clips:
        got = shard.clip(wanted.clip_id)
        for name in (*PER_FRAME, *PER_CLIP):
            np.testing.assert_array_equal(getattr(got, name), getattr(wanted, name), strict=True)
    assert content_sha256(shard.path) == content == shard.attributes["content_sha256"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_h5py_alone_reads_the_contract(tmp_path: Path, clips: list[Clip], setup: Pipeline) -> None:
    write(tmp_path / "a.h5", clips, setup)
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
        np.testing.assert_array_equal(file["frames"][20:95], clips[1].frames)


def test_the_same_clips_give_the_same_bytes(tmp_path: Path, clips: list[Clip], setup: Pipeline) -> None:
    one, other = (write(tmp_path / name, clips, setup) for name in ("a.h5", "b.h5"))
    assert one == other
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    nudged = clips[0].box.copy()
    nudged[3, 2] += 1e-4
    assert write(tmp_path / "c.h5", [replace(clips[0], box=nudged), *clips[1:]], setup) != one


def test_a_pickled_shard_holds_no_map(tmp_path: Path, clips: list[Clip], setup: Pipeline) -> None:
    write(tmp_path / "a.h5", clips, setup)
    shard = Shard(tmp_path / "a.h5")
    assert shard.array("frames").shape == (111, 64, 64, 3)
    packed = pickle.dumps(shard)
    assert len(packed) < 10_000
    np.testing.assert_array_equal(pickle.loads(packed).array("frames"), shard.array("frames"))
    with pytest.raises(ValueError, match="read-only"):
        shard.array("frames")[0] = 0


def replace_by(file: h5py.File, name: str, value: object) -> None:
    del file[name]
    file[name] = value


def test_files_that_are_no_whole_shard_are_refused(tmp_path: Path, clips: list[Clip], setup: Pipeline) -> None:
    good = tmp_path / "a.h5"
    write(good, clips, setup)
    cut = tmp_path / "cut.h5"
    cut.write_bytes(good.read_bytes()[:-5000])
    text = tmp_path / "text.h5"
    text.write_text("no shard")
    for path, said in ((cut, "cannot be read as a shard"), (text, "cannot be read as a shard")):
        with pytest.raises(LipdataError, match=said):
            Shard(path)
    with h5py.File(good) as file:
        shifted = file["clips"][:]
        shifted["start"] += 1
    for change, said in (
        (lambda file: file.attrs.update(version=2), "format version 2; this lipdata reads 1"),
        (lambda file: file.attrs.update(format="other"), "is no shard of lipdata"),
        (lambda file: file.pop("mel"), "lacks the dataset mel"),
        (lambda file: file.attrs.update(fps="25"), "attribute fps is '25'"),
        (lambda file: file.attrs.pop("pipeline_digest"), "attribute pipeline_digest is None"),
        (lambda file: replace_by(file, "mel", h5py.ExternalLink(str(good), "mel")), "mel is no contiguous dataset"),
        (
            lambda file: replace_by(file, "clips", h5py.ExternalLink("/etc/passwd", "x")),
            "clips is no contiguous dataset",
        ),
        (lambda file: replace_by(file, "mel", np.zeros(111, np.float32)), "mel is float32 .111,.; it should be"),
        (lambda file: replace_by(file, "clips", np.zeros(3)), "no table of clips"),
        (lambda file: file["clips"].write_direct(shifted), "starts at frame 1, should at 0"),
    ):
        other = tmp_path / "other.h5"
        other.write_bytes(good.read_bytes())
        with h5py.File(other, "r+") as file:
            change(file)
        with pytest.raises(LipdataError, match=said):
            Shard(other)


def test_a_folder_of_one_pipeline(tmp_path: Path, clips: list[Clip], setup: Pipeline) -> None:
    with pytest.raises(LipdataError, match="holds no shards"):
        open_shards(tmp_path)
    write(tmp_path / "b.h5", clips[:1], setup)
    write(tmp_path / "a.h5", clips[1:], setup)
    assert [shard.path.name for shard in open_shards(tmp_path)] == ["a.h5", "b.h5"]
    other = {"pipeline": "{}", "pipeline_digest": "other", "fps": 25, "sample_rate": 44100}
    write_shard(tmp_path / "c.h5", [clip("d", 16, 4)], other)
    with pytest.raises(LipdataError, match="come of different pipelines"):
        open_shards(tmp_path)


def test_more_shards_than_files_may_be_open(tmp_path: Path, setup: Pipeline) -> None:
    attributes = {"pipeline": setup.to_json(), "pipeline_digest": "d" * 64, "fps": 25, "sample_rate": 44100}
    for number in range(60):
        write_shard(tmp_path / f"grid-{number:05}.h5", [clip(str(number), 16, number)], attributes)
    code = f"""
import resource
from pathlib import Path
from lipdata.shards import open_folder
resource.setrlimit(resource.RLIMIT_NOFILE, (50, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
found = open_folder(Path({str(tmp_path)!r}))
print(sum(len(shard.array(name)) for name in ("frames", "mel", "flow") for shard in found))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == 3 * 60 * 16
