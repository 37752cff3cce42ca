"""What a loss of the generator may look at: one pass over a batch, real and generated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from lipmodel.networks import ContrastiveCorrelation
from lipmodel.sync import SyncExpert


class ClipView(NamedTuple):
    """Clips and what moves in them.

    Attributes:
        video: -1 to 1 [shape=(B, 3, T, 64, 64)].
        motion: what the discriminator's third stream sees [shape=(B, c, T - 1, 64, 64)]; None with two streams.
        change: what is correlated with the sound [shape=(B, c, T - 1 or T, 64, 64)]; None without correlation.
    """

    video: Tensor
    motion: Tensor | None
    change: Tensor | None


@dataclass(frozen=True, repr=False)
class GeneratorPass:
    """One pass of the generator.

    Attributes:
        real, fake: the clips of the batch, and what was generated in their place.
        batch: as read: ``video``, ``mel``, ``identity``, ``mismatched``; with shifted sounds ``shifted_mel``.
        sound: the generator's features of the sound [shape=(B, C, T, F)]; None where it has none.
        shifted_sound: the same of the clips' sound at other times, without gradient [shape=(B, S, C, T, F)]; None where
            no loss contrasts it.
        encoder: of the autoencoder, frozen.
        frozen_discriminator: the discriminator, as the generator's pass calls it; None where the variant has none.
        correlation: the correlation networks; None where the variant has none.
        frozen_correlation: the same, as the generator's pass calls them, where a loss contrasts sounds.
        expert: the sync network that has learnt before; None where no loss asks it.
        derivative: whether changes of the sound are correlated, not the sound itself.
    """

    real: ClipView
    fake: ClipView
    batch: Mapping[str, Tensor]
    sound: Tensor | None
    shifted_sound: Tensor | None
    encoder: nn.Module
    frozen_discriminator: nn.Module | None
    correlation: nn.Module | None
    frozen_correlation: ContrastiveCorrelation | None
    expert: SyncExpert | None
    derivative: bool
