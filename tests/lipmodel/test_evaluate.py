import json
import shutil
from dataclasses import replace

import cv2
import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from cpbd import compute
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from lipdata.corpus.manifest import read_manifest, write_manifest
from lipdata.errors import LipdataError
from lipdata.shards.reader import open_shards
from lipmodel.cli.main import main
from lipmodel.config import load_run, save_run
from lipmodel.evaluation.aggregate import METRICS, MODEL, STILL, TRUTH, VIDEOS
from lipmodel.evaluation.report import read_evaluation
from lipmodel.evaluation.run import evaluate_run
from lipmodel.images import to_pixels, to_signal
from lipmodel.metrics.blur_detection import cpbd
from lipmodel.metrics.luma import to_luma
from lipmodel.metrics.peak_signal_to_noise import psnr
from tests.lipmodel.untrained import generator_of, untrained

TEST_CLIPS, WINDOWS_A_CLIP, FRAMES_A_CLIP = 4, 8, 128


@pytest.fixture(scope="module")
def folder(grid_shards, tmp_path_factory):
    """A run that has learnt nothing yet from real GRID clips; steps 3 and 6, of which 3 is the best."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    untrained(folder, grid_shards, {3: 0.1, 6: 0.2})
    return folder


@pytest.fixture(scope="module")
def one_clip(grid_shards, tmp_path_factory):
    """A manifest that has one clip in its split test, for what takes no more."""
    path = tmp_path_factory.mktemp("manifest") / "one.csv"
    rows = read_manifest(grid_shards / "manifest.csv")
    write_manifest(path, [replace(row, split="test" if row.clip_id == "s26/bgbsza" else "train") for row in rows])
    return path


@pytest.fixture(scope="module")
def found(folder, grid_shards):
    return evaluate_run(folder, grid_shards, folder / "first", jobs=2)


def bytes_of(out):
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_counts(found):
    assert (found.found, found.measured, found.too_short, found.not_in_shards) == (TEST_CLIPS, TEST_CLIPS, 0, 0)
    assert (found.windows, found.frames) == (TEST_CLIPS * WINDOWS_A_CLIP, TEST_CLIPS * FRAMES_A_CLIP)
    assert found.learnt_from == 0
    assert sorted(found.speakers) == ["s26", "s31"]


def test_ground_truth_is_perfect_and_still_is_not(found):
    truth, still = found.videos[TRUTH], found.videos[STILL]
    assert (truth["lmd"].mean, truth["ssim"].mean, truth["psnr"].mean) == (0, 1, np.inf)
    assert 0.3 < still["lmd"].mean < 4 and 0.4 < still["ssim"].mean < 1 and 18 < still["psnr"].mean < 40
    assert found.without_landmarks[TRUTH]["lmd"] == 0


def test_still_is_what_the_metrics_say_of_its_frames(folder, found, grid_shards):
    clip = next(shard for shard in open_shards(grid_shards)).clip("s26/bgbsza")
    index = np.arange(0, 60, 8)[:, None] + np.arange(16)  # windows begin at 0, 8 ... 56
    real = clip.frames[index.ravel()]
    table = pd.read_csv(folder / "first" / "per_clip.csv").set_index(["clip_id", "video"])
    row = table.loc[(clip.clip_id, STILL)]
    assert row["psnr"] == pytest.approx(psnr(real, np.broadcast_to(clip.frames[0], real.shape)))
    assert row["cpbd"] == pytest.approx(cpbd(to_luma(clip.frames[:1]))[0])
    assert table.loc[(clip.clip_id, TRUTH), "cpbd"] == pytest.approx(cpbd(to_luma(real)).mean())


def test_the_model_is_measured_against_its_own_frames(folder, found, grid_shards):
    """Worked out once more with the generator, scikit-image and this clip alone."""
    clip = next(shard for shard in open_shards(grid_shards)).clip("s31/bgiq6p")
    generator, index = generator_of(folder, load_run(folder)), np.arange(0, 60, 8)[:, None] + np.arange(16)
    identity = to_signal(torch.from_numpy(clip.frames[:1].copy())).expand(8, -1, -1, -1)
    with torch.no_grad():
        spoken = generator(torch.from_numpy(clip.mel[index].reshape(8, 64, 128)), identity).video
    fake, real = to_pixels(spoken).flatten(0, 1).numpy(), clip.frames[index.ravel()]
    row = pd.read_csv(folder / "first" / "per_clip.csv").set_index(["clip_id", "video"]).loc[(clip.clip_id, MODEL)]
    pairs = [
        (cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), cv2.cvtColor(other, cv2.COLOR_RGB2GRAY))
        for one, other in zip(real, fake, strict=True)
    ]
    assert row["ssim"] == pytest.approx(np.mean([structural_similarity(*pair) for pair in pairs]), abs=1e-4)
    assert row["psnr"] == pytest.approx(peak_signal_noise_ratio(real, fake), abs=1e-3)
    assert row["cpbd"] == pytest.approx(np.mean([compute(other) for _, other in pairs]), abs=1e-3)


def test_tables_hold_every_frame_and_add_up(folder, found):
    frames, clips = (pd.read_csv(folder / "first" / f"per_{name}.csv") for name in ("frame", "clip"))
    assert len(frames) == TEST_CLIPS * FRAMES_A_CLIP * len(VIDEOS)
    assert len(clips) == TEST_CLIPS * len(VIDEOS)
    for video in VIDEOS:
        for name in ("lmd", "ssim", "cpbd", "lmd_template"):
            by_hand = frames[frames.video == video].groupby("clip_id")[name].mean().mean()
            assert by_hand == pytest.approx(found.videos[video][name].mean)


def test_twice_gives_identical_files_whatever_the_processes(folder, found, grid_shards):
    again = evaluate_run(folder, grid_shards, folder / "again", jobs=1)
    assert again == found
    assert bytes_of(folder / "again") == bytes_of(folder / "first")


def test_windows_at_once_change_next_to_nothing(folder, found, grid_shards, monkeypatch):
    monkeypatch.setattr(speak, "WINDOWS_AT_ONCE", 3)
    other = evaluate_run(folder, grid_shards, folder / "threes")
    for name in METRICS:
        assert other.videos[MODEL][name].mean == pytest.approx(found.videos[MODEL][name].mean, abs=1e-4)


def test_json_is_read_back_as_it_was(folder, found):
    path = folder / "first" / "evaluation.json"
    json.loads(path.read_text(), parse_constant=pytest.fail)  # no NaN, no Infinity
    assert read_evaluation(path) == found
    with pytest.raises(LipdataError, match=r"is no evaluation .* remove it"):
        read_evaluation(folder / "config.json")


def test_strips_show_real_above_generated(folder, found, grid_shards):
    strip = cv2.imread(str(folder / "first" / "worst.png"))[:, :, ::-1]
    clip = next(shard for shard in open_shards(grid_shards)).clip(found.examples["worst"])
    assert strip.shape == (4 * (2 * 64 + 8), 16 * 64, 3)
    np.testing.assert_array_equal(strip[:64, :64], clip.frames[0])
    np.testing.assert_array_equal(strip[136:200, 64:128], clip.frames[17])


def test_the_best_checkpoint_is_another(folder, grid_shards, one_clip):
    newest, best = (
        evaluate_run(folder, grid_shards, folder / f"best-{best}", manifest_path=one_clip, best=best)
        for best in (False, True)
    )
    assert (best.step, newest.step) == (3, 6)
    assert best.checkpoint_sha256 != newest.checkpoint_sha256
    assert best.videos[STILL] == newest.videos[STILL] and best.videos[MODEL] != newest.videos[MODEL]


def test_clips_that_are_short_missing_or_known_are_told(folder, shards_folder, tmp_path):
    run = untrained(tmp_path / "run", shards_folder, {1: None})
    rows = read_manifest(shards_folder / "manifest.csv")
    moved = [replace(row, split="test" if row.clip_id in ("s1/a", "s1/short") else "train") for row in rows]
    gone = [replace(moved[0], clip_id=f"s1/gone{number}", split="test") for number in range(2)]
    write_manifest(tmp_path / "other.csv", [*moved, *gone])
    found = evaluate_run(tmp_path / "run", shards_folder, tmp_path / "out", manifest_path=tmp_path / "other.csv")
    assert (found.found, found.measured, found.too_short, found.not_in_shards) == (4, 1, 1, 2)
    assert found.learnt_from == 1
    told = "\n".join(found.lines())
    assert "Of 4 clips of the split, 2 are not in the shards" in told and "has learnt from 1 of these clips" in told
    save_run(tmp_path / "run", replace(run, manifest=str(tmp_path / "none.csv")))
    assert evaluate_run(tmp_path / "run", shards_folder, tmp_path / "out2", split="val").learnt_from is None


def test_a_clip_without_a_face_has_no_landmarks_and_says_so(shards_folder, tmp_path):
    untrained(tmp_path / "run", shards_folder, {1: None})
    found = evaluate_run(tmp_path / "run", shards_folder, tmp_path / "out", split="val")
    assert found.videos[MODEL]["lmd"].mean is None and found.videos[MODEL]["ssim"].clips == 1
    assert found.without_landmarks[MODEL]["lmd"] == found.frames == 32
    assert found.examples == {}
    assert "model: 32 of 32 frames, real or its own, have no landmarks and count in no LMD." in found.lines()


def test_nothing_of_an_older_evaluation_is_left(shards_folder, tmp_path):
    untrained(tmp_path / "run", shards_folder, {1: None})
    (tmp_path / "out").mkdir()
    for name in ("best.png", ".thesis.part1.tex"):
        (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(LipdataError, match="holds best.png already"):
        evaluate_run(tmp_path / "run", shards_folder, tmp_path / "out", split="val")
    evaluate_run(tmp_path / "run", shards_folder, tmp_path / "out", split="val", overwrite=True)
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
        evaluate_run(tmp_path / "run", tmp_path / "shards", tmp_path / "out", split="val")
    louder = replace(run.pipeline, mel=replace(run.pipeline.mel, fmax_hz=8000))
    save_run(tmp_path / "run", replace(run, pipeline=louder))
    with pytest.raises(LipdataError, match="other crops or mel than the run learnt from"):
        evaluate_run(tmp_path / "run", shards_folder, tmp_path / "out", split="val")


@pytest.mark.parametrize(
    ("key", "value"), [("window_stride", 0), ("window_stride", "8"), ("manifest", 5), ("split", "\0")]
)
def test_a_strangers_configuration_is_refused(shards_folder, tmp_path, key, value):
    untrained(tmp_path / "run", shards_folder, {1: None})
    path = tmp_path / "run" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(LipdataError, match=f"config.json is of another version of lipmodel: {key}"):
        evaluate_run(tmp_path / "run", shards_folder, tmp_path / "out", split="val")


@pytest.mark.parametrize(
    "change",
    [lambda table: table["videos"].pop("model"), lambda table: table["videos"]["model"]["lmd"].update(mean="x")],
)
def test_a_strangers_evaluation_is_refused(folder, found, tmp_path, change):
    table = json.loads((folder / "first" / "evaluation.json").read_text())
    change(table)
    (tmp_path / "evaluation.json").write_text(json.dumps(table))
    with pytest.raises(LipdataError, match="is no evaluation of this lipmodel"):
        read_evaluation(tmp_path / "evaluation.json")


def test_a_clip_in_two_shards_is_refused(shards_folder, tmp_path):
    untrained(tmp_path / "run", shards_folder, {1: None})
    twice = shutil.copytree(shards_folder, tmp_path / "shards")
    shutil.copy(twice / "grid-00001.h5", twice / "grid-00002.h5")
    with pytest.raises(LipdataError, match="lies in both"):
        evaluate_run(tmp_path / "run", twice, tmp_path / "out", split="val")


def test_command(folder, grid_shards, one_clip):
    command = ["evaluate", str(folder), str(grid_shards), "--manifest", str(one_clip), "-o", str(folder / "cli")]
    run = CliRunner().invoke(main, [*command, "--paper"])
    assert run.exit_code == 0
    for part in ("| ground truth ", "| still ", "| model ", "| paper: chung ", "1.18", "next: lipmodel"):
        assert part in run.stdout
    again = CliRunner().invoke(main, command)
    assert again.exit_code == 2 and "--overwrite" in again.stderr and again.stderr.count("\n") == 1
    shown = CliRunner().invoke(main, [*command, "--overwrite", "--json"])
    assert json.loads(shown.stdout) == json.loads((folder / "cli" / "evaluation.json").read_text())


def test_a_mistake_leaves_no_folder_and_no_setting_behind(folder, shards_folder, tmp_path):
    before = torch.backends.cudnn.allow_tf32
    with pytest.raises(LipdataError, match="is no run folder"):
        evaluate_run(tmp_path / "nope", shards_folder, tmp_path / "nope" / "evaluation-test")
    assert not (tmp_path / "nope").exists()
    untrained(tmp_path / "run", shards_folder, {1: None})
    evaluate_run(tmp_path / "run", shards_folder, tmp_path / "out", split="val")
    assert torch.backends.cudnn.allow_tf32 == before


def test_corpus_that_the_paper_does_not_have(found):
    assert "The paper has no numbers for corpus 'other'." in replace(found, corpus="other").lines(paper=True)
