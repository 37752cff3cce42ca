"""Evaluations that are refused, and what they leave behind."""

import json
import shutil
from dataclasses import replace

import h5py
import pytest
import torch

from lipdata.errors import LipdataError
from lipmodel.config import save_run
from lipmodel.evaluation.run import evaluate_run
from lipmodel.inference import load
from tests.lipmodel.untrained import untrained


def test_nothing_of_an_older_evaluation_is_left(shards_folder, tmp_path):
    untrained(tmp_path / "run", shards_folder, {1: None})
    (tmp_path / "out").mkdir()
    for name in ("best.png", ".thesis.part1.tex"):
        (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(LipdataError, match="holds best.png already"):
        evaluate_run(load(tmp_path / "run"), shards_folder, tmp_path / "out", split="val", workers=1)
    evaluate_run(load(tmp_path / "run"), shards_folder, tmp_path / "out", split="val", workers=1, overwrite=True)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [".thesis.part1.tex", "evaluation.json", "per_clip.csv", "per_frame.csv"]


def test_shards_of_other_shapes_or_pipelines_are_refused(shards_folder, tmp_path):
    run = untrained(tmp_path / "run", shards_folder, {1: None})
    shard = shutil.copytree(shards_folder, tmp_path / "shards") / "grid-00001.h5"
    with h5py.File(shard, "r+") as file:
        places = file["face_lips"][:, :2]
        del file["face_lips"]
        file.create_dataset("face_lips", data=places)
    with pytest.raises(LipdataError, match=r"face_lips of shape \(2,\); allowed: \(4,\)"):
        evaluate_run(load(tmp_path / "run"), tmp_path / "shards", tmp_path / "out", split="val", workers=1)
    louder = replace(run.pipeline, mel=replace(run.pipeline.mel, fmax_hz=8000))
    save_run(tmp_path / "run", replace(run, pipeline=louder))
    with pytest.raises(LipdataError, match="other crops or mel than the run learnt from"):
        evaluate_run(load(tmp_path / "run"), shards_folder, tmp_path / "out", split="val", workers=1)


@pytest.mark.parametrize(
    ("key", "value"), [("window_stride", 0), ("window_stride", "8"), ("manifest", 5), ("split", "\0")]
)
def test_a_strangers_configuration_is_refused(shards_folder, tmp_path, key, value):
    untrained(tmp_path / "run", shards_folder, {1: None})
    path = tmp_path / "run" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(LipdataError, match=f"config.json is of another version of lipmodel: {key}"):
        evaluate_run(load(tmp_path / "run"), shards_folder, tmp_path / "out", split="val", workers=1)


def test_a_clip_in_two_shards_is_refused(shards_folder, tmp_path):
    untrained(tmp_path / "run", shards_folder, {1: None})
    twice = shutil.copytree(shards_folder, tmp_path / "shards")
    shutil.copy(twice / "grid-00001.h5", twice / "grid-00002.h5")
    with pytest.raises(LipdataError, match="lies in both"):
        evaluate_run(load(tmp_path / "run"), twice, tmp_path / "out", split="val", workers=1)


def test_a_mistake_leaves_no_folder_and_no_setting_behind(folder, shards_folder, tmp_path):
    before = torch.backends.cudnn.allow_tf32
    with pytest.raises(LipdataError, match="is no run folder"):
        evaluate_run(load(tmp_path / "nope"), shards_folder, tmp_path / "nope" / "evaluation-test")
    assert not (tmp_path / "nope").exists()
    untrained(tmp_path / "run", shards_folder, {1: None})
    evaluate_run(load(tmp_path / "run"), shards_folder, tmp_path / "out", split="val", workers=1)
    assert torch.backends.cudnn.allow_tf32 == before
