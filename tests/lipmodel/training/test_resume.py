"""Stopped, killed and resumed, a run ends with the same weights."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from safetensors import safe_open

from lipmodel.config import Adam, Steps, save_run
from lipmodel.training.checkpoint import best_checkpoint, latest_checkpoint
from lipmodel.training.run import train
from tests.lipmodel.run_files import CONTINUE, equal, logged, weights


def test_resume_is_exact(trained, run_of):
    whole, run = trained
    parts, half = run_of("parts", ready=True, steps=Steps(2, 2, 3))
    train(parts, half)
    train(parts, replace(run, steps=Steps(2, 2, 6)))
    assert equal(weights(whole), weights(parts))
    assert [line["total"] for line in logged(whole)] == [line["total"] for line in logged(parts)]


@pytest.mark.parametrize(
    "stage", [pytest.param("flow", marks=pytest.mark.slow), pytest.param("autoencoder", marks=pytest.mark.slow), "gan"]
)
def test_killed_and_resumed_it_ends_with_the_same_weights(run_of, stage):
    steps = replace(Steps(2, 2, 2), **{stage: 10})
    ready = stage == "gan"
    undisturbed, run = run_of("undisturbed", ready=ready, steps=steps, checkpoint_every=2)
    train(undisturbed, run)
    folder, _ = run_of("killed", ready=ready)
    folder.mkdir(exist_ok=True)
    save_run(folder, run)
    process = subprocess.Popen([sys.executable, "-c", CONTINUE, str(folder)], stderr=subprocess.DEVNULL)
    home = folder if stage == "gan" else folder / stage
    while latest_checkpoint(home / "checkpoints") is None:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert latest_checkpoint(home / "checkpoints")[1] < 10
    train(folder, run)
    for at, final in (("", steps.gan), ("flow", steps.flow), ("autoencoder", steps.autoencoder)):
        assert equal(weights(folder / at, final), weights(undisturbed / at, final))
        whole, resumed = logged(undisturbed / at), logged(folder / at)
        assert [line["step"] for line in whole] == [line["step"] for line in resumed]
    assert not list(folder.rglob(".*"))


def test_resume_takes_back_what_was_logged_after_the_checkpoint(run_of):
    folder, run = run_of(ready=True, steps=Steps(2, 2, 4))
    train(folder, run)
    for path in (folder / "checkpoints").glob("step-4*"):
        path.unlink()
    train(folder, run)
    assert [line["step"] for line in logged(folder)] == [2, 3, 4]


@pytest.mark.slow
def test_the_best_checkpoint_is_marked_and_kept(run_of):
    folder, run = run_of(ready=True, steps=Steps(2, 2, 8), checkpoint_every=1, log_every=1, adam=Adam(3e-3))
    train(folder, run)
    losses = {line["step"]: line["val_pixel"] for line in logged(folder) if "val_pixel" in line}
    path, step = best_checkpoint(folder / "checkpoints")
    kept = {int(path.name.split(".")[0][5:]) for path in (folder / "checkpoints").glob("step-*")}
    assert step == min(losses, key=losses.get) and kept == {step, 6, 7, 8}
    assert (folder / "checkpoints" / "best.safetensors").resolve() == path.resolve()
    with safe_open(path, "pt") as file:
        assert float(file.metadata()["validation"]) == losses[step]
