"""How well motion and sound agree at every time shift, and what that curve says."""

from dataclasses import dataclass

import numpy as np

# Frames by which sound may be early or late.
MAX_SHIFT = 15
SHIFTS = range(-MAX_SHIFT, MAX_SHIFT + 1)
# A rival of the best shift lies at least so many frames and one away: nearer ones belong to the same peak.
PEAK_FRAMES = 3


@dataclass(frozen=True, repr=False)
class Curve:
    """The mean cosine of motion and sound at every shift.

    Attributes:
        cosines: at ``SHIFTS``; NaN where less than half of the motion has sound [shape=(31,)].
        frames: vectors of motion that it is a mean over.
    """

    cosines: np.ndarray
    frames: int

    def __repr__(self) -> str:
        return f"Curve(best {self.distance:.3f} at {self.offset_frames:.2f} frames, of {self.frames})"

    @property
    def best(self) -> int:
        """The place of the best shift in ``SHIFTS``."""
        return int(np.nanargmax(self.cosines))

    @property
    def offset_frames(self) -> float:
        """How many frames the sound is late: the best shift, between frames by a parabola through its peak."""
        best = self.best
        if not 0 < best < len(SHIFTS) - 1:
            return float(SHIFTS[best])
        before, peak, behind = self.cosines[best - 1 : best + 2]
        bend = before - 2 * peak + behind
        beside = (before - behind) / (2 * bend) if bend < 0 else 0.0  # NaN compares as not below
        return float(SHIFTS[best] + beside)

    @property
    def distance(self) -> float:
        """1 - cosine at the best shift."""
        return float(1 - self.cosines[self.best])

    @property
    def confidence(self) -> float:
        """The best cosine less the median over the shifts."""
        return float(self.cosines[self.best] - np.nanmedian(self.cosines))

    @property
    def margin(self) -> float:
        """The best cosine less the best one more than 3 frames away."""
        away = np.abs(np.arange(len(SHIFTS)) - self.best) > PEAK_FRAMES
        return float(self.cosines[self.best] - np.nanmax(self.cosines[away]))


def curve_of(motion: np.ndarray, sound: np.ndarray, first: int = 0) -> Curve:
    """Compare unit vectors of a clip's motion with those of sound.

    Args:
        motion: one a frame [shape=(n, D)].
        sound: likewise [shape=(m, D)].
        first: where in ``sound`` the motion's first frame would lie without a shift.
    """
    n, m = len(motion), len(sound)
    products = motion @ sound.T  # n, m
    cosines = np.full(len(SHIFTS), np.nan)
    for at, shift in enumerate(range(-MAX_SHIFT, MAX_SHIFT + 1)):
        begin, end = max(0, -first - shift), min(n, m - first - shift)
        if 2 * (end - begin) >= n:
            cosines[at] = products.diagonal(first + shift)[_on_diagonal(begin, end, first + shift)].mean()
    return Curve(cosines, n)


def _on_diagonal(begin: int, end: int, offset: int) -> slice:
    """Rows ``begin`` to ``end`` of a matrix on its diagonal ``offset``, which starts at row 0 or -offset."""
    start = max(0, -offset)
    return slice(begin - start, end - start)
