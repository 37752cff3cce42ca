"""One step of the GAN: first the discriminator, then the generator and the network that helps it (paper, section 4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from lipmodel.losses import ClipView, GeneratorPass, generator_losses, l_dis, weighted_sum
from lipmodel.networks import ContrastiveCorrelation, flow_of, frame_difference
from lipmodel.sync import SyncExpert
from lipmodel.training.device import optimizer_step


@dataclass(frozen=True)
class GanNetworks:
    """The networks of a variant, on their device; None for what it lacks.

    Attributes:
        generator, discriminator, correlation: as they learn, all devices together.
        frozen_discriminator, frozen_correlation: those once more, as the generator's pass calls them: no device waits
            there for the others. None for correlation networks that no loss contrasts with.
        hear: mel -> the generator's features of the sound, for shifted sounds; None where no loss contrasts them.
        expert: the sync network that ships, frozen; None where no loss asks it.
        flownet, encoder: learnt in the stages before, frozen; the encoder is the autoencoder's.
        optimizers: by the names of the networks that learn.
        signal: ``images.to_signal`` in the run's memory layout.
        motion: what the discriminator's third stream sees: ``flow``, ``difference`` or ``none``.
        change: what is correlated with the sound: ``flow`` with its change, ``video`` with itself, or ``none``.
    """

    generator: nn.Module
    discriminator: nn.Module | None
    frozen_discriminator: nn.Module | None
    correlation: nn.Module | None
    frozen_correlation: ContrastiveCorrelation | None
    hear: Callable[[Tensor], Tensor] | None
    expert: SyncExpert | None
    flownet: nn.Module
    encoder: nn.Module
    optimizers: Mapping[str, Optimizer]
    signal: Callable[[Tensor], Tensor]
    motion: str
    change: str
    weights: Mapping[str, float]


def train_step(networks: GanNetworks, batch: Mapping[str, Tensor], fabric: Fabric) -> dict[str, Tensor]:
    """Move every network of the variant once.

    Args:
        batch: ``video``, ``mel``, ``identity`` and ``mismatched`` of ``WindowDataset``, on the device.

    Returns:
        Every loss by its name, and ``total``, as they were before the step; scalars on the device, without gradient.
    """
    mel, weights = batch["mel"], networks.weights
    with fabric.autocast():
        video, sound = networks.generator(mel, networks.signal(batch["identity"]))
        fake, real = clip_view(networks, video.float()), clip_view(networks, networks.signal(batch["video"]))

    dis = {}
    if networks.discriminator is not None:
        dis = _train_discriminator(networks, batch, real, fake, fabric)

    generated = GeneratorPass(
        real=real,
        fake=fake,
        batch=batch,
        sound=sound,
        shifted_sound=_shifted_sound(networks, batch, fabric),
        encoder=networks.encoder,
        frozen_discriminator=networks.frozen_discriminator,
        correlation=networks.correlation,
        frozen_correlation=networks.frozen_correlation,
        expert=networks.expert,
        derivative=networks.change == "flow",
    )
    with fabric.autocast():
        gen = generator_losses(generated, weights)
    total = torch.stack(weighted_sum(gen, weights)).sum()
    moved = [optimizer for name, optimizer in networks.optimizers.items() if name != "discriminator"]
    optimizer_step(total, moved, fabric)
    return {name: loss.detach() for name, loss in {**gen, "total": total, **dis}.items()}


def clip_view(networks: GanNetworks, video: Tensor) -> ClipView:
    """A clip with what the discriminator and the correlation network see of its motion."""
    flow = flow_of(networks.flownet, video) if "flow" in (networks.motion, networks.change) else None
    seen = {"flow": flow, "video": video, "none": None}
    motion = frame_difference(video) if networks.motion == "difference" else seen[networks.motion]
    return ClipView(video, motion, seen[networks.change])


def _shifted_sound(networks: GanNetworks, batch: Mapping[str, Tensor], fabric: Fabric) -> Tensor | None:
    if networks.hear is None:
        return None
    mel = batch["shifted_mel"]  # B, S, 4 T, 128
    with torch.no_grad(), fabric.autocast():
        sound = networks.hear(mel.flatten(0, 1))
    return sound.reshape(*mel.shape[:2], *sound.shape[1:])


def _train_discriminator(
    networks: GanNetworks, batch: Mapping[str, Tensor], real: ClipView, fake: ClipView, fabric: Fabric
) -> dict[str, Tensor]:
    """Eq. 4: real clips, generated ones, and real ones of other windows, with the same sound, in one call."""
    assert networks.discriminator is not None
    with fabric.autocast():
        # In the same precision as the real ones: else its rounding gives away which clip is mismatched.
        other = clip_view(networks, networks.signal(batch["mismatched"]))
        video = torch.cat([real.video, fake.video.detach(), other.video])  # 3 B, 3, T, 64, 64
        motions = [clip.motion.detach() for clip in (real, fake, other) if clip.motion is not None]
        logits = networks.discriminator(batch["mel"].repeat(3, 1, 1), video, torch.cat(motions) if motions else None)
        losses = l_dis(*logits.chunk(3))
    weights = networks.weights
    total = losses.real + weights["lambda_p"] * losses.generated + weights["lambda_u"] * losses.mismatched
    optimizer_step(total, [networks.optimizers["discriminator"]], fabric)
    return {"dis": total, **{f"dis_{name}": loss for name, loss in losses._asdict().items()}}
