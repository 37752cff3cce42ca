"""The features that a shard may store of each frame. A new one is one file and one line here, or an entry point."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lipdata.config import RESERVED, Pipeline
from lipdata.errors import ClipError, LipdataError
from lipdata.features.mel import log_mel
from lipdata.features.optical_flow import farneback_flow
from lipdata.plugins import FEATURES, load_plugin, plugins


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
        shape: of one frame's value; a function of the pipeline where it depends on that.
        axes: a name for each axis, N (frames) first; as ``N, y, x, (dx, dy)``.
        units: for the reader of the file.
        compute: gives an array whose axis 0 runs over the frames [shape=(T, *shape)].

    Raises:
        LipdataError: no dataset can have this name, type or number of axes.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | Callable[[Pipeline], tuple[int, ...]]
    axes: str
    units: str
    compute: Callable[[Signals, Pipeline], np.ndarray]

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", self.name) or self.name in RESERVED:
            raise LipdataError(f"feature name {self.name!r}; allowed: lower case, and none of {', '.join(RESERVED)}")
        try:
            kind = np.dtype(self.dtype).kind
        except TypeError as error:
            raise LipdataError(f"feature {self.name}: dtype {self.dtype!r} is none of numpy's") from error
        if kind not in "biuf":
            raise LipdataError(f"feature {self.name}: dtype {self.dtype}; allowed: bool, integers, floats")
        if axes_rank(self.axes) < 1 or not self.axes.startswith("N"):
            raise LipdataError(f"feature {self.name}: axes {self.axes!r}; allowed: N first, then a name an axis")
        if not callable(self.shape) and axes_rank(self.axes) != 1 + len(self.shape):
            raise LipdataError(
                f"feature {self.name}: axes {self.axes!r} and shape {self.shape}; allowed: N and its axes"
            )

    def __call__(self, signals: Signals, pipeline: Pipeline) -> np.ndarray:
        """Compute it.

        Raises:
            ClipError: stage ``features``: an array of another shape.
        """
        array = np.asarray(self.compute(signals, pipeline), self.dtype)
        shape = self.shape(pipeline) if callable(self.shape) else self.shape
        if array.shape != (len(signals.mouths), *shape):
            raise ClipError("features", f"{self.name} is {array.shape}; it should be {(len(signals.mouths), *shape)}")
        return array


def axes_rank(axes: str) -> int:
    """How many axes a text like ``N, y, x, (dx, dy)`` names: parentheses are one."""
    return len(re.sub(r"\(.*?\)", "one axis", axes).split(", "))


def _mel(signals: Signals, pipeline: Pipeline) -> np.ndarray:
    return log_mel(signals.sound, len(signals.mouths), pipeline.mel, pipeline.video.fps)


def _flow(signals: Signals, pipeline: Pipeline) -> np.ndarray:
    return farneback_flow(signals.mouths, pipeline.flow)


def _mel_shape(pipeline: Pipeline) -> tuple[int, ...]:
    samples = pipeline.mel.sample_rate_hz // pipeline.video.fps
    return samples // pipeline.mel.hop + 1, pipeline.mel.n_mels


def _flow_shape(pipeline: Pipeline) -> tuple[int, ...]:
    return pipeline.video.size_px, pipeline.video.size_px, 2


FLOW_UNITS = "crop pixels a frame, from frame i to i + 1; 0 at a clip's last frame"
BUILT_IN = {
    "mel": Feature("mel", "float32", _mel_shape, "N, column, mel band", "dB re 1.0", _mel),
    "flow": Feature("flow", "float16", _flow_shape, "N, y, x, (dx, dy)", FLOW_UNITS, _flow),
}


@functools.cache
def find_feature(name: str) -> Feature:
    """The feature of this name: built in, or an entry point of the group ``lipdata.features``.

    Raises:
        LipdataError: there is none; names those there are.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    others = plugins(FEATURES)
    if name not in others:
        raise LipdataError(
            f"no feature {name!r}; known: {', '.join([*BUILT_IN, *others])}; install the package that has it"
        )
    feature = load_plugin(others[name])
    if not isinstance(feature, Feature) or feature.name != name:
        raise LipdataError(f"{name!r} of {FEATURES} is {feature!r}; allowed: a lipdata.features.Feature of that name")
    return feature
