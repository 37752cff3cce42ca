"""One step of the GAN: first the discriminator, then the generator and the network that helps it (paper, section 4)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from lipmodel.losses.adversarial import l_dis, l_gen
from lipmodel.losses.correlation import l_corr
from lipmodel.losses.first_frame import l_first
from lipmodel.losses.perceptual import l_perc
from lipmodel.losses.pixel import l_pix
from lipmodel.machine import descend
from lipmodel.networks.autoencoder import frames_of
from lipmodel.networks.discriminator import frame_difference
from lipmodel.networks.flownet import flow_of
from lipmodel.variants import Weights


@dataclass(frozen=True)
class Parts:
    """The networks of a variant, on their device; None for what it lacks.

    Attributes:
        generator, discriminator, correlation: as they learn, all devices together.
        judge: the discriminator once more, as the generator's pass calls it: no device waits there for the others.
        flownet, encoder: learnt in the stages before, frozen; the encoder is the autoencoder's.
        optimizers: by the names of the networks that learn.
        signal: ``pixels.to_signal`` in the run's memory layout.
        motion: what the discriminator's third stream sees: ``flow``, ``difference`` or ``none``.
        change: what is correlated with the sound: ``flow`` with its change, ``video`` with itself, or ``none``.
    """

    generator: nn.Module
    discriminator: nn.Module | None
    judge: nn.Module | None
    correlation: nn.Module | None
    flownet: nn.Module
    encoder: nn.Module
    optimizers: Mapping[str, Optimizer]
    signal: Callable[[Tensor], Tensor]
    motion: str
    change: str
    weights: Weights


class View(NamedTuple):
    """A clip and what moves in it.

    Attributes:
        video: -1 to 1 [shape=(B, 3, T, 64, 64)].
        motion: what the discriminator's third stream sees [shape=(B, c, T - 1, 64, 64)]; None with two streams.
        change: what is correlated with the sound [shape=(B, c, T - 1 or T, 64, 64)]; None without correlation.
    """

    video: Tensor
    motion: Tensor | None
    change: Tensor | None


def take_step(parts: Parts, batch: Mapping[str, Tensor], fabric: Fabric) -> dict[str, Tensor]:
    """Move every network of the variant once.

    Args:
        batch: ``video``, ``mel``, ``identity`` and ``mismatched`` of ``stream.Windows``, on the device.

    Returns:
        Every loss by its name, and ``total``, as they were before the step; scalars on the device, without gradient.
    """
    mel, weights = batch["mel"], parts.weights
    with fabric.autocast():
        video, sound = parts.generator(mel, parts.signal(batch["identity"]))
        fake, real = view(parts, video.float()), view(parts, parts.signal(batch["video"]))

    dis = {}
    if parts.discriminator is not None:
        dis = _train_discriminator(parts, batch, real, fake, fabric)

    with fabric.autocast():
        gen = {"pixel": l_pix(fake.video, real.video), "first": l_first(fake.video, real.video)}
        if weights.perc:
            gen["perc"] = l_perc(parts.encoder(frames_of(fake.video)), parts.encoder(frames_of(real.video)))
        if parts.judge is not None:
            with not_learning(parts.judge):
                gen["gen"] = l_gen(parts.judge(mel, fake.video, fake.motion))
        if parts.correlation is not None:
            gen |= _correlation(parts, sound, real, fake)
    total = torch.stack(
        [weight * gen[name] for name, weight in asdict(weights).items() if weight and name in gen]
    ).sum()
    descend(total, [optimizer for name, optimizer in parts.optimizers.items() if name != "discriminator"], fabric)
    return {name: loss.detach() for name, loss in {**gen, "total": total, **dis}.items()}


def view(parts: Parts, video: Tensor) -> View:
    """A clip with what the discriminator and the correlation network see of its motion."""
    flow = flow_of(parts.flownet, video) if "flow" in (parts.motion, parts.change) else None
    seen = {"flow": flow, "video": video, "none": None}
    motion = frame_difference(video) if parts.motion == "difference" else seen[parts.motion]
    return View(video, motion, seen[parts.change])


def _train_discriminator(
    parts: Parts, batch: Mapping[str, Tensor], real: View, fake: View, fabric: Fabric
) -> dict[str, Tensor]:
    """Eq. 4: real clips, generated ones, and real ones of other windows, with the same sound, in one call."""
    assert parts.discriminator is not None
    with fabric.autocast():
        # In the same precision as the real ones: else its rounding gives away which clip is mismatched.
        other = view(parts, parts.signal(batch["mismatched"]))
        video = torch.cat([real.video, fake.video.detach(), other.video])  # 3 B, 3, T, 64, 64
        motions = [clip.motion.detach() for clip in (real, fake, other) if clip.motion is not None]
        logits = parts.discriminator(batch["mel"].repeat(3, 1, 1), video, torch.cat(motions) if motions else None)
        losses = l_dis(*logits.chunk(3))
    weights = parts.weights
    total = losses.real + weights.lambda_p * losses.generated + weights.lambda_u * losses.mismatched
    descend(total, [parts.optimizers["discriminator"]], fabric)
    return {"dis": total, **{f"dis_{name}": loss for name, loss in losses._asdict().items()}}


def _correlation(parts: Parts, sound: Tensor | None, real: View, fake: View) -> dict[str, Tensor]:
    """Eq. 1 on real and on generated clips, half each (the authors' code).

    Beside it, to be logged, ``corr_others``: real motion with the sound of the batch's window before. Where ``corr``
    is no lower, the networks give the constant answer that the paper warns of, and tell nothing (section 3.2).
    """
    assert parts.correlation is not None and sound is not None and real.change is not None and fake.change is not None
    heard = sound.diff(dim=2) if parts.change == "flow" else sound  # B, C, T - 1 or T, F
    heard, seen = parts.correlation(heard, torch.cat([real.change, fake.change]))  # B, D, T'; 2 B, D, T'
    of_real = seen[: len(heard)]
    return {
        "corr": l_corr(torch.cat([heard, heard]), seen),
        "corr_others": l_corr(heard.roll(1, 0), of_real).detach(),
    }


@contextmanager
def not_learning(network: nn.Module) -> Iterator[None]:
    """Gradients pass through the network, and leave none in its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
