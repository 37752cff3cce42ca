"""InfoNCE between motion and sound: each motion must know its own sound among others (van den Oord et al. 2018)."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from lipmodel.losses.precision import at_least_float32


def info_nce(motion: Tensor, sound: Tensor, scale: Tensor, same: Tensor) -> Tensor:
    """Cross-entropy of the right sound of every motion, and of the right motion of every sound, half each; a scalar.

    0 where all are told apart. A constant answer, which takes ``l_corr`` to 0, costs (log N + log B) / 2 here.

    Args:
        motion: unit vectors [shape=(B, V)].
        sound: unit vectors; first those that belong to the motions, then others [shape=(N, V)], N from B up.
        scale: what cosines are multiplied by: one over the temperature; a scalar.
        same: of :func:`same_sound`: what is not held against a motion [shape=(B, N), bool].
    """
    own = torch.arange(len(motion), device=motion.device)
    logits = (scale * motion @ sound.T).masked_fill(same, -torch.inf)  # B, N
    return (cross_entropy(logits, own) + cross_entropy(logits[:, : len(motion)].T, own)) / 2


def same_sound(mel: Tensor, shifted: Tensor) -> Tensor:
    """Where another window sounds exactly like a motion's own: silence, say, or the same window twice in a batch.

    Args:
        mel: of the windows [shape=(B, F, 128)].
        shifted: of S more windows of each [shape=(B, S, F, 128)].

    Returns:
        A row a window, a column for the sound of each window, then for those shifted [shape=(B, B + B S), bool]; False
        for its own.
    """
    own, every = mel.flatten(1), all_sounds(mel, shifted).flatten(1)
    same = torch.stack([(every == each).all(dim=1) for each in own])
    same[:, : len(own)].fill_diagonal_(False)
    return same


def all_sounds(own: Tensor, shifted: Tensor) -> Tensor:
    """The windows' own, then those shifted [shape=(B, ...), (B, S, ...) -> (B + B S, ...)]."""
    return torch.cat([own, shifted.flatten(0, 1)])


def unit_vectors(features: Tensor) -> Tensor:
    """Each window's features over time and channels as one vector of length 1 [shape=(B, ...) -> (B, V)]."""
    return normalize(at_least_float32(features).flatten(1))


def curves(fake: Tensor, real: Tensor, sound: Tensor) -> dict[str, Tensor]:
    """1 - cosine of right and of wrong pairs, as ``l_corr`` logs them, to be logged beside a contrastive loss.

    Args:
        fake, real: of generated and of real motion, unit vectors [shape=(B, V)].
        sound: unit vectors, of :func:`all_sounds` [shape=(B + B S, V)].

    Returns:
        ``corr``: real and generated motion with their sound, half each. ``corr_others``, ``corr_shifted``: real motion
        with the sound of the batch's window before, and with its own sound shifted. Without gradient.
    """
    own, shifted = sound[: len(real)], sound[len(real) :].reshape(len(real), -1, sound.shape[1])
    cosines = {
        "corr": ((real + fake) / 2 * own).sum(dim=1),
        "corr_others": (real * own.roll(1, 0)).sum(dim=1),
        "corr_shifted": (real.unsqueeze(1) * shifted).sum(dim=2),
    }
    return {name: 1 - cosine.mean().detach() for name, cosine in cosines.items()}
