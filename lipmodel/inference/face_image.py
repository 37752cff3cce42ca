"""A photo or a ready mouth crop -> the identity picture that the generator takes."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lipdata.config import Pipeline
from lipdata.errors import ClipError, LipdataError, NoFaceError

# A face this small has a mouth of some twenty pixels; a mouth crop of this size is common.
CROP_SIDE_PX = 128


@dataclass(frozen=True, repr=False)
class MouthImage:
    """A mouth and the picture that it is from.

    Attributes:
        crop: RGB, uint8 [shape=(64, 64, 3)].
        image: the whole picture, RGB, uint8 [shape=(H, W, 3)].
        box: where the crop lies in it, x0, y0, x1, y1 [shape=(4,)]; None where the picture was a mouth crop.
    """

    crop: np.ndarray
    image: np.ndarray
    box: np.ndarray | None

    @property
    def origin(self) -> str:
        """Where the crop was taken from, for the user."""
        if self.box is None:
            return "no face in it, taken as a mouth crop"
        left, top, right, bottom = self.box
        return f"mouth found at x {left:.0f} to {right:.0f}, y {top:.0f} to {bottom:.0f}"


def read_mouth_image(path: Path | str, pipeline: Pipeline) -> MouthImage:
    """The mouth in a picture file.

    Raises:
        LipdataError: not a picture, or as of :func:`find_mouth_image`; names the file.
    """
    image = _read_picture(Path(path))
    try:
        return find_mouth_image(image, pipeline)
    except LipdataError as error:
        raise LipdataError(f"{path}: {error}") from error


def find_mouth_image(image: np.ndarray, pipeline: Pipeline) -> MouthImage:
    """The mouth of the face in a picture, else, where the picture is square and at most 128 px wide, all of it.

    Args:
        image: uint8 RGB [shape=(H, W, 3)].

    Raises:
        LipdataError: another type or shape; no face, and too large or too long to be a mouth crop; or a face that
            reaches too far out of it.
    """
    from lipdata.face import find_mouth

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise LipdataError(f"an image of {image.dtype} {image.shape}; allowed: uint8 RGB, (H, W, 3)")
    height, width = image.shape[:2]
    try:
        crop, box = find_mouth(image, pipeline)
    except NoFaceError as error:
        if height != width or width > CROP_SIDE_PX:
            raise LipdataError(f"{error}, or a mouth crop: square, at most {CROP_SIDE_PX} px") from error
        side = pipeline.video.size_px
        return MouthImage(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), image, None)
    except ClipError as error:
        raise LipdataError("its mouth lies outside the picture; give a photo with the whole face") from error
    return MouthImage(crop, image, box)


def _read_picture(path: Path) -> np.ndarray:
    """RGB [shape=(H, W, 3), uint8]."""
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise LipdataError(f"cannot read {path}: {error.strerror}") from error
    image = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB) if len(content) else None
    if image is None:
        raise LipdataError(f"{path} is no picture that OpenCV reads; give a PNG or a JPEG file")
    return image
