"""Correlation loss: speech and lips change together (paper, section 3.2)."""

import torch
from torch import Tensor

from lipmodel.losses.generator_pass import GeneratorPass
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


def correlation(generated: GeneratorPass) -> dict[str, Tensor]:
    """Eq. 1 on real and on generated clips, half each (the authors' code).

    Beside it, to be logged, ``corr_others``: real motion with the sound of the batch's window before. Where ``corr``
    is no lower, the networks give the constant answer that the paper warns of, and mean nothing (section 3.2).
    """
    networks, sound = generated.correlation, generated.sound
    real, fake = generated.real.change, generated.fake.change
    assert networks is not None and sound is not None and real is not None and fake is not None
    heard = sound.diff(dim=2) if generated.derivative else sound  # B, C, T - 1 or T, F
    heard, seen = networks(heard, torch.cat([real, fake]))  # B, D, T'; 2 B, D, T'
    of_real = seen[: len(heard)]
    return {
        "corr": l_corr(torch.cat([heard, heard]), seen),
        "corr_others": l_corr(heard.roll(1, 0), of_real).detach(),
    }
