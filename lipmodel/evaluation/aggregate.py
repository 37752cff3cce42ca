"""From frames to clips to the whole set: what is averaged over what."""

from collections.abc import Mapping

import pandas as pd

from lipmodel.evaluation.bootstrap import Mean, mean_over_clips
from lipmodel.metrics import decibel

TRUTH, STILL, MODEL = "ground truth", "still", "model"
VIDEOS = (TRUTH, STILL, MODEL)
# Lower is better for what is called a distance, higher for all others.
METRICS = ("lmd", "ssim", "psnr", "cpbd", "sync_distance", "sync_confidence", "lmd_template", "psnr_uint8")
# Of a clip's windows together, not of a frame.
SYNC = ("sync_distance", "sync_confidence")
DISTANCES = ("lmd", "lmd_template")
AVERAGED = ("lmd", "ssim", "cpbd", "lmd_template", "squared_error", "squared_error_uint8")


def by_clip(frames: pd.DataFrame, sync: pd.DataFrame, speakers: Mapping[str, str]) -> pd.DataFrame:
    """One row for every clip and video: each metric, and how many frames have no landmarks.

    Distances are means over the frames that have landmarks, NaN where none has. PSNR is that of the clip's mean squared
    error: a mean over the PSNR of frames is infinite as soon as one frame is equal to its real one.

    Args:
        frames: one row for every clip, video, window and frame, with the columns ``AVERAGED``.
        sync: one row for every clip and video, with the columns ``SYNC``.
        speakers: of every clip; empty where the corpus names none.
    """
    groups = frames.groupby(["clip_id", "video"], sort=True)
    table = groups[list(AVERAGED)].mean()
    table["frames"] = groups.size()
    for name in DISTANCES:
        table[f"frames_without_{name}"] = table["frames"] - groups[name].count()
    table["psnr"] = table.pop("squared_error").map(decibel)
    table["psnr_uint8"] = table.pop("squared_error_uint8").map(decibel)
    table = table.join(sync.set_index(["clip_id", "video"])[list(SYNC)]).reset_index()
    table.insert(1, "speaker", table.clip_id.map(speakers))
    return table


def over_clips(clips: pd.DataFrame) -> dict[str, dict[str, Mean]]:
    """Of every video and metric the mean over clips, each clip counting the same, with its interval."""
    return {
        video: {name: mean_over_clips(clips.loc[clips.video == video, name].to_numpy()) for name in METRICS}
        for video in VIDEOS
    }


def by_speaker(clips: pd.DataFrame) -> dict[str, dict[str, dict[str, Mean]]]:
    """The same for every speaker alone."""
    return {str(speaker): over_clips(some) for speaker, some in clips.groupby("speaker", sort=True)}


def without_landmarks(clips: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Of every video, how many frames have no landmarks, by distance."""
    sums = clips.groupby("video")[[f"frames_without_{name}" for name in DISTANCES]].sum()
    return {
        video: {name: int(sums.loc[video, f"frames_without_{name}"]) for name in DISTANCES}
        for video in VIDEOS
        if video in sums.index
    }


def ranked(clips: pd.DataFrame) -> list[str]:
    """The clips in order of the model's landmark distance, the nearest first; without those that have none."""
    model = clips[(clips.video == MODEL) & clips.lmd.notna()]
    return list(model.sort_values(["lmd", "clip_id"]).clip_id)


def with_psnr(frames: pd.DataFrame) -> pd.DataFrame:
    """Frames with their squared errors as PSNR too; that of an equal frame is infinite."""
    return frames.assign(psnr=frames.squared_error.map(decibel), psnr_uint8=frames.squared_error_uint8.map(decibel))
