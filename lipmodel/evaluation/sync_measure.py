"""How well the mouths of generated windows go with their clip's sound, by the flow half of the sync network."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch

from lipdata.config import Pipeline
from lipdata.errors import LipdataError
from lipdata.features import farneback_flow
from lipmodel.evaluation.aggregate import MODEL, STILL, TRUTH
from lipmodel.evaluation.test_set import EvaluationClip
from lipmodel.networks import REACH, SyncPair, coarse_flow
from lipmodel.sync import SHIFTS, Curve, curve_of, load_sync, one_thread, require_pipeline


def measure_sync(clip: EvaluationClip, generated: np.ndarray) -> pd.DataFrame:
    """Sync distance and sync confidence of the real video, of its first frame repeated, and of ``generated``.

    Args:
        generated: the windows that a model made, uint8, RGB [shape=(N, T, 64, 64, 3)].

    Returns:
        A row a video: clip_id, video, sync_distance, sync_confidence; NaN where the clip is too short, or of another
        frame rate, crop or mel than the network knows.
    """
    data, flow = clip.data(), clip.shard.pipeline.flow
    motions: dict[str, Iterable[np.ndarray]] = {
        TRUTH: (farneback_flow(data.frames[window], flow)[:-1] for window in clip.index),
        STILL: (np.zeros((clip.length - 1, *data.frames.shape[1:3], 2), np.float16) for _ in clip.index),
        MODEL: (farneback_flow(window, flow)[:-1] for window in generated),
    }
    pair = _known_pair(clip.shard.pipeline, clip.length)
    curves = {
        video: mean_curve(_window_curves(pair, flows, clip.index[:, 0], data.mel)) if pair else None
        for video, flows in motions.items()
    }
    return pd.DataFrame(
        {
            "clip_id": clip.clip_id,
            "video": video,
            "sync_distance": curve.distance if curve else np.nan,
            "sync_confidence": curve.confidence if curve else np.nan,
        }
        for video, curve in curves.items()
    )


def mean_curve(curves: Iterable[Curve]) -> Curve | None:
    """The mean over windows at every shift at which half of them have sound; None with less than half of the shifts."""
    some = list(curves)
    cosines = np.stack([curve.cosines for curve in some])  # N, 31
    known = np.isfinite(cosines)
    sums, counts = np.where(known, cosines, 0).sum(0), known.sum(0)
    enough = 2 * counts >= len(some)
    if 2 * enough.sum() < len(SHIFTS):
        return None
    return Curve(np.where(enough, sums / np.maximum(counts, 1), np.nan), sum(curve.frames for curve in some))


def _known_pair(pipeline: Pipeline, window_frames: int) -> SyncPair | None:
    """The flow half of the network that ships; None where it cannot judge windows of this kind."""
    network = load_sync()
    try:
        require_pipeline(pipeline, network, "the clip")
    except LipdataError:
        return None
    return network.pairs["flow"] if window_frames > 2 * REACH else None


@torch.inference_mode()
def _window_curves(pair: SyncPair, flows: Iterable[np.ndarray], firsts: np.ndarray, mel: np.ndarray) -> list[Curve]:
    """Of each window the curve of its motion against the sound of the whole clip."""
    with one_thread():
        sound = pair.sound(torch.from_numpy(np.array(mel))[None])[0].numpy()
        motions = (pair.motion(coarse_flow(torch.from_numpy(flow)[None]))[0].numpy() for flow in flows)
        return [curve_of(motion, sound, int(first)) for motion, first in zip(motions, firsts, strict=True)]
