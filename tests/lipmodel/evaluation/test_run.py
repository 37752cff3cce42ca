"""An evaluation of real GRID clips: numbers, files, repeated runs."""

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from cpbd import compute
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import lipmodel
from lipdata.shards import ShardFolder
from lipmodel.config import load_run
from lipmodel.evaluation.aggregate import METRICS, MODEL, STILL, TRUTH, VIDEOS
from lipmodel.evaluation.run import evaluate_run
from lipmodel.images import to_pixels, to_signal
from lipmodel.inference import load, synthesis
from lipmodel.metrics.blur_detection import cpbd
from lipmodel.metrics.luma import to_luma
from lipmodel.metrics.peak_signal_to_noise import psnr
from tests.lipmodel.untrained import generator_of

TEST_CLIPS, WINDOWS_A_CLIP, FRAMES_A_CLIP = 2, 8, 128


def bytes_of(out):
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_counts(found):
    assert (found.found, found.measured, found.too_short, found.not_in_shards) == (TEST_CLIPS, TEST_CLIPS, 0, 0)
    assert (found.windows, found.frames) == (TEST_CLIPS * WINDOWS_A_CLIP, TEST_CLIPS * FRAMES_A_CLIP)
    assert found.learnt_from == 0
    assert sorted(found.speakers) == ["s22", "s23"]


def test_ground_truth_is_perfect_and_still_is_not(found):
    truth, still = found.videos[TRUTH], found.videos[STILL]
    assert (truth["lmd"].mean, truth["ssim"].mean, truth["psnr"].mean) == (0, 1, np.inf)
    assert 0.3 < still["lmd"].mean < 4 and 0.4 < still["ssim"].mean < 1 and 18 < still["psnr"].mean < 40
    assert found.without_landmarks[TRUTH]["lmd"] == 0


def test_still_is_what_the_metrics_say_of_its_frames(folder, found, grid_shards):
    clip = ShardFolder(grid_shards)["s22/lbbc2a"]
    index = np.arange(0, 60, 8)[:, None] + np.arange(16)  # windows begin at 0, 8 ... 56
    real = clip.frames[index.ravel()]
    table = pd.read_csv(folder / "first" / "per_clip.csv").set_index(["clip_id", "video"])
    row = table.loc[(clip.clip_id, STILL)]
    assert row["psnr"] == pytest.approx(psnr(real, np.broadcast_to(clip.frames[0], real.shape)))
    assert row["cpbd"] == pytest.approx(cpbd(to_luma(clip.frames[:1]))[0])
    assert table.loc[(clip.clip_id, TRUTH), "cpbd"] == pytest.approx(cpbd(to_luma(real)).mean())


def test_the_model_is_measured_against_its_own_frames(folder, found, grid_shards):
    """Computed once more with the generator, scikit-image and this clip alone."""
    clip = ShardFolder(grid_shards)["s23/priazn"]
    generator, index = generator_of(folder, load_run(folder)), np.arange(0, 60, 8)[:, None] + np.arange(16)
    identity = to_signal(torch.from_numpy(clip.frames[:1].copy())).expand(8, -1, -1, -1)
    with torch.no_grad():
        generated = generator(torch.from_numpy(clip.mel[index].reshape(8, 64, 128)), identity).video
    fake, real = to_pixels(generated).flatten(0, 1).numpy(), clip.frames[index.ravel()]
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


def test_twice_gives_identical_files_whatever_the_processes(folder, found, grid_shards, two_clips):
    again = evaluate_run(load(folder), grid_shards, folder / "again", manifest=two_clips, workers=1)
    assert again == found
    assert bytes_of(folder / "again") == bytes_of(folder / "first")


@pytest.mark.slow
def test_windows_at_once_change_next_to_nothing(folder, found, grid_shards, two_clips, monkeypatch):
    monkeypatch.setattr(synthesis, "WINDOWS_AT_ONCE", 3)
    other = evaluate_run(load(folder), grid_shards, folder / "threes", manifest=two_clips)
    for name in METRICS:
        assert other.videos[MODEL][name].mean == pytest.approx(found.videos[MODEL][name].mean, abs=1e-4)


def test_strips_show_real_above_generated(folder, found, grid_shards):
    strip = cv2.imread(str(folder / "first" / "worst.png"))[:, :, ::-1]
    clip = ShardFolder(grid_shards)[found.examples["worst"]]
    assert strip.shape == (4 * (2 * 64 + 8), 16 * 64, 3)
    np.testing.assert_array_equal(strip[:64, :64], clip.frames[0])
    np.testing.assert_array_equal(strip[136:200, 64:128], clip.frames[17])


def test_the_best_checkpoint_is_another(random_run, shards_folder, tmp_path):
    newest, best = (
        evaluate_run(load(random_run, best=best), shards_folder, tmp_path / f"best-{best}", split="val", workers=1)
        for best in (False, True)
    )
    assert (best.step, newest.step) == (1, 2)
    assert best.checkpoint_sha256 != newest.checkpoint_sha256
    assert best.videos[STILL] == newest.videos[STILL] and best.videos[MODEL] != newest.videos[MODEL]


def test_the_function_evaluate_gives_a_row_a_clip_of_the_same_numbers(folder, found, grid_shards, two_clips):
    table = lipmodel.evaluate(lipmodel.load(folder), grid_shards, manifest=two_clips, workers=2)
    written = pd.read_csv(folder / "first" / "per_clip.csv")
    assert list(table.clip_id) == ["s22/lbbc2a", "s23/priazn"] and list(table.speaker) == ["s22", "s23"]
    for video, prefix in ((MODEL, ""), (STILL, "still_")):
        rows = written[written.video == video]
        for name in METRICS:
            ours = table[prefix + name]
            # The file has the fewest digits from which a number of its type can be read back.
            assert ours.tolist() == rows[name].astype(ours.dtype).tolist(), (video, name)
