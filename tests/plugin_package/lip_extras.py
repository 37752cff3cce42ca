"""What another package adds to lipdata and lipmodel: a face detector, a feature and a loss."""

import hashlib
from pathlib import Path

import numpy as np
from torch import Tensor

from lipdata.config import LipsConfig, Pipeline
from lipdata.face import Track, open_detector
from lipdata.features import Feature, Signals
from lipmodel.losses import GeneratorPass, Loss


class ShiftedDlib:
    """dlib's landmarks, one pixel further to the right."""

    def __init__(self, path: Path | None) -> None:
        self._dlib = open_detector("dlib", path)

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"shifted {self._dlib.digest}".encode()).hexdigest()

    def track(self, clip_id: str, frames: np.ndarray, lips: LipsConfig) -> Track:
        track = self._dlib.track(clip_id, frames, lips)
        return Track.from_points(track.points + np.float32([1, 0]), lips)


def _loudness(signals: Signals, pipeline: Pipeline) -> np.ndarray:
    pieces = signals.sound.reshape(len(signals.mouths), -1)  # T, samples of a frame
    return 10 * np.log10(np.maximum(np.square(pieces).mean(1), 1e-10))


LOUDNESS = Feature("loudness", "float32", (), "N", "dB re 1.0", _loudness)


def _darkness(generated: GeneratorPass) -> Tensor:
    return (1 - generated.fake.video).mean()


DARKNESS = Loss("darkness", "--l-darkness", "Weight of how dark the video is.", _darkness, logged_at_zero=True)
