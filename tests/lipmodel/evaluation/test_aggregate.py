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


def test_a_clip_is_the_mean_of_its_frames_and_psnr_of_its_mean_error(frames):
    clips = by_clip(frames, SPEAKERS).set_index(["clip_id", "video"])
    assert clips.loc[("s1/a", MODEL), "lmd"] == 8
    assert clips.loc[("s1/a", MODEL), "speaker"] == "s1"
    assert clips.loc[("s1/a", STILL), "psnr"] == pytest.approx(10 * np.log10(255**2 / 200))
    assert clips.loc[("s1/a", STILL), "psnr_uint8"] == pytest.approx(10 * np.log10(255**2 / 100))
    assert clips.loc[("s1/a", TRUTH), "psnr"] == np.inf


def test_frames_without_landmarks_are_counted_and_not_averaged(frames):
    clips = by_clip(frames, SPEAKERS)
    missing = clips.set_index(["clip_id", "video"])
    assert missing.loc[("s2/b", MODEL), ["lmd", "frames", "frames_without_lmd"]].tolist() == [2, 2, 1]
    assert without_landmarks(clips)[MODEL] == {"lmd": 1, "lmd_template": 1}


def test_each_clip_and_each_speaker_count_the_same(frames):
    clips = by_clip(frames, SPEAKERS)
    assert over_clips(clips)[MODEL]["lmd"].mean == pytest.approx((8 + 2) / 2)
    assert {speaker: means[MODEL]["lmd"].mean for speaker, means in by_speaker(clips).items()} == {"s1": 8, "s2": 2}


def test_clips_are_ranked_by_the_models_distance(frames):
    assert ranked(by_clip(frames, SPEAKERS)) == ["s2/b", "s1/a"]
    assert ranked(by_clip(frames.assign(lmd=np.nan), SPEAKERS)) == []
