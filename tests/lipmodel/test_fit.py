import json

import cv2
import pytest
import torch
from safetensors.torch import load_file

from lipdata.errors import LipdataError
from lipmodel import config
from lipmodel.config import Adam
from lipmodel.fit import fit


def weights(folder, step):
    return load_file(folder / "checkpoints" / f"step-{step}.safetensors")


def logged(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_folder_holds_what_is_promised(run_of, capsys):
    folder, run = run_of()
    fit(folder, run, resume=False)
    assert config.load(folder) == run
    assert [line["step"] for line in logged(folder)] == [2, 3, 4, 6]
    assert {"pixel", "total", "val_pixel", "windows_per_s", "waiting"} <= logged(folder)[-1].keys()
    assert logged(folder)[-1]["total"] == pytest.approx(0.5 * logged(folder)[-1]["pixel"])
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == [
        f"step-{step}{kind}.safetensors" for step in (3, 6) for kind in (".optimizer", "")
    ]
    assert cv2.imread(str(folder / "samples" / "step-6.png")).shape == (2 * 2 * 64, 16 * 64, 3)
    assert list(folder.glob("events.out.tfevents.*"))
    log = (folder / "log.txt").read_text()
    assert "1 clips have fewer than 16 frames and give no windows" in log and "step 6  pixel" in log
    assert "step 6  pixel" in capsys.readouterr().err  # stderr is no terminal here: plain lines


def test_resume_is_exact(run_of):
    whole, run = run_of("whole")
    fit(whole, run, resume=False)
    parts, half = run_of("parts", steps=3)
    fit(parts, half, resume=False)
    fit(parts, run_of("other")[1], resume=True)
    one, other = weights(whole, 6), weights(parts, 6)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert [line["pixel"] for line in logged(whole)] == [line["pixel"] for line in logged(parts)]


def test_resume_takes_back_what_was_logged_after_the_checkpoint(run_of):
    folder, run = run_of(steps=4, checkpoint_every=3)
    fit(folder, run, resume=False)
    for path in (folder / "checkpoints").glob("step-4*"):
        path.unlink()
    fit(folder, run, resume=True)
    assert [line["step"] for line in logged(folder)] == [2, 3, 4]


def test_workers_do_not_change_the_weights(run_of):
    folders = []
    for workers in (0, 2):
        folder, run = run_of(f"workers-{workers}", workers=workers, steps=3)
        fit(folder, run, resume=False)
        folders.append(weights(folder, 3))
    assert all(torch.equal(folders[0][name], folders[1][name]) for name in folders[0])


def test_nothing_left_to_do_is_told(run_of):
    folder, run = run_of(steps=3)
    fit(folder, run, resume=False)
    with pytest.raises(LipdataError, match=r"has done its 3 steps; ask for more with --resume --steps 6"):
        fit(folder, run, resume=True)


def test_a_loss_that_is_not_finite_stops_the_run_with_its_name(run_of):
    folder, run = run_of(adam=Adam(learning_rate=float("inf")), steps=20)
    with pytest.raises(LipdataError, match=r"step 2: loss pixel is nan"):
        fit(folder, run, resume=False)
    assert not (folder / "checkpoints").exists()


def test_it_learns(run_of):
    folder, run = run_of(steps=60, log_every=10, checkpoint_every=60, batch=4, adam=Adam(1e-2))
    fit(folder, run, resume=False)
    pixel = [line["pixel"] for line in logged(folder)]
    assert pixel[-1] < 0.7 * pixel[0], pixel
