"""Variants trained and measured alike: shared stages, continued and refused experiments."""

import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from lipdata.corpus.manifest import read_manifest, write_manifest
from lipdata.errors import LipdataError
from lipmodel.paper.experiments import ABLATION, COMPARISON, Experiment, run_experiment
from lipmodel.paper.tables import table_2
from lipmodel.training.run_folder import newest_weights
from tests.lipmodel.paper.conftest import STEPS, TWO, options_of

ROOT = Path(__file__).parents[3]


def weights(folder, stage):
    return load_file(newest_weights(folder, stage)[0])


def same(one, other):
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


def test_experiments_are_those_of_the_paper():
    assert "".join(ABLATION.variants) == "abcdefghi" + "jk"  # and two of our own
    assert COMPARISON.variants == ("vondrick", "chung", "e")


def test_shared_stages_are_what_a_variant_would_have_trained_itself(out, shards_folder, tmp_path):
    alone = Experiment("alone", ("e",), table_2)
    run_experiment(alone, options_of(shards_folder, tmp_path / "alone"), split="val", say=lambda _: None)
    for stage in ("flow", "autoencoder", "gan"):
        assert same(weights(out / "e", stage), weights(tmp_path / "alone" / "e", stage))


def test_what_is_done_is_not_done_again(out, shards_folder):
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/**/*") if path.is_file()}
    lines = []
    run_experiment(TWO, options_of(shards_folder, out), split="val", say=lines.append)
    assert lines == []
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.slow
def test_a_variant_that_is_gone_or_half_done_is_done_again(out, shards_folder, tmp_path):
    again = shutil.copytree(out, tmp_path / "again", symlinks=True)
    path, _ = newest_weights(again / "d", "gan")
    path.unlink()  # as if it had been stopped before its last checkpoint
    shutil.rmtree(again / "e")
    lines = []
    run_experiment(TWO, options_of(shards_folder, again), split="val", say=lines.append)
    assert [line for line in lines if "learning" in line] == [
        f"variant {variant} ({number} of 2): learning in {again / variant}" for number, variant in ((1, "d"), (2, "e"))
    ]
    for variant in "de":
        assert same(weights(again / variant, "gan"), weights(out / variant, "gan"))
    assert (again / "table2.csv").read_bytes() == (out / "table2.csv").read_bytes()


def test_other_seeds_or_fewer_steps_in_the_same_folder_are_refused(out, shards_folder):
    for changes, message in (({"seed": 1}, "seed 1 is asked for"), ({"steps": STEPS | {"gan": 2}}, "2 are asked for")):
        with pytest.raises(LipdataError, match=message):
            run_experiment(TWO, options_of(shards_folder, out, **changes), split="val", say=lambda _: None)


def test_variants_that_would_train_otherwise_are_refused_first(out, shards_folder, tmp_path):
    again = shutil.copytree(out, tmp_path / "again", symlinks=True)
    shutil.rmtree(again / "e")
    with pytest.raises(LipdataError, match="would learn with batch 4, .* with 2; give the options"):
        run_experiment(TWO, options_of(shards_folder, again, batch=None), split="val", say=lambda _: None)
    assert not (again / "e").exists()


@pytest.mark.parametrize(
    ("changes", "split", "message"),
    [({"manifest": "nope.csv"}, "val", "nope.csv"), ({}, "tset", "no clip of split 'tset'")],
)
def test_what_stops_the_measuring_is_reported_before_the_training(shards_folder, tmp_path, changes, split, message):
    paths = {name: tmp_path / value for name, value in changes.items()}
    with pytest.raises(LipdataError, match=message):
        run_experiment(TWO, options_of(shards_folder, tmp_path / "out", **paths), split=split, say=lambda _: None)
    assert not (tmp_path / "out").exists()


def test_other_splits_are_refused_and_other_shards_measured_anew(out, shards_folder, tmp_path):
    again = shutil.copytree(out, tmp_path / "again", symlinks=True)
    rows = read_manifest(shards_folder / "manifest.csv")
    other = tmp_path / "other.csv"
    write_manifest(other, [replace(row, split="val" if row.clip_id == "s1/a" else row.split) for row in rows])
    with pytest.raises(LipdataError, match="has learnt with the splits of"):
        run_experiment(TWO, options_of(shards_folder, again, manifest=other), split="val", say=lambda _: None)
    fewer = shutil.copytree(shards_folder, tmp_path / "shards")
    (fewer / "grid-00000.h5").unlink()
    lines = []
    run_experiment(TWO, options_of(fewer, again), split="val", say=lines.append)
    assert [line.split(": ")[1] for line in lines] == ["measuring on split val"] * 2


KILLED = """
import sys, torch
from pathlib import Path
from lipmodel.paper.experiments import run_experiment
from tests.lipmodel.paper.conftest import TWO, options_of
torch.set_num_threads(1)
options = options_of(Path(sys.argv[1]), Path(sys.argv[2]))
run_experiment(TWO, options, split="val", say=lambda line: print(line, file=sys.stderr, flush=True))
"""


def test_killed_it_continues_where_it_was_stopped(out, shards_folder, tmp_path):
    killed = shutil.copytree(out, tmp_path / "out", symlinks=True)
    shutil.rmtree(killed / "e")
    command = [sys.executable, "-c", KILLED, str(shards_folder), str(killed)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        next(line for line in process.stderr if line.startswith("variant e (2 of 2): learning"))
        process.kill()
    assert process.returncode == -signal.SIGKILL
    lines = []
    run_experiment(TWO, options_of(shards_folder, killed), split="val", say=lines.append)
    assert not [line for line in lines if line.startswith("variant d")]
    for variant in "de":
        assert same(weights(killed / variant, "gan"), weights(out / variant, "gan"))
    assert (killed / "table2.csv").read_bytes() == (out / "table2.csv").read_bytes()
