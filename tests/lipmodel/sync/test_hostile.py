"""Sound and pictures of which no offset is right: a reason, or no confidence (docs/benchmarks/sync_hostile.md)."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

import lipmodel
from lipdata.config import load_pipeline
from lipdata.errors import LipdataError
from lipdata.features import farneback_flow, log_mel
from lipdata.shards import CONFIDENT_SD, Clip
from lipmodel.cli.commands import main
from lipmodel.sync import Curve, foreign_pairs, load_sync, rated, shard_folder, sync_folder, sync_media
from lipmodel.sync.answer import Measured
from lipmodel.sync.shard_folder import LEAST_DEVIATION, trusted_pairs

RATE_HZ, N_SAMPLES = 44100, 75 * 1764
RNG = np.random.default_rng(0)


def with_feature(clip: Clip, name: str, array: np.ndarray) -> Clip:
    return replace(clip, features={**clip.features, name: array})


def with_sound(clip: Clip, samples: np.ndarray) -> Clip:
    return with_feature(clip, "mel", log_mel(samples, len(clip), load_pipeline("grid").mel, clip.fps))


def gusts(seed: int) -> np.ndarray:
    """Noise whose level wanders as speech does, by a step of 40 ms."""
    rng = np.random.default_rng(seed)
    level = np.repeat(np.exp(rng.standard_normal(75)), 1764)
    return (0.05 * level * rng.standard_normal(N_SAMPLES)).astype(np.float32)


def tone(hz: float) -> np.ndarray:
    return 0.1 * np.sin(2 * np.pi * hz * np.arange(N_SAMPLES) / RATE_HZ)


@pytest.mark.parametrize(
    "samples", [tone(220), tone(1000), 0.1 * RNG.standard_normal(N_SAMPLES), RNG.integers(-1, 2, N_SAMPLES) / 32768]
)
def test_steady_sound_has_no_answer(real_clips, samples):
    """In log-mel not even a tone is steady: a frame's first and last columns lie half in silence."""
    assert "nothing to be in step with" in lipmodel.sync_offset(with_sound(real_clips[-1], samples)).reason


@pytest.mark.parametrize("place", range(8))
def test_noise_that_comes_and_goes_is_never_sure(real_clips, place):
    found = lipmodel.sync_offset(with_sound(real_clips[place], gusts(place)))
    assert found.reason or found.confidence_sd < CONFIDENT_SD


def test_a_still_picture_before_a_camera_has_no_answer(real_clips):
    clip = real_clips[-1]
    grain = RNG.normal(0, 4, clip.frames.shape)
    filmed = np.clip(clip.frames[30] + grain, 0, 255).astype(np.uint8)
    flow = farneback_flow(filmed, load_pipeline("grid").flow)
    assert "its mouth moves by 0.1" in lipmodel.sync_offset(with_feature(clip, "flow", flow)).reason


def test_one_flow_that_is_not_finite_is_noticed_wherever_it_lies(real_clips):
    for place in ((10, 1, 1, 0), (73, 63, 62, 1), (40, 2, 2, 0)):
        flow = real_clips[0].flow.copy()
        flow[place] = np.inf
        assert "not finite" in lipmodel.sync_offset(with_feature(real_clips[0], "flow", flow)).reason


def peak_at(shift: float, compared: int = 15) -> Curve:
    """A curve with one sharp peak, compared at shifts up to ``compared`` both ways."""
    shifts = np.arange(-15, 16)
    return Curve(np.where(abs(shifts) <= compared, np.exp(-abs(shifts - shift)), np.nan), 65)


@pytest.mark.parametrize(("shift", "compared"), [(15, 15), (-15, 15), (20, 15), (7, 7), (9, 7), (-9, 7)])
def test_a_curve_that_still_rises_at_its_end_has_no_answer(shift, compared):
    edge, inside = peak_at(shift, compared), peak_at(0)
    found = rated(Measured(edge, []), load_sync().own_foreign())
    assert f"still rises at {np.sign(shift) * compared:+d} frames" in found.reason and found.offset_frames is None
    of_windows = rated(Measured(inside, [edge, inside]), load_sync().own_foreign())
    assert of_windows.offset_min == of_windows.offset_max == pytest.approx(0)


def test_the_last_shift_but_one_has_an_answer():
    found = rated(Measured(peak_at(14), []), load_sync().own_foreign())
    assert found.offset_frames == pytest.approx(14, abs=0.5) and found.confidence_sd > CONFIDENT_SD


def test_a_folder_of_noise_is_held_against_the_model_cards_pairs(ten_clips, write_folder, tmp_path):
    """Its own vary so little that chance would look like a peak."""
    noisy = [with_sound(clip, gusts(place)) for place, clip in enumerate(ten_clips)]
    found = sync_folder(write_folder(tmp_path / "noisy", noisy), workers=1)
    assert found.foreign == load_sync().own_foreign()
    assert "confidence_sd by the model card's" in found.lines()[-2]
    assert not any((each.confidence_sd or 0) >= CONFIDENT_SD for each in found.answers.values())


def test_ten_times_the_same_clip_are_no_foreign_pairs(real_clips, write_folder, tmp_path):
    same = [replace(real_clips[0], clip_id=f"x/{place}") for place in range(10)]
    found = sync_folder(write_folder(tmp_path / "same", same), workers=1)
    assert found.foreign == load_sync().own_foreign()
    alone = lipmodel.sync_offset(real_clips[0])
    assert [each.confidence_sd for each in found.answers.values()] == [
        pytest.approx(alone.confidence_sd, abs=1e-4)
    ] * 10


def test_a_folders_pairs_count_from_a_share_of_the_model_cards_deviation():
    network = load_sync()
    card = network.own_foreign()
    enough = replace(card, deviation=(LEAST_DEVIATION + 0.01) * card.deviation, origin="mine")
    assert trusted_pairs(enough, network) == (enough, "")
    few = replace(card, deviation=(LEAST_DEVIATION - 0.01) * card.deviation, origin="mine")
    assert trusted_pairs(few, network)[0] == card
    # A network of one's own has no card; pairs that do not vary at all are refused even so.
    uncarded = replace(network, foreign=None)
    assert trusted_pairs(few, uncarded) == (few, "")
    with pytest.raises(LipdataError, match="no model card"):
        trusted_pairs(replace(few, deviation=0.0), uncarded)


def test_speech_keeps_its_own_pairs(ten_clips):
    network = load_sync()
    embedded = {clip.clip_id: network.embed(clip) for clip in ten_clips}
    own = foreign_pairs(
        {clip_id: each.motion for clip_id, each in embedded.items()},
        {clip_id: each.sound for clip_id, each in embedded.items()},
        "ten clips",
    )
    assert trusted_pairs(own, network) == (own, "")


def test_few_clips_are_said_to_be_few(real_clips, write_folder, tmp_path):
    found = sync_folder(write_folder(tmp_path / "few", real_clips), workers=1)
    assert found.lines()[-2].startswith("8 clips to compare, at least 10 wanted: ")


def test_what_cannot_be_written_is_said_before_anything_is_measured(tmp_path, clips):
    (tmp_path / "file").write_text("")
    with pytest.raises(LipdataError, match="cannot be written to: Not a directory"):
        sync_media([tmp_path / "not looked at.mp4"], tmp_path / "file" / "out.csv", network=load_sync())
    with pytest.raises(LipdataError, match="is a folder; give media files, or for shards: lipmodel sync "):
        sync_media([clips / "s1"], network=load_sync())


def test_a_network_without_a_card_refuses_few_clips_before_it_measures(real_clips, write_folder, tmp_path):
    folder = write_folder(tmp_path / "few", real_clips)
    with pytest.raises(LipdataError, match="no model card"):
        sync_folder(folder, tmp_path / "out" / "sync.csv", network=replace(load_sync(), foreign=None), workers=1)
    assert not list((tmp_path / "out").iterdir()), "nothing was measured, and nothing is left"


def test_stopped_by_ctrl_c_ends_with_130(real_clips, write_folder, tmp_path, monkeypatch):
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shard_folder, "measure_clip", stopped)
    result = CliRunner().invoke(main, ["sync", str(write_folder(tmp_path / "shards", real_clips)), "-j", "1"])
    assert result.exit_code == 130
    assert result.stderr.startswith("stopped; measured shards are kept\nnext: ") and "Traceback" not in result.stderr


def test_processes_are_for_shards_alone(clips):
    result = CliRunner().invoke(main, ["sync", "--media", str(clips / "s1" / "bbaf2n.mpg"), "-j", "2"])
    assert result.exit_code == 2 and "-j is for a shard folder" in result.stderr
