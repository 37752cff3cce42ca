"""Second stage: an autoencoder of mouths, whose encoder is the phi of the perceptual loss (paper, section 4.1)."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from lipmodel.config import Run
from lipmodel.images import film_strip, to_pixels, to_signal
from lipmodel.losses import l_pix
from lipmodel.networks import Autoencoder, frames_of
from lipmodel.training.device import make_adam, optimizer_step, trainable
from lipmodel.training.run_folder import load_finished

AUTOENCODER = "autoencoder"


class AutoencoderStage:
    """The autoencoder and its optimizer (see ``stage.Stage``)."""

    name = AUTOENCODER
    reads: tuple[str, ...] = ("video",)
    balance = 0.0
    selected_by = "val_pixel"

    def __init__(self, run: Run, fabric: Fabric, _: Path) -> None:
        self._fabric = fabric
        self._signal = partial(to_signal, channels_last=run.speed.channels_last)
        autoencoder = Autoencoder(run.network)
        self._live = trainable(autoencoder, run, fabric)
        self._optimizer = make_adam(autoencoder, run)
        self.networks: dict[str, nn.Module] = {AUTOENCODER: autoencoder}
        self.optimizers: dict[str, Optimizer] = {AUTOENCODER: self._optimizer}

    def step(self, batch: Mapping[str, Tensor], _: int) -> dict[str, Tensor]:
        """Mean absolute difference of every frame and its reconstruction."""
        frames = frames_of(self._signal(batch["video"]))
        with self._fabric.autocast():
            loss = l_pix(self._live(frames), frames)
        optimizer_step(loss, [self._optimizer], self._fabric)
        return {"pixel": loss.detach()}

    def measure(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same loss."""
        frames = frames_of(to_signal(batch["video"]))
        return {"val_pixel": l_pix(self.networks[AUTOENCODER](frames), frames)}

    def picture(self, batch: Mapping[str, Tensor]) -> np.ndarray:
        """Every window over its reconstruction."""
        frames = frames_of(to_signal(batch["video"]))
        videos = batch["video"].cpu().numpy()
        again = to_pixels(self.networks[AUTOENCODER](frames)).cpu().numpy().reshape(videos.shape)
        return film_strip([row for pair in zip(videos, again, strict=True) for row in pair])


def load_encoder(folder: Path, run: Run) -> nn.Module:
    """The encoder that this stage has left in a run's folder."""
    autoencoder = Autoencoder(run.network)
    load_finished(folder, run, AUTOENCODER, {AUTOENCODER: autoencoder})
    return autoencoder.encoder
