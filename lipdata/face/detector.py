"""What finds a face: two protocols, and the record of the landmarks of a clip."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from lipdata.config import LipsConfig
from lipdata.errors import ClipError

# Of the 68 points.
MOUTH = slice(48, 68)
N_POINTS = 68


@dataclass(frozen=True, repr=False)
class Track:
    """Landmarks of every frame of a clip.

    Attributes:
        points: float32, (x, y) in source pixels [shape=(T, 68, 2)].
        tracked: True where measured, False where interpolated [shape=(T,)].
        faces_detected: how often the detector found the face.
    """

    points: np.ndarray
    tracked: np.ndarray
    faces_detected: int

    def __post_init__(self) -> None:
        if self.points.shape != (len(self.tracked), N_POINTS, 2):
            raise ClipError("lips", f"landmarks of shape {self.points.shape}; allowed: {len(self.tracked)} x 68 x 2")

    def __repr__(self) -> str:
        return f"Track(points={self.points.shape}, tracked={int(self.tracked.sum())} of {len(self.tracked)})"

    @classmethod
    def from_points(cls, points: np.ndarray, lips: LipsConfig, faces_detected: int | None = None) -> "Track":
        """A track of points with gaps: frames without a face, of which one coordinate or more is NaN or infinite.

        Gaps of up to ``lips.max_gap`` frames are interpolated linearly; at both ends the nearest points are repeated.

        Args:
            points: (x, y) in source pixels [shape=(T, 68, 2)].
            faces_detected: None counts the frames with a face.

        Raises:
            ClipError: stage ``lips``: another shape, or a longer gap; names the frames.
        """
        points = np.asarray(points, np.float32)
        if points.ndim != 3 or points.shape[1:] != (N_POINTS, 2):
            raise ClipError("lips", f"landmarks of shape {points.shape}; allowed: frames x 68 x 2")
        tracked = np.isfinite(points).all((1, 2))
        _require_short_gaps(tracked, lips.max_gap)
        if not tracked.all():
            points = _interpolated(points, tracked)
        return cls(points, tracked, int(tracked.sum()) if faces_detected is None else faces_detected)


class PictureDetector(Protocol):
    """Faces and landmarks of single pictures: what :func:`lipdata.face.track_face` follows a face with."""

    def detect(self, frame: np.ndarray, width: float | None = None) -> list[tuple[np.ndarray, float]]:
        """Faces of an RGB frame as (box x0 y0 x1 y1, score), best first; ``width``: of the face that is looked for."""

    def landmarks(self, frame: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The 68 points of the face in ``box``, source pixels [shape=(68, 2)]."""

    def landmarks_of(self, frames: np.ndarray, box: np.ndarray) -> np.ndarray:
        """As ``landmarks``, of frames in which the face is in the same box [shape=(n, 68, 2)], float32."""


@runtime_checkable
class FaceDetector(Protocol):
    """The landmarks of a whole clip. A class of this kind is found by the entry point group ``lipdata.detectors``."""

    @property
    def digest(self) -> str:
        """SHA-256 of all that its landmarks depend on, its files included; part of the pipeline's digest."""

    def track(self, clip_id: str, frames: np.ndarray, lips: LipsConfig) -> Track:
        """Follow one face through a clip.

        Args:
            frames: uint8 RGB [shape=(T, H, W, 3)].

        Raises:
            ClipError: stage ``lips``: no face in more than ``lips.max_gap`` frames in a row.
        """


def true_runs(mask: Iterable[bool]) -> list[tuple[int, int]]:
    """Runs of True as (first, end), end not included.

    Example:
        >>> true_runs([True, False, True, True])
        [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(np.array([False, *mask, False]).astype(int)))
    return [(int(first), int(end)) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def _require_short_gaps(tracked: np.ndarray, max_gap: int) -> None:
    gaps = [gap for gap in true_runs(~tracked) if gap[1] - gap[0] > max_gap]
    if gaps:
        named = ", ".join(f"{first} to {end - 1}" for first, end in gaps[:5])
        raise ClipError("lips", f"no face in frames {named} of {len(tracked)}; longest gap allowed: {max_gap}")
    if not tracked.any():
        raise ClipError("lips", f"no face in any of {len(tracked)} frames")


def _interpolated(points: np.ndarray, tracked: np.ndarray) -> np.ndarray:
    known, times = np.flatnonzero(tracked), np.arange(len(points))
    flat = points[known].reshape(len(known), -1)
    filled = np.stack([np.interp(times, known, column) for column in flat.T], axis=1)  # T, 136
    return filled.reshape(points.shape).astype(np.float32)
