"""The features that a shard may store of each frame. A new one is one file and one line here, or an entry point."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points

import numpy as np

from lipdata.config import Pipeline
from lipdata.errors import LipdataError
from lipdata.features.mel import log_mel
from lipdata.features.optical_flow import farneback_flow

ENTRY_POINTS = "lipdata.features"


@dataclass(frozen=True, repr=False)
class Signals:
    """What a feature is computed from.

    Attributes:
        mouths: mouth crops, uint8 RGB [shape=(T, size_px, size_px, 3)].
        sound: float32 mono, -1 to 1, at ``pipeline.mel.sample_rate_hz`` [shape=(T * sample_rate_hz / fps,)].
        landmarks: points 48 to 67, (x, y) in crop pixels [shape=(T, 20, 2)].
    """

    mouths: np.ndarray
    sound: np.ndarray
    landmarks: np.ndarray

    def __repr__(self) -> str:
        return f"Signals(mouths={self.mouths.shape}, sound={self.sound.shape})"


@dataclass(frozen=True)
class Feature:
    """One dataset of a shard that is computed from a clip's signals.

    Attributes:
        name: of the dataset.
        dtype: numpy's name of the stored type.
        axes: a name for each axis, N (frames) first; as ``N, y, x, (dx, dy)``.
        units: for the reader of the file.
        compute: gives an array whose axis 0 runs over the frames [shape=(T, ...)].
    """

    name: str
    dtype: str
    axes: str
    units: str
    compute: Callable[[Signals, Pipeline], np.ndarray]

    def __call__(self, signals: Signals, pipeline: Pipeline) -> np.ndarray:
        """Compute it, and refuse an array of another number of frames."""
        array = np.asarray(self.compute(signals, pipeline), self.dtype)
        if array.shape[:1] != (len(signals.mouths),):
            raise LipdataError(f"feature {self.name} has shape {array.shape}; axis 0 must be {len(signals.mouths)}")
        return array


def _mel(signals: Signals, pipeline: Pipeline) -> np.ndarray:
    return log_mel(signals.sound, len(signals.mouths), pipeline.mel, pipeline.video.fps)


def _flow(signals: Signals, pipeline: Pipeline) -> np.ndarray:
    return farneback_flow(signals.mouths, pipeline.flow)


FLOW_UNITS = "crop pixels a frame, from frame i to i + 1; 0 at a clip's last frame"
BUILT_IN = {
    "mel": Feature("mel", "float32", "N, column, mel band", "dB re 1.0", _mel),
    "flow": Feature("flow", "float16", "N, y, x, (dx, dy)", FLOW_UNITS, _flow),
}


@functools.cache
def find_feature(name: str) -> Feature:
    """The feature of this name: built in, or an entry point of the group ``lipdata.features``.

    Raises:
        LipdataError: there is none; names those there are.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    others = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if name not in others:
        known = ", ".join([*BUILT_IN, *sorted(others)])
        raise LipdataError(f"no feature {name!r}; known: {known}; install the package that has it")
    feature = others[name].load()
    if not isinstance(feature, Feature) or feature.name != name:
        raise LipdataError(f"entry point {name} of {ENTRY_POINTS} is {feature!r}; allowed: a Feature of that name")
    return feature
