"""Means over frames, clips and speakers."""

import numpy as np
import pandas as pd
import pytest

from lipmodel.evaluation.aggregate import (
    MODEL,
    STILL,
    TRUTH,
    by_clip,
    by_speaker,
    over_clips,
    ranked,
    without_landmarks,
)

SPEAKERS = {"s1/a": "s1", "s2/b": "s2"}


@pytest.fixture
def frames() -> pd.DataFrame:
    """Two clips of two frames each; the model's second frame of s2/b has no landmarks."""
    rows = []
    for clip_id, lmds in (("s1/a", (3.0, 5.0)), ("s2/b", (1.0, np.nan))):
        for video, scale in ((TRUTH, 0), (STILL, 1), (MODEL, 2)):
            for frame, distance in enumerate(lmds):
                error = scale * (100.0 if frame else 300.0)
                measures = {"lmd": scale * distance, "lmd_template": 20 * scale * distance, "ssim": 1 - scale / 4}
                errors = {"squared_error": error, "squared_error_uint8": error / 2, "cpbd": 0.1}
                rows.append({"clip_id": clip_id, "video": video, "window": 0, "frame": frame} | measures | errors)
    return pd.DataFrame(rows)


@pytest.fixture
def sync() -> pd.DataFrame:
    """Of both clips, in another order than the frames; the model's of s2/b is not known."""
    rows = [
        {"clip_id": clip_id, "video": video, "sync_distance": distance, "sync_confidence": 1 - distance}
        for clip_id, scale in (("s2/b", np.nan), ("s1/a", 1))
        for video, distance in ((MODEL, 0.75 * scale), (STILL, 1.0), (TRUTH, 0.25))
    ]
    return pd.DataFrame(rows)


def test_a_clip_is_the_mean_of_its_frames_and_psnr_of_its_mean_error(frames, sync):
    clips = by_clip(frames, sync, SPEAKERS).set_index(["clip_id", "video"])
    assert clips.loc[("s1/a", MODEL), "lmd"] == 8
    assert clips.loc[("s1/a", MODEL), "speaker"] == "s1"
    assert clips.loc[("s1/a", STILL), "psnr"] == pytest.approx(10 * np.log10(255**2 / 200))
    assert clips.loc[("s1/a", STILL), "psnr_uint8"] == pytest.approx(10 * np.log10(255**2 / 100))
    assert clips.loc[("s1/a", TRUTH), "psnr"] == np.inf
    assert clips.loc[("s1/a", MODEL), ["sync_distance", "sync_confidence"]].tolist() == [0.75, 0.25]
    assert np.isnan(clips.loc[("s2/b", MODEL), "sync_distance"])
    assert over_clips(clips.reset_index())[MODEL]["sync_distance"].clips == 1


def test_frames_without_landmarks_are_counted_and_not_averaged(frames, sync):
    clips = by_clip(frames, sync, SPEAKERS)
    missing = clips.set_index(["clip_id", "video"])
    assert missing.loc[("s2/b", MODEL), ["lmd", "frames", "frames_without_lmd"]].tolist() == [2, 2, 1]
    assert without_landmarks(clips)[MODEL] == {"lmd": 1, "lmd_template": 1}


def test_each_clip_and_each_speaker_count_the_same(frames, sync):
    clips = by_clip(frames, sync, SPEAKERS)
    assert over_clips(clips)[MODEL]["lmd"].mean == pytest.approx((8 + 2) / 2)
    assert {speaker: means[MODEL]["lmd"].mean for speaker, means in by_speaker(clips).items()} == {"s1": 8, "s2": 2}


def test_clips_are_ranked_by_the_models_distance(frames, sync):
    assert ranked(by_clip(frames, sync, SPEAKERS)) == ["s2/b", "s1/a"]
    assert ranked(by_clip(frames.assign(lmd=np.nan), sync, SPEAKERS)) == []
