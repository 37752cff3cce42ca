"""How far the best shift stands out where picture and sound do not belong together: a folder's own zero.

A raw threshold does not transfer from one corpus to another (docs/sync.md): the clips of a folder, with each other's
sound, say what their confidence is worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lipmodel.sync.curve import Curve, curve_of

# Clips that lend their sound to each other: 64 give 4032 pairs.
SAMPLED_CLIPS = 64
FEWEST_CLIPS = 10


@dataclass(frozen=True)
class ForeignPairs:
    """The margins of foreign pairs (see :class:`Curve`), each times the root of the vectors it is a mean over.

    Mean and deviation of a mean over n vectors fall with the root of n: so clips of all lengths are held against one
    number.

    Attributes:
        pairs: how many were measured.
        origin: which clips, for people.
    """

    mean: float
    deviation: float
    pairs: int
    origin: str

    def line(self) -> str:
        """What confidence_sd is held against, for a person."""
        return f"confidence_sd: from {self.pairs} foreign pairs of {self.origin}"

    def deviations(self, curve: Curve) -> float:
        """How far a curve's margin lies above the foreign pairs' mean, in their standard deviations."""
        return (scaled_margin(curve) - self.mean) / self.deviation


def scaled_margin(curve: Curve) -> float:
    """The margin times the root of the vectors that it is a mean over."""
    return float(curve.margin * curve.frames**0.5)


def sampled_clips(clip_ids: Sequence[str], seed: int = 0) -> list[str]:
    """The clips that lend their sound, drawn by seed, whatever their order."""
    ordered = sorted(clip_ids)
    drawn = np.random.default_rng(seed).permutation(len(ordered))[:SAMPLED_CLIPS]
    return [ordered[place] for place in sorted(drawn)]


def foreign_pairs(motions: Mapping[str, np.ndarray], sounds: Mapping[str, np.ndarray], origin: str) -> ForeignPairs:
    """The margins of every clip's motion with every other clip's sound.

    Args:
        motions, sounds: unit vectors by clip [shape=(n, D) each].
    """
    margins = []
    for clip_id, motion in motions.items():
        for other, sound in sounds.items():
            if other != clip_id:
                frames = min(len(motion), len(sound))
                margins.append(scaled_margin(curve_of(motion[:frames], sound[:frames])))
    return ForeignPairs(float(np.mean(margins)), float(np.std(margins)), len(margins), origin)
