"""A face to paste mouths into: dlib finds no face in a mouth crop alone."""

from collections.abc import Iterator

import cv2
import numpy as np


class Canvas:
    """A picture of a face and the place of the mouth crop in it.

    What is pasted ends in a hard edge. Pasted by gradients (OpenCV's seamlessClone, mixed), the picture's own mouth
    shines through: its opening followed that of the pasted one with a correlation of 0.28, in place of 0.80.

    Args:
        picture: uint8, RGB [shape=(H, W, 3)].
        place: x0, y0, x1, y1 of the crop in the picture's pixels; pixel 0 covers 0 to 1 [shape=(4,)].
    """

    def __init__(self, picture: np.ndarray, place: np.ndarray) -> None:
        self.picture = picture
        self.place = place.astype(np.float64)
        # The pixels whose centres lie in the place.
        self._first = np.ceil(self.place[:2] - 0.5).astype(int).clip(0)
        self._end = np.ceil(self.place[2:] - 0.5).astype(int).clip(None, picture.shape[1::-1])

    def pasted(self, mouths: np.ndarray) -> Iterator[np.ndarray]:
        """The picture with each mouth in its place. It is one array, painted over for every mouth.

        Args:
            mouths: uint8, RGB [shape=(T, h, w, 3)].
        """
        (left, top), (right, bottom) = self._first, self._end
        scale = mouths.shape[2:0:-1] / (self.place[2:] - self.place[:2])
        shift = (
            self._first + 0.5 - self.place[:2]
        ) * scale - 0.5  # pixel centres lie at halves, as in lipdata.face.crop
        to_crop = np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]]])
        size, flags = (int(right - left), int(bottom - top)), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = self.picture.copy()
        for mouth in mouths:
            picture[top:bottom, left:right] = cv2.warpAffine(
                mouth, to_crop, size, flags=flags, borderMode=cv2.BORDER_REPLICATE
            )
            yield picture
