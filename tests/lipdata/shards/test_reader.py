"""Shards opened for reading: what is no whole shard is refused, in one line, and a folder has one pipeline."""

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from lipdata.config import Pipeline
from lipdata.errors import LipdataError
from lipdata.shards import Clip, Shard, open_shards, write_shard
from tests.lipdata.shards.made_up import random_clip, write


def replace_by(file: h5py.File, name: str, value: object) -> None:
    del file[name]
    file[name] = value


def test_files_that_are_no_whole_shard_are_refused(tmp_path: Path, random_clips: list[Clip], setup: Pipeline) -> None:
    good = tmp_path / "a.h5"
    write(good, random_clips, setup)
    cut = tmp_path / "cut.h5"
    cut.write_bytes(good.read_bytes()[:-5000])
    text = tmp_path / "text.h5"
    text.write_text("no shard")
    for path, error in ((cut, "cannot be read as a shard"), (text, "cannot be read as a shard")):
        with pytest.raises(LipdataError, match=error):
            Shard(path)
    with h5py.File(good) as file:
        shifted = file["clips"][:]
        shifted["start"] += 1
    for change, error in (
        (lambda file: file.attrs.update(version=2), "format version 2; this lipdata reads 1"),
        (lambda file: file.attrs.update(format="other"), "is no shard of lipdata"),
        (lambda file: file.pop("mel"), "lacks the dataset mel"),
        (lambda file: file.attrs.update(fps="25"), "attribute fps is '25'"),
        (lambda file: file.attrs.update(pipeline="{}"), "key corpus is missing"),
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
        with pytest.raises(LipdataError, match=error):
            Shard(other)


def test_a_folder_of_one_pipeline(tmp_path: Path, random_clips: list[Clip], setup: Pipeline) -> None:
    with pytest.raises(LipdataError, match="holds no shards"):
        open_shards(tmp_path)
    write(tmp_path / "b.h5", random_clips[:1], setup)
    write(tmp_path / "a.h5", random_clips[1:], setup)
    assert [shard.path.name for shard in open_shards(tmp_path)] == ["a.h5", "b.h5"]
    other = {"pipeline": setup.to_json(), "pipeline_digest": "other", "fps": 25, "sample_rate": 44100}
    write_shard(tmp_path / "c.h5", [random_clip("d", 16, 4)], other)
    with pytest.raises(LipdataError, match="come of different pipelines"):
        open_shards(tmp_path)


def test_a_clip_in_two_shards_is_refused(tmp_path: Path, random_clips: list[Clip], setup: Pipeline) -> None:
    write(tmp_path / "a.h5", random_clips, setup)
    write(tmp_path / "b.h5", random_clips[1:2], setup)
    with pytest.raises(LipdataError, match="s1/ü lies in both .*a.h5 and .*b.h5; remove one of them"):
        open_shards(tmp_path)


def test_a_shard_of_other_features(tmp_path: Path, random_clips: list[Clip], setup: Pipeline) -> None:
    # mel alone, and one that only another machine knows.
    counts = {clip.clip_id: np.arange(len(clip), dtype=np.int16)[:, None] for clip in random_clips}
    pipeline = replace(setup, shards=replace(setup.shards, features=("mel",)))
    clips = [replace(clip, features={"mel": clip.mel}) for clip in random_clips]
    write(tmp_path / "a.h5", clips, pipeline)
    shard = Shard(tmp_path / "a.h5")
    np.testing.assert_array_equal(shard.clip("s1/ü").mel, random_clips[1].mel)
    with pytest.raises(LipdataError, match="has no feature 'flow'; stored: mel; ingest with it in the pipeline"):
        shard.clip("s1/ü").flow  # noqa: B018
    with pytest.raises(LipdataError, match="has no dataset 'flow'; stored: frames, mel, landmarks"):
        shard.array("flow")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file.attrs["pipeline"] = replace(pipeline, shards=replace(pipeline.shards, features=("count",))).to_json()
        file["count"] = np.concatenate(list(counts.values()))
    np.testing.assert_array_equal(Shard(tmp_path / "a.h5").clip("s1/ü").array("count"), counts["s1/ü"])


@pytest.mark.slow
def test_more_shards_than_files_may_be_open(tmp_path: Path, setup: Pipeline) -> None:
    attributes = {"pipeline": setup.to_json(), "pipeline_digest": "d" * 64, "fps": 25, "sample_rate": 44100}
    for number in range(60):
        write_shard(tmp_path / f"grid-{number:05}.h5", [random_clip(str(number), 16, number)], attributes)
    code = f"""
import resource
from pathlib import Path
from lipdata.shards import open_shards
resource.setrlimit(resource.RLIMIT_NOFILE, (50, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
shards = open_shards(Path({str(tmp_path)!r}))
print(sum(len(shard.array(name)) for name in ("frames", "mel", "flow") for shard in shards))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == 3 * 60 * 16


def test_a_damaged_header_is_one_line(made: Path, tmp_path: Path) -> None:
    content = (made / "grid-00000.h5").read_bytes()
    draw = random.Random(0)
    refused = 0
    for _ in range(60):
        place = draw.randrange(2048)
        (tmp_path / "a.h5").write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        try:
            Shard(tmp_path / "a.h5")
        except LipdataError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 10
