"""Correlation loss: speech and lips change together (paper, section 3.2)."""

import torch
from torch import Tensor

from lipmodel.losses.precision import at_least_float32

_EPSILON = 1e-8


def l_corr(sound: Tensor, motion: Tensor) -> Tensor:
    """1 - cosine of both features (Eq. 1), each clip's a vector over channels and time; mean over clips, a scalar.

    0 where they point the same way, 1 where they have nothing in common or one is all zero, 2 where they are opposite.

    Shape:
        sound, motion: (B, D, T'), of ``networks.correlation``.
    """
    s, v = at_least_float32(sound).flatten(1), at_least_float32(motion).flatten(1)  # B, D T'
    length = torch.linalg.vector_norm(s, dim=1) * torch.linalg.vector_norm(v, dim=1)
    return (1 - (s * v).sum(dim=1) / (length + _EPSILON)).mean()
