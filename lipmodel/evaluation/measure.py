"""One clip and what a model made of it -> every metric of every frame, for three videos.

Frames of overlapping windows are the same real frame, generated twice: what depends on the real frame alone is worked
out once.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from rich.console import Console
from rich.progress import track

from lipdata.face import cached_detector, predictor_path
from lipdata.ingestion import process_pool_workers, worker_context
from lipdata.shards import Clip
from lipmodel.evaluation.aggregate import MODEL, STILL, TRUTH
from lipmodel.evaluation.sync_measure import measure_sync
from lipmodel.evaluation.test_set import EvaluationClip
from lipmodel.metrics import (
    OwnFace,
    TemplateFace,
    cpbd,
    lmd,
    lmd_template,
    squared_error,
    squared_error_uint8,
    ssim,
    to_luma,
)

# Of each process, the clips that are made, then measured: bounds the memory.
CLIPS_AT_ONCE = 4


@dataclass(frozen=True, repr=False)
class FrameMeasures:
    """Frames, and what of their measures takes no second video.

    Attributes:
        frames: uint8, RGB [shape=(T, 64, 64, 3)].
        own, template: landmarks in the clip's own face and in the template, NaN where none [shape=(T, 20, 2)].
        cpbd: [shape=(T,)].
    """

    frames: np.ndarray
    own: np.ndarray
    template: np.ndarray
    cpbd: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> "FrameMeasures":
        return FrameMeasures(self.frames[rows], self.own[rows], self.template[rows], self.cpbd[rows])


class FrameMeter:
    """Measures frames of one clip.

    Args:
        predictor: dlib's 68-point predictor.
    """

    def __init__(self, clip: Clip, predictor: Path) -> None:
        self._template = _template(predictor)
        self._own = OwnFace(clip.face, clip.face_lips, cached_detector(predictor))

    def measure(self, frames: np.ndarray) -> FrameMeasures:
        """Landmarks and sharpness of frames [shape=(T, 64, 64, 3), uint8, RGB]."""
        return FrameMeasures(
            frames, self._own.landmarks(frames), self._template.landmarks(frames), cpbd(to_luma(frames))
        )


def measure_clips(
    clips: Sequence[EvaluationClip], made: Callable[[EvaluationClip], np.ndarray], jobs: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``measure_clip`` and ``measure_sync`` of every clip, in their order.

    Args:
        made: what a model makes of a clip; called in this process, for a few clips at a time.
        jobs: processes that measure, None for one a core; they change no number.
    """
    processes = jobs or joblib.cpu_count()
    predictor, group = predictor_path(), CLIPS_AT_ONCE * processes
    tables: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    firsts = range(0, len(clips), group)
    # Arrays go through the pipe: of those that joblib maps into memory, its resource tracker prints tracebacks.
    with process_pool_workers(processes, predictor), Parallel(max_nbytes=None) as pool:
        for first in track(firsts, "measuring", console=Console(stderr=True), disable=not sys.stderr.isatty()):
            pairs = [(clip, made(clip)) for clip in clips[first : first + group]]
            tables += pool(delayed(_measured)(os.getpid(), *pair, predictor) for pair in pairs)
    frames, sync = zip(*tables, strict=True)
    return pd.concat(frames, ignore_index=True), pd.concat(sync, ignore_index=True)


def _measured(
    parent_pid: int, clip: EvaluationClip, generated: np.ndarray, predictor: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    with worker_context(parent_pid):
        return measure_clip(clip, generated, predictor), measure_sync(clip, generated)


def measure_clip(clip: EvaluationClip, generated: np.ndarray, predictor: Path) -> pd.DataFrame:
    """Every metric of every frame of every window: of the real video, its first frame repeated, and ``generated``.

    Args:
        generated: the windows that a model made, uint8, RGB [shape=(N, T, 64, 64, 3)].

    Returns:
        A row a frame: clip_id, video, window, frame (of the clip), then the measures by name.
    """
    data, index = clip.data(), clip.index  # index: N, T
    meter = FrameMeter(data, predictor)
    real = meter.measure(data.frames[: index.max() + 1])
    still = real[np.zeros(len(real.frames), int)]
    model = meter.measure(generated.reshape(-1, *generated.shape[2:]))
    windows = index.ravel()
    tables = {
        TRUTH: compare_frames(real, real).iloc[windows],
        STILL: compare_frames(real, still).iloc[windows],
        MODEL: compare_frames(real[windows], model),
    }
    for video, table in tables.items():
        table.insert(0, "clip_id", clip.clip_id)
        table.insert(1, "video", video)
        table.insert(2, "window", np.repeat(np.arange(len(index)), index.shape[1]))
        table.insert(3, "frame", windows)
    return pd.concat(tables.values(), ignore_index=True)


def compare_frames(real: FrameMeasures, fake: FrameMeasures) -> pd.DataFrame:
    """Each metric of each pair of frames, a row a pair."""
    return pd.DataFrame(
        {
            "lmd": lmd(real.own, fake.own),
            "ssim": ssim(real.frames, fake.frames),
            "squared_error": squared_error(real.frames, fake.frames),
            "cpbd": fake.cpbd,
            "lmd_template": lmd_template(real.template, fake.template),
            "squared_error_uint8": squared_error_uint8(real.frames, fake.frames),
        }
    )


@cache
def _template(predictor: Path) -> TemplateFace:
    return TemplateFace(cached_detector(predictor))
