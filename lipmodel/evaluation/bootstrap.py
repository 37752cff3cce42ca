"""How far a mean over clips can be trusted: a bootstrap interval."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap

RESAMPLES = 9999
SEED = 0
LEVEL = 0.95


@dataclass(frozen=True)
class Mean:
    """A mean over clips.

    Attributes:
        mean: None where no clip has a value; infinite where one is.
        low, high: its bootstrap 95 % interval; None where there are fewer than two clips, or the mean is not finite.
        clips: how many have a value.
    """

    mean: float | None
    low: float | None
    high: float | None
    clips: int


def mean_over_clips(values: np.ndarray) -> Mean:
    """The mean over clips and its interval: clips drawn anew with replacement, percentiles of their means.

    Frames of one clip are alike, so that clips are drawn and not frames; clips of one speaker are alike too, and the
    interval does not cover other speakers.

    Args:
        values: one a clip; NaN where a clip has none [shape=(C,)].
    """
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return Mean(None, None, None, 0)
    mean = float(known.mean())
    if len(known) < 2 or not np.isfinite(mean):
        return Mean(mean, None, None, len(known))
    if np.ptp(known) == 0:  # scipy calls the interval of equal values undefined
        return Mean(mean, mean, mean, len(known))
    drawn = bootstrap(
        (known,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=max(1, 2_000_000 // len(known)),  # bounds the memory that many clips take
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return Mean(mean, float(drawn.low), float(drawn.high), len(known))
