"""lipmodel fit: resume, options, mistakes."""

import shutil

import h5py
import numpy as np

from lipmodel.config import load_run
from tests.lipmodel.cli.calls import FEW, call, fails


def test_fit_then_refuse_then_resume(shards_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = call("fit", shards_folder, *FEW, "--steps", 1)
    folder = f"runs/{shards_folder.name}-tiny"
    assert first.exit_code == 0, first.output
    assert first.stdout == f"next: lipmodel generate {folder} --image FACE --audio SPEECH -o out.mp4\n"
    fails(call("fit", shards_folder, "--preset", "tiny"), f"{folder} is not empty", "--resume", "-o")
    fails(call("fit", shards_folder, "-o", folder, "--resume", "--batch", 5), "batch 5", "began with 1")
    fails(call("fit", shards_folder, "-o", folder, "--resume", "--variant", "a"), "variant a", "began with e")
    fails(call("fit", shards_folder, "-o", folder, "--resume", "--l-pix", 2), "pixel 2.0", "began with 0.5")
    fails(call("fit", shards_folder, "-o", folder, "--resume"), "has done its steps", "1 of gan")
    assert call("fit", shards_folder, "-o", folder, "--resume", "--steps", 2).exit_code == 0
    assert (tmp_path / folder / "checkpoints" / "step-2.safetensors").exists()


def test_every_weight_of_a_loss_is_an_option(shards_folder, tmp_path):
    given = {"l-corr": 2, "l-sync": 9, "l-expert": 10, "l-pix": 3, "l-perc": 4, "l-gen": 5, "l-first": 6}
    given |= {"lambda-p": 7, "lambda-u": 8}
    options = [part for name, value in given.items() for part in (f"--{name}", value)]
    done = call("fit", shards_folder, "-o", tmp_path / "run", *FEW, *options, "--stages", "flow")
    assert done.exit_code == 0, done.output
    assert list(load_run(tmp_path / "run").weights.values()) == list(given.values())


def test_mistakes_of_fit(shards_folder, tmp_path):
    out = tmp_path / "run"
    fails(call("fit", tmp_path), "holds no shards")
    fails(call("fit", shards_folder, "-o", out, "--split", "test"), "no clip of split 'test'")
    fails(call("fit", shards_folder, "-o", out, "--batch", 11, "--preset", "tiny"), "take --batch 10")
    fails(call("fit", shards_folder, "-o", out, "--manifest", tmp_path / "none.csv"), "none.csv")
    fails(call("fit", shards_folder, "-o", out, "--resume"), "is no run folder")
    fails(call("fit", shards_folder, "-o", out, "--variant", "chung", "--l-corr", 1), "no sound features", "allowed: 0")
    none = [part for name in ("pix", "perc", "gen") for part in (f"--l-{name}", 0)]
    fails(call("fit", shards_folder, "-o", out, *none), "no loss is left")
    fails(
        call("fit", shards_folder, "-o", out, "--stages", "flow,gam"),
        "variant e has no stage 'gam'",
        "flow, autoencoder, gan",
    )
    fails(call("fit", shards_folder, "-o", out, "--stages", "gan", *FEW), "0 of 1 steps of stage flow")
    fails(call("fit", shards_folder, "-o", out, "--l-pix", "nan"), "weight pixel is nan")
    fails(call("fit", shards_folder, "-o", out, "--devices", 2, "--batch", 8), "take --batch 5")
    fails(call("fit", shards_folder, "-o", out, "--flownet-weights", tmp_path / "none.pth"), "none.pth")
    assert not out.exists()


def test_shards_that_cannot_be_learnt_from_are_refused(shards_folder, tmp_path):
    for name, change, message in (
        ("version", lambda file: file.attrs.__setitem__("version", 7), ("version", "7")),
        ("nan", lambda file: file["mel"].__setitem__((slice(None), 0, 5), np.nan), ("mel of s", "NaN")),
    ):
        shards = tmp_path / name
        shutil.copytree(shards_folder, shards)
        for path in shards.glob("*.h5"):
            with h5py.File(path, "r+") as file:
                change(file)
        fails(call("fit", shards, "-o", tmp_path / f"{name}-run", *FEW, "--steps", 1), *message)
        assert not (tmp_path / f"{name}-run").exists()


def test_damaged_and_foreign_checkpoints_stop_a_resume(shards_folder, tmp_path):
    run, few = tmp_path / "run", ["--workers", 0, "--resume", "--steps", 2]
    assert call("fit", shards_folder, "-o", run, *FEW, "--steps", 1).exit_code == 0
    weights = run / "checkpoints" / "step-1.safetensors"
    whole, settings = weights.read_bytes(), (run / "config.json").read_text()
    weights.write_bytes(whole[: len(whole) // 2])
    fails(call("fit", shards_folder, "-o", run, *few), "step-1.safetensors cannot be read", "remove it")
    weights.write_bytes(whole)
    (run / "config.json").write_text(settings.replace('"tiny"', '"small"'))
    fails(call("fit", shards_folder, "-o", run, *few), "is of preset tiny", "says small")
    assert weights.read_bytes() == whole and not list((run / "checkpoints").glob("step-2*"))


def test_a_run_goes_on_when_its_shards_have_moved(shards_folder, tmp_path):
    here, there, run = tmp_path / "here", tmp_path / "there", tmp_path / "run"
    shutil.copytree(shards_folder, here)
    assert call("fit", here, "-o", run, *FEW, "--steps", 1).exit_code == 0
    here.rename(there)
    again = call("fit", there, "-o", run, "--workers", 0, "--resume", "--steps", 2)
    assert again.exit_code == 0, again.output


def test_shards_of_another_geometry_are_refused(shards_folder, tmp_path):
    odd = tmp_path / "odd"
    shutil.copytree(shards_folder, odd)
    with h5py.File(max(odd.glob("*.h5")), "r+") as file:  # the last shard alone
        rows = len(file["frames"])
        del file["frames"]
        file["frames"] = np.zeros((rows, 96, 96, 3), np.uint8)
    fails(call("fit", odd, "-o", tmp_path / "run"), "frames of shape (96, 96, 3)", "allowed: (64, 64, 3)")
    assert not (tmp_path / "run").exists()
