"""Third stage: the generator, with whatever a variant sets against it and beside it (paper, section 4)."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import Optimizer

from lipmodel.config import Run
from lipmodel.data import PARTS
from lipmodel.images import film_strip, flow_frames, to_pixels, to_signal
from lipmodel.losses import l_perc, l_pix
from lipmodel.networks import ContrastiveCorrelation, Generator, build_networks, flow_of, frames_of
from lipmodel.sync import load_expert
from lipmodel.training.device import frozen_network, make_adam, place_network, trainable
from lipmodel.training.gan_step import GanNetworks, train_step
from lipmodel.training.stages.autoencoder import load_encoder
from lipmodel.training.stages.flow import load_flownet

GAN = "gan"
CHANGES = {"derivative": "flow", "direct": "video"}


class GanStage:
    """The networks of a variant and their optimizers (see ``stage.Stage``).

    Attributes:
        reads: shifted sounds too, where a loss contrasts them.

    Raises:
        LipdataError: the stages before have left no FlowNet or no autoencoder in the folder.
    """

    name = GAN
    balance = 0.0
    selected_by = "val_pixel"

    def __init__(self, run: Run, fabric: Fabric, folder: Path) -> None:
        self._fabric = fabric
        flownet, encoder = load_flownet(folder, run), load_encoder(folder, run)
        self.networks = build_networks(run)
        live = {name: trainable(network, run, fabric) for name, network in self.networks.items()}
        self.optimizers: dict[str, Optimizer] = {
            name: make_adam(network, run) for name, network in self.networks.items()
        }
        self._flownet = frozen_network(flownet, run, fabric)
        generator, correlation = self.networks["generator"], self.networks.get("correlation")
        contrastive = correlation if isinstance(correlation, ContrastiveCorrelation) else None
        # Of older runs there is no such weight.
        expert = load_expert().to(fabric.device) if run.weights.get("expert") else None
        self.reads: tuple[str, ...] = PARTS + (("shifted_mel",) if contrastive or expert else ())
        self._networks = GanNetworks(
            generator=live["generator"],
            discriminator=live.get("discriminator"),
            frozen_discriminator=place_network(self.networks["discriminator"], run, fabric)
            if "discriminator" in live
            else None,
            correlation=live.get("correlation"),
            frozen_correlation=contrastive,
            hear=generator.hear if contrastive and isinstance(generator, Generator) else None,
            expert=expert,
            flownet=self._flownet,
            encoder=frozen_network(encoder, run, fabric),
            optimizers=self.optimizers,
            signal=partial(to_signal, channels_last=run.speed.channels_last),
            motion=run.switches.motion if "discriminator" in live else "none",
            change=CHANGES[run.switches.correlated] if correlation or expert else "none",
            weights=run.weights,
        )

    def step(self, batch: Mapping[str, Tensor], _: int) -> dict[str, Tensor]:
        """See ``gan_step.train_step``."""
        return train_step(self._networks, batch, self._fabric)

    def measure(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Pixel and perceptual loss, of every variant, whatever they count while it learns."""
        fake, real = self._generate(batch), to_signal(batch["video"])
        perc = l_perc(*(self._networks.encoder(frames_of(video)) for video in (fake, real)))
        return {"val_pixel": l_pix(fake, real), "val_perc": perc}

    def picture(self, batch: Mapping[str, Tensor]) -> np.ndarray:
        """Every window: real, generated, FlowNet's flow of both."""
        fake, real = self._generate(batch), to_signal(batch["video"])
        flows = [flow_of(self._flownet, video).movedim(1, -1).cpu().numpy() for video in (real, fake)]
        videos, fakes = batch["video"].cpu().numpy(), to_pixels(fake).cpu().numpy()
        rows = zip(videos, fakes, *flows, strict=True)
        return film_strip([row for video, fake, *both in rows for row in (video, fake, *flow_frames(*both))])

    def _generate(self, batch: Mapping[str, Tensor]) -> Tensor:
        video: Tensor = self.networks["generator"](batch["mel"], to_signal(batch["identity"])).video
        return video
