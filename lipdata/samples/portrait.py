"""The people of the sample corpus: the astronaut of scikit-image, warped smoothly into other proportions.

The photograph (Eileen Collins, NASA, public domain) is the only picture there is; dlib finds the face in it,
here and now, and skin and shape are changed along its landmarks.

All warps run backwards: a pixel of the new picture asks where in the old one it comes from.
"""

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import dlib
import face_recognition_models
import numpy as np
from numpy.typing import NDArray

from lipdata.errors import LipdataError

Floats = NDArray[np.floating[Any]]
Image = NDArray[np.uint8]

FRAME_WIDTH, FRAME_HEIGHT = 360, 288
FINE = 1.5  # the face is drawn this much larger than the frame shows it
_MARGIN = 24  # frame pixels around the frame, for the head to sway in
# Of dlib's 68 landmarks.
_LEFT_EYE, _RIGHT_EYE, _INNER_LIPS = slice(36, 42), slice(42, 48), slice(60, 68)
CORNERS, NOSE_BASE, CHIN = [48, 54], 33, 8


@dataclass(frozen=True)
class Look:
    """How a speaker differs from the photograph; factors of 1 leave it as it is.

    Attributes:
        zoom: frame pixels for each pixel of the photograph, about 1.2 to 1.5.
        centre_px: where the middle of the face stands in the frame, x and y.
        face_width, jaw_width, mouth_size, face_length: factors, 0.85 to 1.15.
        skin_gamma: above 1 is a darker skin, below 1 a fairer one.
        skin_gain: factors for red, green and blue of the skin.
        light: factors for red, green and blue of the whole picture.
    """

    zoom: float
    centre_px: tuple[float, float]
    face_width: float
    jaw_width: float
    mouth_size: float
    face_length: float
    skin_gamma: float
    skin_gain: tuple[float, float, float]
    light: tuple[float, float, float]


@dataclass(frozen=True)
class Sway:
    """Where the head is in one frame, off its place: pixels, degrees and a factor of size."""

    right_px: float
    down_px: float
    turn_deg: float
    size: float


def photograph() -> Image:
    """The portrait, RGB, shape (512, 512, 3).

    Raises:
        LipdataError: scikit-image is not installed.
    """
    try:
        from skimage.data import astronaut
    except ImportError as error:
        raise LipdataError(
            "the sample corpus needs the portrait in scikit-image, which is not installed; "
            "run pip install 'lipdata[demo]'"
        ) from error
    return np.asarray(astronaut(), np.uint8)


def find_landmarks(image: Image) -> Floats:
    """dlib's 68 landmarks of the surest face, to a third of a pixel; float32, shape (68, 2), x and y.

    Raises:
        LipdataError: no face.
    """
    boxes, scores, _ = dlib.get_frontal_face_detector().run(image, 0, 0.0)
    if not boxes:
        raise LipdataError("dlib found no face in the portrait; install the versions that lipdata names")
    surest = boxes[int(np.argmax(scores))]
    box = dlib.rectangle(3 * surest.left(), 3 * surest.top(), 3 * surest.right(), 3 * surest.bottom())
    large = cv2.resize(image, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    points = _predictor()(large, box).parts()
    return (np.array([(point.x, point.y) for point in points], np.float32) - 1.0) / 3.0  # 68, 2


@functools.cache
def _predictor() -> dlib.shape_predictor:
    # A hundred megabytes, which take half a second to read.
    return dlib.shape_predictor(face_recognition_models.pose_predictor_model_location())


def hill(x: Floats) -> Floats:
    """1 at 0, 0 from 1 outwards, smooth."""
    return np.clip(1.0 - x * x, 0.0, 1.0) ** 2


def rise(x: Floats) -> Floats:
    """0 up to 0, 1 from 1 on, smooth."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def portrait(look: Look) -> Image:
    """The photograph turned into another person, ``FINE`` times the frame with its margins; RGB, uint8."""
    photo = photograph()
    points = find_landmarks(photo)
    return _other_proportions(_other_skin(photo, points, look), points, look)


def _other_skin(photo: Image, points: Floats, look: Look) -> Image:
    colour = photo.astype(np.float32)
    skin = 255.0 * (colour / 255.0) ** look.skin_gamma * np.array(look.skin_gain, np.float32)
    share = _skin_share(colour, points)[..., None]  # H, W, 1
    mixed = (colour + share * (skin - colour)) * np.array(look.light, np.float32)
    return np.clip(mixed, 0.0, 255.0).astype(np.uint8)


def _skin_share(colour: Floats, points: Floats) -> Floats:
    """1 on skin, hair and lips, 0 elsewhere, smooth between; shape (H, W)."""
    # Neck and hair are coloured, the backdrop is nearly grey; but so are highlights on the face itself.
    chroma = 1.0 - colour.min(2) / np.maximum(colour.max(2), 1.0)  # H, W
    x, y = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in chroma.shape[::-1]))
    centre, eyes_px = _middle(points)
    head = rise(3.6 - 1.2 * np.hypot(x - centre[0], y - centre[1]) / eyes_px)
    face = _filled(np.concatenate([points[:17], points[26:16:-1]]), chroma.shape)
    grey = sum(_filled(points[part], chroma.shape) for part in (_LEFT_EYE, _RIGHT_EYE, _INNER_LIPS))
    skin = cv2.GaussianBlur(np.maximum(rise((chroma - 0.12) / 0.14) * head, face), (0, 0), 1.5)
    return np.asarray(skin * (1.0 - cv2.GaussianBlur(np.asarray(grey), (0, 0), 0.6)), np.float32)


def _filled(outline: Floats, shape: tuple[int, ...]) -> Floats:
    """1 within the outline, 0 without."""
    mask = np.zeros(shape, np.float32)
    cv2.fillPoly(mask, [outline.round().astype(np.int32)], 1.0)
    return mask


def _middle(points: Floats) -> tuple[Floats, float]:
    """The middle between eyes and mouth, and how far apart the eyes are."""
    left, right = points[_LEFT_EYE].mean(0), points[_RIGHT_EYE].mean(0)
    mouth = points[CORNERS].mean(0)
    return ((left + right) / 2 + mouth) / 2, float(np.hypot(*(right - left)))


def _other_proportions(photo: Image, points: Floats, look: Look) -> Image:
    width, height = (round(FINE * (size + 2 * _MARGIN)) for size in (FRAME_WIDTH, FRAME_HEIGHT))
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    centre, eyes_px = _middle(points)
    # In distances between the eyes, from the middle of the face.
    x = ((x + 0.5) / FINE - _MARGIN - look.centre_px[0]) / look.zoom / eyes_px
    y = ((y + 0.5) / FINE - _MARGIN - look.centre_px[1]) / look.zoom / eyes_px
    mouth = (points[CORNERS].mean(0) - centre) / eyes_px
    chin = (points[CHIN] - centre) / eyes_px
    near = hill(np.hypot(x, y) / 2.2)
    x, y = x / (1 + (look.face_width - 1) * near), y / (1 + (look.face_length - 1) * near)
    x = chin[0] + (x - chin[0]) / (1 + (look.jaw_width - 1) * hill(np.hypot(x - chin[0], y - chin[1]) / 1.3))
    bulge = 1 + (look.mouth_size - 1) * hill(np.hypot(x - mouth[0], y - mouth[1]) / 1.2)
    x, y = mouth[0] + (x - mouth[0]) / bulge, mouth[1] + (y - mouth[1]) / bulge
    return taken(photo, x * eyes_px + centre[0], y * eyes_px + centre[1], cv2.INTER_LANCZOS4)


def taken(image: Image, x: Floats, y: Floats, interpolation: int) -> Image:
    """``image`` at the places x and y; beyond its edges it is mirrored."""
    at = x.astype(np.float32), y.astype(np.float32)
    return np.asarray(cv2.remap(image, *at, interpolation, borderMode=cv2.BORDER_REFLECT), np.uint8)


def show(image: Image, look: Look, sway: Sway) -> Image:
    """What the camera sees: RGB, shape (288, 360, 3), uint8."""
    turn = cv2.getRotationMatrix2D(look.centre_px, sway.turn_deg, sway.size)
    turn[:, 2] += np.array([sway.right_px, sway.down_px])
    to_frame = np.array([[1 / FINE, 0, -_MARGIN], [0, 1 / FINE, -_MARGIN], [0, 0, 1]])
    frame = cv2.warpAffine(image, turn @ to_frame, (FRAME_WIDTH, FRAME_HEIGHT), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(frame, np.uint8)
