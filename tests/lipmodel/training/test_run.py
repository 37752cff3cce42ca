"""A training run: its folder, its stages, and what changes no weight."""

import shutil
from dataclasses import replace

import cv2
import pytest
from safetensors.torch import load_file

import lipmodel
from lipdata.errors import LipdataError
from lipmodel.config import Adam, Steps, load_run
from lipmodel.training.checkpoint import latest_checkpoint
from lipmodel.training.run import train
from tests.lipmodel.run_files import equal, logged, weights


def test_a_run_folder_holds_its_files(trained):
    folder, run = trained
    assert load_run(folder) == run
    assert [line["step"] for line in logged(folder)] == [2, 3, 4, 6]
    last = logged(folder)[-1]
    assert last.keys() >= {
        "pixel",
        "first",
        "perc",
        "gen",
        "corr",
        "total",
        "dis",
        "val_pixel",
        "val_perc",
        "windows_per_s",
        "waiting",
    }
    assert last["total"] == pytest.approx(last["corr"] + 0.5 * last["pixel"] + last["perc"] + last["gen"], rel=1e-5)
    of_pairs = last["dis_real"] + 0.5 * last["dis_generated"] + 0.5 * last["dis_mismatched"]
    assert last["dis"] == pytest.approx(of_pairs, rel=1e-5)
    for home, final, rows in ((folder, 6, 4), (folder / "flow", 2, 3), (folder / "autoencoder", 2, 2)):
        picture = cv2.imread(str(home / "samples" / f"step-{final}.png"))
        assert picture.shape == (2 * rows * 64, 16 * 64, 3)  # split val has two windows
        assert (home / "checkpoints" / f"step-{final}.optimizer.safetensors").exists()
        assert list(home.glob("events.out.tfevents.*"))
    assert "flow" in logged(folder / "flow")[-1] and "val_epe" in logged(folder / "flow")[-1]
    log = (folder / "log.txt").read_text()
    assert "gan: steps 1 to 6 of 2 windows" in log and "gan 6  pixel" in log


def test_stages_are_chosen_and_those_done_are_left_alone(run_of):
    folder, run = run_of()
    for asked in (["gan"], ["autoencoder", "gan"]):
        with pytest.raises(
            LipdataError, match="has done 0 of 2 steps of stage flow, which stage gan needs; add flow to"
        ):
            train(folder, run, asked)
    assert not folder.exists()
    train(folder, run, ["flow", "autoencoder"])
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    assert not (folder / "checkpoints").exists()
    train(folder, run)
    assert (folder / "checkpoints").exists()
    assert before == {path: path.stat().st_mtime_ns for path in before}
    with pytest.raises(LipdataError, match="has done its steps: 2 of flow, 2 of autoencoder, 6 of gan; ask for more"):
        train(folder, run)
    with pytest.raises(LipdataError, match="--flow-steps 3: stage gan has begun on stage flow as it is"):
        train(folder, replace(run, steps=Steps(3, 2, 8)))


def test_published_weights_are_read_once(run_of, tmp_path):
    """Stage flow of another run serves as a file of weights; a resumed stage no longer needs it."""
    other, run = run_of("other", steps=Steps(1, 1, 1))
    train(other, run, ["flow"])
    file = tmp_path / "flownet.safetensors"
    shutil.copy(other / "flow" / "checkpoints" / "step-1.safetensors", file)
    still = Adam(learning_rate=0.0, weight_decay=0.0)
    folder, run = run_of(steps=Steps(1, 1, 1), flownet_weights=str(file), adam=still, seed=5)
    train(folder, run, ["flow"])
    assert equal(weights(folder / "flow", 1), load_file(file))
    file.unlink()
    train(folder, replace(run, steps=Steps(2, 1, 1)), ["flow"])


def test_threads_do_not_change_the_weights(run_of):
    found = []
    for workers in (0, 2):
        folder, run = run_of(f"workers-{workers}", ready=True, workers=workers, steps=Steps(2, 2, 3))
        train(folder, run)
        found.append(weights(folder, 3))
    assert equal(*found)


def test_options_of_speed_change_rounding_alone(run_of):
    found = []
    for channels_last, fused_adam in ((True, True), (False, False)):
        folder, run = run_of(f"speed-{channels_last}", ready=True, steps=Steps(2, 2, 2))
        speed = replace(run.speed, precision="32", channels_last=channels_last, fused_adam=fused_adam)
        train(folder, replace(run, speed=speed))
        found.append(logged(folder)[-1]["val_pixel"])
    assert found[0] == pytest.approx(found[1], rel=1e-3)


@pytest.mark.slow
def test_it_learns(run_of):
    folder, run = run_of(
        steps=Steps(1, 1, 60), log_every=10, checkpoint_every=60, batch=4, adam=Adam(1e-2, weight_decay=0)
    )
    train(folder, run)
    pixel = [line["pixel"] for line in logged(folder)]
    assert pixel[-1] < 0.7 * pixel[0], pixel


def test_the_function_fit_trains_and_resumes(shards_folder, tmp_path):
    options = {"preset": "tiny", "batch": 2, "workers": 0}
    steps = {"flow": 1, "autoencoder": 1, "gan": 1}
    folder = lipmodel.fit(shards_folder, tmp_path / "run", variant="chung", steps=steps, **options)
    assert folder == tmp_path / "run" and load_run(folder).variant == "chung"
    assert lipmodel.fit(str(shards_folder), folder, resume=True, steps={"gan": 2}, workers=0) == folder
    assert latest_checkpoint(folder / "checkpoints")[1] == 2
    assert lipmodel.load(folder).step == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "huge"}, "no preset 'huge'; allowed: paper, small, tiny"),
        ({"variant": "z"}, "no variant 'z'; allowed: a, b, c"),
        ({"steps": {"gam": 1}}, "stage 'gam'; allowed: flow, autoencoder, gan"),
        ({"stages": ["gam"]}, "variant e has no stage 'gam'; allowed: flow, autoencoder, gan"),
        ({"weights": {"sharpness": 1.0}}, "no loss 'sharpness'; known: pixel, first, perc, gen, expert, sync, corr"),
        ({"batch": 11}, "take --batch 10"),
    ],
)
def test_mistakes_of_the_function_fit_are_reported_in_one_line(shards_folder, tmp_path, options, message):
    with pytest.raises(LipdataError, match=message) as refusal:
        lipmodel.fit(shards_folder, tmp_path / "run", **{"preset": "tiny", "workers": 0} | options)
    assert "\n" not in str(refusal.value) and not (tmp_path / "run").exists()
