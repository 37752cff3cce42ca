"""Mouth landmarks of a clip: the face is detected now and then, and its landmarks predicted in every frame."""

import cv2
import numpy as np

from lipdata.config import LipsConfig
from lipdata.face.detector import PictureDetector, Track

# Correlation with the last detection. Measured on 162 GRID clips: a good track never fell below 0.64; background
# reaches 0.41 (99 of 100), a box a tenth of its side off 0.45 (median). A false alarm costs a detection.
LOST_BELOW = 0.6
# A face that has moved by this part of its side since it was detected, or grown by it, is detected anew. Measured on 18
# courses of heads that were made to move: with 0.1 one mouth landmark in a hundred lay 6.7 px off, with 0.07 1.4 px,
# for a third more detections. In 40 GRID clips 0.07 asks for one more in all, 0.05 for 13, and these do harm: the
# detector's own boxes come in steps of a ninth of their side.
MOVED = 0.07
# What may happen between a face and its continuation: moved by less than its side, grown by less than this.
GROWTH = 1.6
# So many frames at most are predicted before it is seen whether the face is still there.
AHEAD = 25


class _Face:
    """The face that is being followed: where it was detected and how it looked there, and where it is now."""

    def __init__(self, frame: np.ndarray, detector: PictureDetector, detected: np.ndarray) -> None:
        self.detected = self.box = detected
        self.points = detector.landmarks(frame, detected)
        self.appearance = _eyes_and_nose(frame, detected)
        centre, spread = _centre_and_spread(self.points)
        self.anchor = (detected - centre) / spread  # the detector's box in terms of the landmarks' centre and spread

    def boxes_about(self, points: np.ndarray) -> np.ndarray:
        """The detector's box, carried along with the landmarks of some frames [shape=(n, 4)]."""
        centre, spread = _centre_and_spread(points)
        return centre + self.anchor * spread


def track_face(frames: np.ndarray, detector: PictureDetector, lips: LipsConfig) -> Track:
    """Follow one face through a clip.

    Detects on the first frame, every ``detect_every`` frames, and where the landmarks have moved from the box by
    ``MOVED``. Between them the box stays: the predictor tolerates a face that is a little off, but answers one pixel of
    its box with up to six at the mouth. The track is lost, and the detector called at once, when eyes and nose no
    longer look like those of the last detection (correlation below ``LOST_BELOW``) or the face has jumped or changed
    its size.

    Args:
        frames: uint8 RGB [shape=(T, H, W, 3)].

    Raises:
        ClipError: stage ``lips``: more than ``max_gap`` frames in a row without the face; names the frames.
    """
    face: _Face | None = None
    points: np.ndarray | None = None
    found: list[np.ndarray | None] = []
    detections = 0
    while len(found) < len(frames):
        at = len(found)
        seen = _detect(frames[at], detector, face)
        if seen is not None:
            face, points, detections = seen, seen.points, detections + 1
        found.append(points)
        if face is not None and points is not None:
            if seen is None:
                face.detected = face.box
            due = lips.detect_every - at % lips.detect_every
            followed, points = _follow(frames[at + 1 :], due, detector, face)
            found += followed
    missing = np.full((68, 2), np.nan, np.float32)
    every = np.stack([missing if frame is None else frame for frame in found])  # T, 68, 2
    return Track.from_points(every, lips, detections)


def _follow(
    frames: np.ndarray, due: int, detector: PictureDetector, face: _Face
) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Landmarks up to the frame that asks for a detection, and those of that frame; None where the track is lost.

    It asks if it is the ``due``-th, or if the face has moved.
    """
    followed: list[np.ndarray] = []
    while len(followed) < len(frames):
        # Fewer after a detection: what moves is detected anew soon.
        ahead = frames[len(followed) :][: min(AHEAD, 2 * len(followed) + 1, due - len(followed))]
        predicted = detector.landmarks_of(ahead, face.detected)  # n, 68, 2
        for frame, points, box in zip(ahead, predicted, face.boxes_about(predicted), strict=True):
            if not _continues(face.box, box) or _eyes_and_nose(frame, box) @ face.appearance < LOST_BELOW:
                return followed, None
            face.box = box
            moved, grown = _change(face.detected, box)
            if len(followed) + 1 == due or max(moved, abs(grown - 1)) > MOVED:
                return followed, points
            followed.append(points)
    return followed, None


def _detect(frame: np.ndarray, detector: PictureDetector, face: _Face | None) -> _Face | None:
    """The face that is followed, detected anew; the best of all where none is followed yet."""
    found = [box for box, _ in detector.detect(frame)] if face is None else _continuations(frame, detector, face.box)
    return _Face(frame, detector, found[0]) if found else None


def _continuations(frame: np.ndarray, detector: PictureDetector, last: np.ndarray) -> list[np.ndarray]:
    for width in (last[2] - last[0], None):
        near = [box for box, _ in detector.detect(frame, width) if _continues(last, box)]
        if near:
            return sorted(near, key=lambda box: float(np.abs(box - last).sum()))
    return []


def _eyes_and_nose(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Eyes and nose, the part of a face box that stays alike while the mouth speaks: 32 x 20 greys.

    Their mean is 0 and their length 1, so that the product of two is their correlation; all 0 where they are flat.
    """
    width, height = box[2] - box[0], 0.62 * (box[3] - box[1])
    to_patch = np.array([[32 / width, 0, -32 * box[0] / width], [0, 20 / height, -20 * box[1] / height]])
    patch = cv2.warpAffine(frame, to_patch, (32, 20), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32).ravel()
    grey -= grey.mean()
    return grey / max(np.sqrt(grey @ grey), 1e-6)


def _centre_and_spread(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre, as x, y, x, y, and spread, of the landmarks of one frame or more [shape=(..., 4), (..., 1)]."""
    return points.mean(-2)[..., [0, 1, 0, 1]], points.std((-2, -1))[..., None]


def _continues(last: np.ndarray, box: np.ndarray) -> bool:
    moved, grown = _change(last, box)
    return moved < 1 and 1 / GROWTH < grown < GROWTH


def _change(last: np.ndarray, box: np.ndarray) -> tuple[float, float]:
    """How far a box has moved along x or y, in its own widths, and how many times as wide it is now."""
    (left, top, right, bottom), (left2, top2, right2, bottom2) = last.tolist(), box.tolist()
    moved = max(abs(left2 + right2 - left - right), abs(top2 + bottom2 - top - bottom)) / 2
    return moved / (right - left), (right2 - left2) / (right - left)
