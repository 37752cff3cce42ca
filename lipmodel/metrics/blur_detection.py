"""CPBD: how sharp a picture is, without another to compare with.

N. D. Narvekar and L. J. Karam, "A No-Reference Image Blur Metric Based on the Cumulative Probability of Blur Detection
(CPBD)", IEEE Transactions on Image Processing 20(9), 2011. An edge of width w in a block whose just noticeable width is
w_JNB is seen as blurred with probability ``1 - exp(-(w / w_JNB)^beta)``, beta = 3.6; CPBD is the share of edges for
which that, in whole percent, is at most 63. An edge of width w_JNB has 63 % whatever beta is, and one a pixel wider has
85 % or 94 %. So CPBD is the share of edges no wider than w_JNB, and that is what is counted here.

What the article leaves open is as in the package cpbd-py312, which the tests compare with.
"""

import numpy as np
from scipy.ndimage import convolve, gaussian_filter
from skimage.feature import canny

BLOCK_PX = 64
# A block is looked at when more than this share of its pixels lies on edges.
EDGE_SHARE = 0.002
# Just noticeable width in pixels: in a block whose contrast is below 51 grey levels, and in any other.
LOW_CONTRAST, WIDTH_LOW_CONTRAST, WIDTH_JNB = 51, 5, 3
MAX_RUN = 100  # an edge is followed so far to either side
SOBEL = np.array([[[1, 0, -1], [2, 0, -2], [1, 0, -1]]]) / 8  # T, H, W
CANNY_HIGH = 0.2  # of skimage.feature.canny for float pictures; it takes Sobel's sums, not a mean: 8 times as much


def cpbd(grey: np.ndarray) -> np.ndarray:
    """Sharpness of each picture, 0 (blurred) to 1, float64 [shape=(T,)].

    0 too where there is nothing to measure: no edge, or a side below 64 pixels. What lies right of and below the
    last whole block of 64 x 64 pixels is not looked at.

    Args:
        grey: uint8, or float from 0 to 255 [shape=(T, H, W)].
    """
    pictures = np.ascontiguousarray(grey, np.float64)
    if min(pictures.shape[1:]) < BLOCK_PX:
        return np.zeros(len(pictures))
    blocks = _blocks(pictures)  # T, N, 64 * 64
    low = blocks.max(2) - blocks.min(2) < LOW_CONTRAST
    just_noticeable = np.where(low, WIDTH_LOW_CONTRAST, WIDTH_JNB)  # T, N
    widths = _blocks(edge_widths(pictures))
    edges = (widths > 0) & _edge_blocks(pictures)[..., None]
    sharp = edges & (widths <= just_noticeable[..., None])
    return sharp.sum((1, 2)) / np.maximum(edges.sum((1, 2)), 1)


def edge_widths(pictures: np.ndarray) -> np.ndarray:
    """The width of each vertical edge after Marziliano, in pixels; 0 where there is none [shape=(T, H, W)].

    From an edge pixel, whose Sobel strength stands out, the grey levels are followed along the row to either side for
    as long as they go on rising, or falling, as they do at the edge.

    Args:
        pictures: float64 [shape=(T, H, W)].
    """
    edges = np.flatnonzero(_sobel_edges(pictures))
    direction = _directions(edges, pictures)
    edges, direction = edges[direction != 0], direction[direction != 0]
    widths = np.zeros(pictures.shape, np.uint8)
    widths.reshape(-1)[edges] = 2 + _runs_beside(edges, direction, pictures)
    # As in cpbd-py312: a picture whose gradients all point exactly to the right has no edge.
    falling = np.bincount(edges // pictures[0].size, direction < 0, len(pictures))
    for index in np.flatnonzero(falling == 0):
        widths[index] *= _turns(pictures[index])
    return widths


def _directions(edges: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """1 where grey levels rise along the row, -1 where they fall, 0 where the gradient is over 22.5 degrees off it."""
    flat, width = pictures.reshape(-1), pictures.shape[2]
    right, down = flat[edges + 1] - flat[edges - 1], flat[edges + width] - flat[edges - width]
    along = np.abs(down) <= (np.sqrt(2) - 1) * np.abs(right)  # tan(22.5 degrees)
    # As in cpbd-py312: a gradient straight up or down counts as one to the right.
    return np.where(right == 0, 1, along * np.sign(right)).astype(np.int8)


def _turns(picture: np.ndarray) -> bool:
    down, right = np.gradient(picture)
    return bool(((right < 0) | (right != 0) & (down != 0)).any())


def _sobel_edges(pictures: np.ndarray) -> np.ndarray:
    """Pixels, those of the border aside, that beat the threshold and both neighbours in their row or column."""
    strength = np.square(convolve(pictures, SOBEL))
    threshold = 2 * np.sqrt(strength.reshape(len(pictures), -1).mean(1))[:, None, None]
    inner = strength[:, 1:-1, 1:-1]
    thin = (inner > strength[:, 1:-1, :-2]) & (inner > strength[:, 1:-1, 2:])
    thin |= (inner > strength[:, :-2, 1:-1]) & (inner > strength[:, 2:, 1:-1])
    edges = np.zeros(pictures.shape, bool)
    edges[:, 1:-1, 1:-1] = thin & (inner > threshold)
    return edges


def _runs_beside(edges: np.ndarray, direction: np.ndarray, pictures: np.ndarray) -> np.ndarray:
    """How many steps beside each edge pixel, left and right together, go in its direction.

    Step i leads from pixel i to pixel i + 1 of the flattened stack. A row's last step, into the next row, is 0 and ends
    every run.
    """
    signs = np.zeros(pictures.shape, np.int8)
    signs[..., :-1] = np.sign(np.diff(pictures))
    steps = signs.reshape(-1)
    bounds = np.concatenate([[0], np.flatnonzero(steps[1:] != steps[:-1]) + 1, [len(steps)]])  # where runs begin
    left, right = edges - 2, edges + 1
    to_left = left + 1 - bounds[np.searchsorted(bounds, left, "right") - 1]
    to_right = bounds[np.searchsorted(bounds, right, "right")] - right
    on_left = np.where(steps[left] == direction, np.minimum(to_left, MAX_RUN), 0)
    return on_left + np.where(steps[right] == direction, np.minimum(to_right, MAX_RUN), 0)


def _edge_blocks(pictures: np.ndarray) -> np.ndarray:
    """Whether Canny's edges cover more than ``EDGE_SHARE`` of each block [shape=(T, N)].

    Nearly every block has that many edges in its middle, and there a count of those that Canny cannot but find is
    enough. Canny itself, ten times as slow, is asked about pictures with any other block.
    """
    least = EDGE_SHARE * BLOCK_PX**2
    blocks = _blocks(pictures)
    middles = blocks.reshape(-1, BLOCK_PX, BLOCK_PX)[:, 16:-16, 16:-16]
    sure = (_sure_edges(middles).sum((1, 2)) > least).reshape(blocks.shape[:2])
    for index in np.flatnonzero(~sure.all(1)):
        sure[index] = _blocks(canny(pictures[index])[None])[0].sum(1) > least
    return sure


def _sure_edges(pictures: np.ndarray) -> np.ndarray:
    """Pixels that Canny keeps whatever lies around the picture, those within 6 pixels of the border left out.

    Canny keeps a pixel above its high threshold when the gradient there is no weaker than to either side of the edge.
    What it compares with is interpolated between two neighbours: stronger than all three on each side is enough.
    """
    smooth = gaussian_filter(pictures, (0, 1, 1))
    # The smoothing reaches 4 pixels and Sobel 1: what they make of the border is cut off.
    across = np.square(convolve(smooth, SOBEL))[:, 5:-5, 5:-5]
    down = np.square(convolve(smooth, SOBEL.swapaxes(1, 2)))[:, 5:-5, 5:-5]
    strength = across + down
    over_and_under = _beside(strength.swapaxes(1, 2)).swapaxes(1, 2)
    beside = np.where((across > down)[:, 1:-1, 1:-1], _beside(strength), over_and_under)
    # A hair less, since Canny adds up in another order.
    return strength[:, 1:-1, 1:-1] * (1 - 1e-9) > np.maximum(beside, (CANNY_HIGH / 8) ** 2)


def _beside(strength: np.ndarray) -> np.ndarray:
    """The strongest of the three neighbours on the left and the three on the right [shape=(T, H - 2, W - 2)]."""
    columns = np.maximum(np.maximum(strength[:, :-2], strength[:, 1:-1]), strength[:, 2:])
    return np.maximum(columns[:, :, :-2], columns[:, :, 2:])


def _blocks(pictures: np.ndarray) -> np.ndarray:
    """Whole blocks of 64 x 64, row by row [shape=(T, N, 64 * 64)]."""
    down, across = (side // BLOCK_PX for side in pictures.shape[1:])
    whole = pictures[:, : down * BLOCK_PX, : across * BLOCK_PX]
    grid = whole.reshape(-1, down, BLOCK_PX, across, BLOCK_PX).swapaxes(2, 3)  # T, down, across, 64, 64
    return grid.reshape(len(pictures), down * across, BLOCK_PX**2)
