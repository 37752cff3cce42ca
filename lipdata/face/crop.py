"""Where a mouth is cut out of each frame, and the cutting."""

from pathlib import Path

import cv2
import numpy as np

from lipdata.config import LipsConfig, Pipeline
from lipdata.errors import ClipError, NoFaceError
from lipdata.face.detector import MOUTH
from lipdata.face.dlib_detector import DlibDetector, predictor_path

# The reference face is this much larger than the landmarks' bounding box: dlib wants to see the whole head.
FACE_MARGIN = 1.7


def mouth_boxes(points: np.ndarray, lips: LipsConfig) -> np.ndarray:
    """The crop box of each frame: square about landmarks 48 to 67, smoothed over time.

    The half side is ``half_side`` times the longer side of the landmarks' bounding box. A box that jitters shows up as
    false motion in the flow, so centre and side are averaged over ``smooth_frames`` frames; the landmarks are not.

    Args:
        points: (x, y) in source pixels [shape=(T, 68, 2)].

    Returns:
        x0, y0, x1, y1 in source pixels, fractions of a pixel kept [shape=(T, 4)], float32.
    """
    low, high = points[:, MOUTH].min(1), points[:, MOUTH].max(1)  # T, 2
    half = lips.half_side * (high - low).max(1, keepdims=True)
    shape = _average(np.concatenate([(low + high) / 2, half], axis=1), lips.smooth_frames)  # T, (x, y, half)
    return np.concatenate([shape[:, :2] - shape[:, 2:], shape[:, :2] + shape[:, 2:]], axis=1).astype(np.float32)


def crop_frames(frames: np.ndarray, boxes: np.ndarray, size_px: int) -> np.ndarray:
    """Cut each frame's box and bring it to ``size_px``. What lies outside the picture repeats its edge.

    Args:
        frames: uint8 RGB [shape=(T, H, W, 3)].
        boxes: x0, y0, x1, y1 in source pixels [shape=(T, 4)].

    Raises:
        ClipError: stage ``lips``: a box that lies more than half outside the picture.
    """
    height, width = frames.shape[1:3]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    outside = np.flatnonzero(((centres < 0) | (centres > (width, height))).any(1) | (boxes[:, 2] - boxes[:, 0] < 2))
    if len(outside):
        raise ClipError(
            "lips", f"the mouth lies outside the picture in frame {outside[0]} ({len(outside)} frames in all)"
        )
    return np.stack([_cut_one(frame, box, size_px) for frame, box in zip(frames, boxes, strict=True)])


def to_crop_pixels(points: np.ndarray, boxes: np.ndarray, size_px: int) -> np.ndarray:
    """Mouth landmarks in crop pixels, centre of the first pixel at (0, 0) [shape=(T, 20, 2)], float32."""
    scale = size_px / (boxes[:, 2:] - boxes[:, :2])  # T, 2
    return ((points[:, MOUTH] + 0.5 - boxes[:, None, :2]) * scale[:, None] - 0.5).astype(np.float32)


def reference_face(
    frame: np.ndarray, points: np.ndarray, mouth: np.ndarray, face_px: int
) -> tuple[np.ndarray, np.ndarray]:
    """The face of one frame, square, and where its mouth crop lies in it.

    Returns:
        uint8 RGB [shape=(face_px, face_px, 3)], and x0, y0, x1, y1 in its pixels [shape=(4,)], float32.
    """
    low, high = points.min(0), points.max(0)
    half = FACE_MARGIN * (high - low).max() / 2
    corner = (low + high) / 2 - half
    face = _cut_one(frame, np.concatenate([corner, corner + 2 * half]), face_px)
    return face, ((mouth - np.tile(corner, 2)) * face_px / (2 * half)).astype(np.float32)


def find_mouth(image: np.ndarray, pipeline: Pipeline, predictor: Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The mouth of the most certain, largest face of a photo, cut as ingest cuts it.

    Args:
        image: uint8 RGB [shape=(H, W, 3)].

    Returns:
        crop, uint8 RGB [shape=(64, 64, 3)], and its box x0, y0, x1, y1 in the photo [shape=(4,)].

    Raises:
        NoFaceError: no face in the photo.
    """
    detector = DlibDetector(predictor_path(predictor))
    faces = detector.detect(image)
    if not faces:
        raise NoFaceError(
            f"no face found in the image of {image.shape[1]}x{image.shape[0]} pixels; give one with a frontal face"
        )
    boxes = mouth_boxes(detector.landmarks(image, faces[0][0])[None], pipeline.lips)
    return crop_frames(image[None], boxes, pipeline.video.size_px)[0], boxes[0]


def _cut_one(frame: np.ndarray, box: np.ndarray, size_px: int) -> np.ndarray:
    # Where a pixel of the crop would span two and more of the picture, whole pixels are averaged first.
    shrink = max(1, int((box[2] - box[0]) // size_px))
    if shrink > 1:
        height, width = (side // shrink * shrink for side in frame.shape[:2])
        frame = cv2.resize(frame[:height, :width], (width // shrink, height // shrink), interpolation=cv2.INTER_AREA)
        box = box / shrink
    scale = (box[2:] - box[:2]) / size_px
    # Pixel centres lie at halves: crop pixel i covers box[0] + scale * i to box[0] + scale * (i + 1).
    to_source = np.array([[scale[0], 0, box[0] + scale[0] / 2 - 0.5], [0, scale[1], box[1] + scale[1] / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(frame, to_source, (size_px, size_px), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _average(track: np.ndarray, window: int) -> np.ndarray:
    """Moving average along axis 0; at the ends over the part of the window that is there."""
    half = window // 2
    return np.stack([track[max(0, i - half) : i + half + 1].mean(0) for i in range(len(track))])
