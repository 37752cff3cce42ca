"""One training step."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lipmodel.losses.pixel import l_pix
from lipmodel.pixels import to_signal


def take_step(
    generator: nn.Module,
    optimizer: Optimizer,
    batch: Mapping[str, Tensor],
    weights: Mapping[str, float],
    *,
    precision: str,
) -> dict[str, Tensor]:
    """Move the generator once.

    Args:
        batch: of ``stream.Windows``, on the generator's device.
        weights: of every loss, by its name.
        precision: ``32``, or ``bf16`` for convolutions in bfloat16; weights, losses and Adam stay float32.

    Returns:
        Every loss by its name, and ``total``, as it was before the step; scalars on the device, without gradient.
    """
    real = to_signal(batch["video"])  # B, 3, T, H, W
    with torch.autocast(real.device.type, torch.bfloat16, enabled=precision == "bf16"):
        fake = generator(batch["mel"], to_signal(batch["identity"])).video  # B, 3, T, H, W

    losses = {"pixel": l_pix(fake.float(), real)}
    total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()

    optimizer.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return {name: loss.detach() for name, loss in losses.items()} | {"total": total.detach()}
