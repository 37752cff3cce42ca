"""Landmark distance: how far the lips of a generated mouth lie from those of the real one (paper, section 5.2, Eq. 5).

dlib finds no face in a mouth crop. Real and generated mouths are pasted into the same face, and landmarked there:

* ``lmd`` is Eq. 5, in the clip's own reference face and its one box;
* ``lmd_template`` is what the authors' code does, in one face for all and a box that is detected anew in each picture.
"""

import cv2
import numpy as np

from lipdata.face import MOUTH, DlibDetector, crop_frames, to_crop_pixels
from lipdata.samples import photograph
from lipmodel.metrics.canvas import Canvas

# dlib's points are whole pixels of the picture. Centred landmarks of pasted real mouths lie from those of the source
# video, itself in whole pixels: 0.86 crop pixels at 1, 0.79 at 2, 0.77 at 4, 0.77 at 8 (67 GRID clips).
ENLARGED = 4
# Of the crop's place in a reference face; in GRID's it is 57 to 77 pixels wide.
NARROWEST_PX = 16
# The template's side. The detector looks for faces in sizes that are 6/5 apart; at 188 this face meets one of them.
# Missed in GRID's real mouths: 3 of 4050; at 180, one in five. A crop is 68 pixels wide, theirs 64 or 66.
TEMPLATE_PX = 188
# In the photograph of the template: x0, y0, x1, y1, pixels.
FACE, MOUTH_CROP = np.array([146.45, 53.45, 304.55, 211.55]), np.array([194.4, 118.9, 251.6, 176.1])


class OwnFace:
    """A clip's reference face, in which its mouths are landmarked.

    Args:
        face: uint8, RGB [shape=(256, 256, 3)].
        face_lips: x0, y0, x1, y1 of the mouth crop in ``face`` [shape=(4,)].
    """

    def __init__(self, face: np.ndarray, face_lips: np.ndarray, detector: DlibDetector) -> None:
        self._detector = detector
        self._face, self._place = face, face_lips
        self._box = _around(detector.detect(face), face_lips) if _is_place(face_lips, face) else None

    def landmarks(self, mouths: np.ndarray) -> np.ndarray:
        """Points 48 to 67 of each mouth in crop pixels; NaN all of them where the detector finds no reference face.

        Shape:
            mouths: uint8, RGB, (T, 64, 64, 3); result: (T, 20, 2), x and y.
        """
        if self._box is None:
            return np.full((len(mouths), 20, 2), np.nan)
        large = cv2.resize(self._face, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_LINEAR)
        canvas, box = Canvas(large, ENLARGED * self._place), ENLARGED * self._box
        points = np.stack([self._detector.landmarks(picture, box) for picture in canvas.pasted(mouths)])  # T, 68, 2
        return to_crop_pixels(points, np.tile(canvas.place, (len(mouths), 1)), mouths.shape[1])


class TemplateFace:
    """One face for all clips: the astronaut of scikit-image (Eileen Collins, NASA, public domain).

    Where face and mouth lie in the photograph was found as in ingest, by dlib's landmarks and GRID's crop, and is fixed
    here: the definition of a metric does not change with a detector.
    """

    def __init__(self, detector: DlibDetector) -> None:
        self._detector = detector
        picture = crop_frames(photograph()[None], FACE[None], TEMPLATE_PX)[0]
        place = (MOUTH_CROP - np.tile(FACE[:2], 2)) * TEMPLATE_PX / (FACE[2] - FACE[0])
        self._canvas = Canvas(picture, place)

    def landmarks(self, mouths: np.ndarray) -> np.ndarray:
        """Points 48 to 67 of each mouth in pixels of the template; NaN where the detector finds no face.

        Shape:
            mouths: uint8, RGB, (T, 64, 64, 3); result: (T, 20, 2), x and y.
        """
        return np.stack([self._in(picture) for picture in self._canvas.pasted(mouths)])

    def _in(self, picture: np.ndarray) -> np.ndarray:
        box = _around(self._detector.faces(picture), self._canvas.place)
        return np.full((20, 2), np.nan) if box is None else self._detector.landmarks(picture, box)[MOUTH]


def lmd(real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """Eq. 5 of each frame: the mean distance of the 20 points once both mean points are brought together.

    The paper's LMD is the mean of it over frames. NaN where a frame has no landmarks.

    Shape:
        real, fake: (T, 20, 2); result: (T,), in the unit of the points.

    Example:
        >>> real = np.zeros((1, 2, 2))  # both points at (0, 0)
        >>> fake = np.array([[[7.0, 1.0], [7.0, 5.0]]])  # 2 above and 2 below their mean point
        >>> lmd(real, fake), lmd(real + 9, fake)
        (array([2.]), array([2.]))
    """
    return _distances(real, fake).mean(-1)


def lmd_template(real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """As ``lmd``, but the sum over the points, as in the authors' code. NaN where either frame has no landmarks.

    Shape:
        real, fake: (T, 20, 2); result: (T,), in the unit of the points.
    """
    return _distances(real, fake).sum(-1)


def _distances(real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """How far apart the points of each frame lie, both mean points brought together [shape=(T, 20)]."""
    return np.linalg.norm(_centred(real) - _centred(fake), axis=-1)


def _centred(points: np.ndarray) -> np.ndarray:
    return points - points.mean(-2, keepdims=True)


def _is_place(place: np.ndarray, face: np.ndarray) -> bool:
    """Whether a mouth can be pasted there, and be seen: an untrusted shard may hold anything."""
    size = place[2:] - place[:2]
    inside = (place[:2] >= 0).all() and (place[2:] <= face.shape[1::-1]).all()
    return bool(inside and size.min() >= NARROWEST_PX and size.max() <= 1.05 * size.min())


def _around(faces: list[tuple[np.ndarray, float]], place: np.ndarray) -> np.ndarray | None:
    """The box of the best face that the middle of ``place`` lies in: another face is not the one that speaks."""
    middle = (place[:2] + place[2:]) / 2
    return next((box for box, _ in faces if (box[:2] < middle).all() and (middle < box[2:]).all()), None)
