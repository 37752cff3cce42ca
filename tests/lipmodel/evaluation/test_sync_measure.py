"""Sync distance and sync confidence of windows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from lipdata.features.optical_flow import farneback_flow
from lipdata.shards.reader import Shard
from lipmodel.evaluation.aggregate import MODEL, STILL, TRUTH
from lipmodel.evaluation.sync_measure import mean_curve, measure_sync
from lipmodel.evaluation.test_set import EvaluationClip
from lipmodel.networks.sync_inputs import coarse_flow
from lipmodel.sync.curve import SHIFTS, Curve
from lipmodel.sync.network import load_sync
from tests.lipmodel.evaluation.conftest import TEST_CLIPS


def clip_of(shard: Shard, clip_id: str) -> EvaluationClip:
    place = next(place for place in shard.clips if place.clip_id == clip_id)
    return EvaluationClip(shard, clip_id, place.speaker, place.length, 16, 8)


@pytest.fixture
def shard(grid_shards) -> Shard:
    """Of real clips."""
    return Shard(grid_shards / "grid-00000.h5")


def measures(table: pd.DataFrame, video: str) -> list[float]:
    return table.set_index("video").loc[video, ["sync_distance", "sync_confidence"]].tolist()


def test_the_mean_is_over_the_windows_that_have_sound_at_a_shift():
    flat, rising, early = np.full(31, 0.25), np.linspace(0, 0.5, 31), np.linspace(0, 0.5, 31)
    rising[:12], early[16:] = np.nan, np.nan
    curve = mean_curve([Curve(flat, 6), Curve(rising, 6)])
    np.testing.assert_allclose(curve.cosines, np.where(np.isnan(rising), 0.25, (0.25 + rising) / 2))
    assert curve.best == 30 and curve.frames == 12
    # Behind, one of three windows has sound, which is less than half.
    some = mean_curve([Curve(flat, 6), Curve(early, 6), Curve(early, 6)]).cosines
    assert np.isnan(some[16:]).all() and np.isfinite(some[:16]).all()
    early[15] = np.nan
    assert mean_curve([Curve(early, 6)]) is None


def test_ground_truth_is_what_a_plain_loop_finds(shard):
    """Window by window, shift by shift, vector by vector."""
    clip = clip_of(shard, TEST_CLIPS[0])
    data, pair = clip.data(), load_sync().pairs["flow"]
    with torch.no_grad():
        sound = pair.sound(torch.from_numpy(data.mel.copy())[None])[0].numpy()
        sums, counts = np.zeros(31), np.zeros(31)
        for first in range(0, 60, 8):
            flow = farneback_flow(data.frames[first : first + 16], shard.pipeline.flow)[:15]
            motion = pair.motion(coarse_flow(torch.from_numpy(flow)[None]))[0].numpy()
            assert motion.shape == (6, 48)
            for at, shift in enumerate(SHIFTS):
                places = [first + t + shift for t in range(6)]
                cosines = [motion[t] @ sound[place] for t, place in enumerate(places) if 0 <= place < len(sound)]
                if len(cosines) >= 3:
                    sums[at] += np.mean(cosines)
                    counts[at] += 1
    assert counts.min() >= 4, "no shift is left out"
    curve = sums / counts
    found = measure_sync(clip, data.frames[clip.index])
    assert measures(found, TRUTH) == pytest.approx([1 - curve.max(), curve.max() - np.median(curve)], abs=1e-5)


def test_a_model_is_measured_as_the_real_video_and_as_still_where_it_makes_those(shard):
    clip = clip_of(shard, TEST_CLIPS[1])
    frames = clip.data().frames
    found = measure_sync(clip, frames[clip.index])
    assert list(found.clip_id) == [clip.clip_id] * 3 and list(found.video) == [TRUTH, STILL, MODEL]
    assert measures(found, MODEL) == measures(found, TRUTH)
    repeated = np.broadcast_to(frames[0], (*clip.index.shape, 64, 64, 3))
    # Farneback's flow of two equal pictures is not quite 0.
    assert measures(measure_sync(clip, repeated), MODEL) == pytest.approx(measures(found, STILL), abs=2e-3)


@pytest.mark.parametrize("clip_id", TEST_CLIPS)
def test_speakers_never_seen_go_with_their_sound_and_still_mouths_do_not(shard, clip_id):
    clip = clip_of(shard, clip_id)
    frames = clip.data().frames
    found = measure_sync(clip, frames[::-1][clip.index])
    distance, confidence = measures(found, TRUTH)
    for other in (STILL, MODEL):  # the model's is the real video played backwards
        assert measures(found, other)[0] > distance and measures(found, other)[1] < confidence


def test_clips_that_are_short_or_of_another_pipeline_have_none(shards_folder, shard):
    short = Shard(shards_folder / "grid-00001.h5")
    for clip_id, known in (("s2/a", False), ("s2/val", True)):  # of 16 and of 24 frames
        clip = clip_of(short, clip_id)
        assert measure_sync(clip, clip.data().frames[clip.index]).sync_distance.notna().all() == known
    clip = clip_of(shard, TEST_CLIPS[0])
    generated = clip.data().frames[clip.index]
    shard.pipeline = replace(shard.pipeline, mel=replace(shard.pipeline.mel, fmax_hz=8000))
    assert measure_sync(clip, generated)[["sync_distance", "sync_confidence"]].isna().all(axis=None)
