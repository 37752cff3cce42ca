"""Generated mouths -> the photo that their picture was cut from: colours matched, edges feathered."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

# H.264's levels of everyday players end near 1920 x 1088.
LONGEST_PX = 1920
# Share of the crop's side over which the generated mouth fades into the photo. A crop is 1.3 mouths wide, so that the
# corners of the mouth lie 0.115 of it from the edge: they are generated, and fade no more.
FEATHER = 0.11
# Colours follow the photo's border with this share a frame. Measured on photos of four GRID speakers: what the
# generator misses there is up to 47 grey levels, and drifts by up to 3 (standard deviation) within a sentence.
FOLLOWED = 1 / 8
# How far colours of the border reach into the mouth, as a share of the crop's side.
REACH = 0.25
# Grey levels that are added before colours are divided: near black a ratio says nothing.
DARK = 16.0


def to_video_size(photo: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Photo and box at a size that players of H.264 take: at most 1920 pixels long, even width and height.

    Shape:
        photo: uint8, RGB, (H, W, 3); box: x0, y0, x1, y1 in its pixels, (4,); result: the same.
    """
    height, width = photo.shape[:2]
    scale = min(1.0, LONGEST_PX / max(height, width))
    if scale < 1:
        photo = cv2.resize(photo, (round(scale * width), round(scale * height)), interpolation=cv2.INTER_AREA)
        box = box * np.tile([photo.shape[1] / width, photo.shape[0] / height], 2)
    return photo[: photo.shape[0] // 2 * 2, : photo.shape[1] // 2 * 2], box


def paste_mouths(
    photo: np.ndarray, box: np.ndarray, crop: np.ndarray, mouths: Iterable[np.ndarray]
) -> Iterator[np.ndarray]:
    """The photo with each mouth in the place of its own, one by one.

    The crop's border comes out as the photo's own. Inside, colours are multiplied by what the generated border lacks,
    smooth over the place and averaged over the frames before, so that neither a seam nor a flicker remains. Skin is
    matched as if under another light: the dark of an open mouth stays dark, which adding a difference would not do.

    Args:
        photo: uint8, RGB [shape=(H, W, 3)].
        box: where the mouth was cut, x0, y0, x1, y1 in the photo's pixels; it may reach outside [shape=(4,)].
        crop: the mouth as it was cut, uint8, RGB [shape=(h, w, 3)].
        mouths: as crop, each.
    """
    height, width = photo.shape[:2]
    left, top = np.floor(box[:2]).astype(int).clip(0)
    right, bottom = np.ceil(box[2:]).astype(int).clip(None, (width, height))
    region = np.s_[top:bottom, left:right]
    to_crop = _to_crop(box, np.array([left, top]), crop.shape[0])
    size = (int(right - left), int(bottom - top))
    share = _warp(_feather(crop.shape[0]), to_crop, size)[..., None]  # h', w', 1
    wanted = _from_border(crop) + DARK  # h, w, 3
    given = None
    for mouth in mouths:
        now = _from_border(mouth) + DARK
        given = now if given is None else given + FOLLOWED * (now - given)
        generated = _warp((mouth + DARK) * wanted / given - DARK, to_crop, size)
        frame = photo.copy()
        frame[region] = np.rint(photo[region] + share * (generated - photo[region])).clip(0, 255)
        yield frame


def _to_crop(box: np.ndarray, corner: np.ndarray, side: int) -> np.ndarray:
    """Affine map from the photo's pixels, counted from ``corner``, to those of the crop [shape=(2, 3)]."""
    scale = side / (box[2:] - box[:2])
    # Pixel centres lie at halves, as in lipdata.face.crop.
    shift = (corner + 0.5 - box[:2]) * scale - 0.5
    return np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])


def _warp(picture: np.ndarray, to_crop: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture in crop pixels -> in the photo's, ``size`` wide and high."""
    picture = picture.astype(np.float32)
    shrunk = to_crop[0, 0]
    if shrunk > 1:
        # Where the photo has fewer pixels than the crop, they are averages.
        picture = cv2.GaussianBlur(picture, (0, 0), (shrunk - 1) / 2, borderType=cv2.BORDER_REPLICATE)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, to_crop, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _feather(side: int) -> np.ndarray:
    """How much of a pixel is generated: 0 at the crop's edge, 1 from ``FEATHER`` inwards [shape=(side, side)]."""
    from_edge = np.minimum(np.arange(side), np.arange(side)[::-1])
    ramp = np.sin(np.pi / 2 * np.clip(from_edge / (FEATHER * side), 0, 1)) ** 2
    return np.outer(ramp, ramp)


def _from_border(picture: np.ndarray) -> np.ndarray:
    """The colours where the mouth fades into the photo, smoothed and carried on into the middle [shape=(h, w, 3)]."""
    border = (_feather(len(picture)) < 1).astype(np.float32)
    reach = REACH * len(picture)
    sums = cv2.GaussianBlur(picture * border[..., None], (0, 0), reach, borderType=cv2.BORDER_CONSTANT)
    weights = cv2.GaussianBlur(border, (0, 0), reach, borderType=cv2.BORDER_CONSTANT)
    return sums / weights[..., None]
