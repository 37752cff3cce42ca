"""Variant sync: its one stage, its options, its run."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import lipmodel
from lipdata.errors import LipdataError
from lipdata.shards import ShardFolder
from lipmodel.config import Run, load_run, save_run
from lipmodel.inference import load
from lipmodel.sync import load_sync
from lipmodel.training.checkpoint import latest_checkpoint
from lipmodel.training.options import FitOptions, new_run
from lipmodel.training.run import train
from lipmodel.training.stages.sync import LEARNING_RATE, learning_rate, load_sync_run
from tests.lipmodel.cli.calls import call, fails
from tests.lipmodel.run_files import CONTINUE, equal, logged, weights


@pytest.fixture
def sync_run(grid_shards, tmp_path):
    """Make a run of variant sync on real clips, not yet trained; 6 steps of 3 windows."""

    def make(name: str, **options) -> tuple[Path, Run]:
        asked = {"batch": 3, "steps": {"last": 6}, "workers": 0, "preset": "tiny"} | options
        folder, run = new_run(FitOptions(shards=grid_shards, out=tmp_path / name, variant="sync", **asked))
        return folder, replace(run, log_every=2, checkpoint_every=3)

    return make


@pytest.fixture(scope="module")
def learnt(grid_shards, tmp_path_factory) -> Path:
    """A run of two steps. Not to be changed."""
    folder = tmp_path_factory.mktemp("sync") / "run"
    options = {"preset": "tiny", "batch": 3, "workers": 0}
    assert lipmodel.fit(grid_shards, folder, variant="sync", steps={"last": 2}, **options) == folder
    return folder


def test_the_variant_has_windows_and_a_batch_of_its_own(sync_run):
    _, run = sync_run("run", batch=None)
    assert (run.window_frames, run.window_stride, run.batch, run.steps.sync) == (72, 1, 16, 6)


def test_a_run_folder_holds_its_files(sync_run):
    folder, run = sync_run("run")
    train(folder, run)
    assert latest_checkpoint(folder / "checkpoints")[1] == 6
    assert not (folder / "sync").exists() and not (folder / "flow").exists(), "one stage, in the run's own folder"
    assert [line["step"] for line in logged(folder)] == [2, 3, 4, 6]
    last = logged(folder)[-1]
    assert {"flow", "lips", "val_sync", "val_hit"} <= last.keys() and 0 <= last["val_hit"] <= 1
    picture = cv2.imread(str(folder / "samples" / "step-6.png"))
    # A row for each half; 62 vectors of each window with a margin of 1, each 4 pixels.
    assert picture.shape[0] == 2 * 4 * 64 and picture.shape[1] % (4 * 64) == 0
    assert picture.std() > 10


def test_resume_is_exact(sync_run):
    whole, run = sync_run("whole")
    train(whole, run)
    parts, _ = sync_run("parts")
    train(parts, run)
    for path in (parts / "checkpoints").glob("step-6*"):  # as a run that was stopped after step 3
        path.unlink()
    train(parts, run)
    assert equal(weights(whole), weights(parts))
    for name in ("flow", "lips", "val_sync"):
        assert [line.get(name) for line in logged(whole)] == [line.get(name) for line in logged(parts)]


@pytest.mark.slow
def test_killed_and_resumed_it_ends_with_the_same_weights(sync_run):
    undisturbed, run = sync_run("undisturbed", steps={"last": 12})
    train(undisturbed, run)
    folder, _ = sync_run("killed", steps={"last": 12})
    folder.mkdir()
    save_run(folder, run)
    process = subprocess.Popen([sys.executable, "-c", CONTINUE, str(folder)], stderr=subprocess.DEVNULL)
    while latest_checkpoint(folder / "checkpoints") is None:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert latest_checkpoint(folder / "checkpoints")[1] < 12
    train(folder, run)
    assert equal(weights(folder, 12), weights(undisturbed, 12))


def test_threads_that_read_change_no_weight(sync_run):
    found = []
    for workers in (0, 2):
        folder, run = sync_run(f"workers-{workers}", workers=workers, steps={"last": 3})
        train(folder, run)
        found.append(weights(folder, 3))
    assert equal(*found)


def test_another_seed_draws_otherwise(sync_run):
    found = []
    for seed in (0, 1):
        folder, run = sync_run(f"seed-{seed}", seed=seed, steps={"last": 2})
        train(folder, run)
        found.append(logged(folder)[-1]["flow"])
    assert found[0] != found[1]


@pytest.mark.slow
def test_it_learns(sync_run):
    folder, run = sync_run("run", steps={"last": 60}, batch=8)
    train(folder, replace(run, log_every=10, checkpoint_every=60))
    for name in ("flow", "lips"):
        losses = [line[name] for line in logged(folder)]
        assert losses[-1] < 0.8 * losses[0], losses


def test_the_rate_goes_up_then_down():
    rates = [learning_rate(step, 1000) for step in range(1, 1001)]
    assert max(rates) == pytest.approx(LEARNING_RATE) and rates.index(max(rates)) == 99
    assert rates[0] == pytest.approx(LEARNING_RATE / 25, rel=0.01) and rates[-1] == pytest.approx(0, abs=1e-9)
    assert rates[:100] == sorted(rates[:100]) and rates[100:] == sorted(rates[100:], reverse=True)
    assert all(rate > 0 for rate in (learning_rate(1, 1), learning_rate(1, 2)))


def test_the_learnt_network_answers(learnt, grid_shards, tmp_path):
    network = load_sync_run(learnt)
    clip = ShardFolder(grid_shards)["s22/lbbc2a"]
    assert network.foreign is None and network.pipeline == load_sync().pipeline
    assert network.embed(clip).motion.shape == (65, 96)
    assert not np.allclose(network.embed(clip).motion, load_sync().embed(clip).motion)
    # Eight clips are too few to be held against each other, and this network has no card.
    fails(call("sync", grid_shards, "--run", learnt, "-o", tmp_path / "sync.csv", "-j", 1), "ten clips or more")


def test_steps_are_those_of_stage_sync(grid_shards, tmp_path):
    few = ["--preset", "tiny", "--batch", 3, "--workers", 0]
    done = call("fit", grid_shards, "--variant", "sync", "-o", tmp_path / "run", *few, "--steps", 1)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"next: lipmodel sync {grid_shards} --run {tmp_path / 'run'}\n"
    assert load_run(tmp_path / "run").steps.sync == 1
    again = ["fit", grid_shards, "-o", tmp_path / "run", "--resume", "--workers", 0]
    fails(call(*again), "has done its steps: 1 of sync", "--steps")
    resumed = call(*again, "--steps", 2)
    assert resumed.exit_code == 0, resumed.output
    assert resumed.stdout == f"next: lipmodel sync {grid_shards} --run {tmp_path / 'run'}\n"
    assert latest_checkpoint(tmp_path / "run" / "checkpoints")[1] == 2


def test_stages_of_other_variants_are_refused(grid_shards, learnt, tmp_path):
    out = tmp_path / "run"
    for stages in ("gan", "flow,sync"):
        command = ["fit", grid_shards, "-o", out, "--preset", "tiny", "--variant", "sync", "--stages", stages]
        fails(call(*command), f"variant sync has no stage '{stages.partition(',')[0]}'; allowed: sync")
    fails(call("fit", grid_shards, "-o", out, "--preset", "tiny", "--stages", "sync"), "'sync'; allowed: flow")
    sync = ("fit", grid_shards, "--variant", "sync", "-o", out)
    fails(call(*sync, "--flow-steps", 3), "variant sync has no stage 'flow'; allowed: sync")
    fails(call(*sync, "--l-corr", 1), "variant sync has no loss 'corr'")
    assert not out.exists()


def test_it_makes_no_video(learnt, grid_shards, tmp_path):
    wanted = f"{learnt} is of variant sync, which makes no video; ask it with: lipmodel sync SHARDS --run {learnt}"
    for refused in (load, lambda run: lipmodel.evaluate(run, grid_shards)):
        with pytest.raises(LipdataError) as raised:
            refused(learnt)
        assert str(raised.value) == wanted
    fails(call("evaluate", learnt, grid_shards), wanted)
    face, speech = (tmp_path / name for name in ("face.png", "speech.wav"))
    face.touch()
    speech.touch()
    fails(call("generate", learnt, "--image", face, "--audio", speech, "-o", tmp_path / "out.mp4"), wanted)


def test_clips_shorter_than_a_window_are_too_few(shards_folder, tmp_path):
    with pytest.raises(LipdataError, match="5 too short for a window") as raised:
        lipmodel.fit(shards_folder, tmp_path / "run", variant="sync", preset="tiny", workers=0)
    assert "\n" not in str(raised.value) and not (tmp_path / "run").exists()
