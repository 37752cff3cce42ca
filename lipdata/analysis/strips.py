"""Small pictures of clips for a page: rows of mouths with what goes with them, as data URIs."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from lipdata.analysis.av_delay import mean_motion
from lipdata.features import flow_colour, full_colour, mel_colour, wheel
from lipdata.shards import Clip

# Mouths of a sample, whatever its frame rate; of a flagged clip in a row, and rows.
ROW = 25
FILM_ROW, FILM_ROWS = 15, 5
MARK = (220, 38, 38)
QUALITY = 82


@dataclass(frozen=True, repr=False)
class Strip:
    """A picture, and which frames of its clip it shows: ``first`` to ``last``; ``fastest``: the flow in full colour."""

    uri: str
    width: int
    height: int
    first: int
    last: int
    fastest: float = 0.0

    def __repr__(self) -> str:
        return f"Strip({self.width} x {self.height}, frames {self.first} to {self.last})"


def liveliest_strip(clip: Clip) -> Strip:
    """The 25 frames in which the mouth moves most: mouths, their flow, their log-mel."""
    moved = np.append(np.nan_to_num(mean_motion(clip.flow)), 0)  # T
    first = int(np.convolve(moved, np.ones(min(ROW, len(moved))), mode="valid").argmax())
    frames = slice(first, min(first + ROW, len(clip.flow)))
    fastest = full_colour(clip.flow[frames])
    flow = flow_colour(clip.flow[frames], fastest)
    rows = [_side_by_side(clip.frames[frames], 64), _side_by_side(flow, 64)]
    rows.append(mel_colour(clip.mel[frames], rows[0].shape[1], 80))
    picture = _stacked(rows, gap=4)
    return Strip(_webp(picture), picture.shape[1], picture.shape[0], frames.start, frames.stop - 1, fastest)


def film_strip(clip: Clip, marked: np.ndarray) -> Strip:
    """At most 75 frames, 15 a row over their log-mel; of a longer clip such that its first marked frame is among them.

    Args:
        marked: frames to draw a red bar over [shape=(T,)].
    """
    n_frames, shown = len(clip.frames), min(len(clip.frames), FILM_ROWS * FILM_ROW)
    start = min(max(0, int(marked.argmax()) - FILM_ROW // 2), n_frames - shown)
    rows = []
    for first in range(start, start + shown, FILM_ROW):
        frames = slice(first, min(first + FILM_ROW, start + shown))
        mouths = _side_by_side(clip.frames[frames], 40)
        for place in np.flatnonzero(marked[frames]):
            mouths[:5, 40 * place : 40 * (place + 1)] = MARK
        rows += [mouths, mel_colour(clip.mel[frames], mouths.shape[1], 20)]
    picture = _stacked(rows, gap=3)
    return Strip(_webp(picture), picture.shape[1], picture.shape[0], start, start + shown - 1)


def flow_legend() -> str:
    """The wheel of flow's colours."""
    colours, inside = wheel(24)
    return _webp(np.dstack([colours, inside * np.uint8(255)]))


def data_uri(kind: str, content: bytes) -> str:
    """A picture file as an address that holds all of it; ``kind``: png, webp."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _side_by_side(pictures: np.ndarray, side: int) -> np.ndarray:
    # INTER_AREA is no method for making larger.
    how = cv2.INTER_AREA if pictures.shape[1] > side else cv2.INTER_LINEAR
    return np.concatenate([cv2.resize(picture, (side, side), interpolation=how) for picture in pictures], axis=1)


def _stacked(rows: Sequence[np.ndarray], gap: int) -> np.ndarray:
    """RGBA: the rows one below the other, what is between and beside them transparent."""
    height = sum(len(row) + gap for row in rows) - gap
    picture = np.zeros((height, max(row.shape[1] for row in rows), 4), np.uint8)
    top = 0
    for row in rows:
        picture[top : top + len(row), : row.shape[1]] = np.dstack([row, np.full(row.shape[:2], 255, np.uint8)])
        top += len(row) + gap
    return picture


def _webp(picture: np.ndarray) -> str:
    _, webp = cv2.imencode(".webp", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    return data_uri("webp", webp.tobytes())
