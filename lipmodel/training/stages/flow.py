"""First stage: FlowNet learns the optical flow that the shards hold (paper, section 4.2)."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from lipmodel.config import Run
from lipmodel.images import film_strip, flow_frames, to_signal
from lipmodel.losses import end_point_error, l_flow
from lipmodel.networks import FlowNet, flow_of, load_port_weights, pairs_of
from lipmodel.training.device import make_adam, optimizer_step, trainable
from lipmodel.training.run_folder import load_finished, newest_weights

FLOW = "flow"


class FlowStage:
    """FlowNet and its optimizer (see ``stage.Stage``)."""

    name = FLOW
    reads: tuple[str, ...] = ("video", "flow")
    balance = 0.0
    selected_by = "val_epe"

    def __init__(self, run: Run, fabric: Fabric, folder: Path) -> None:
        self._fabric = fabric
        self._signal = partial(to_signal, channels_last=run.speed.channels_last)
        flownet = FlowNet(run.network)
        if run.flownet_weights and newest_weights(folder, FLOW)[0] is None:
            load_port_weights(flownet, Path(run.flownet_weights))
        self._live = trainable(flownet, run, fabric)
        self._optimizer = make_adam(flownet, run)
        self.networks: dict[str, nn.Module] = {"flownet": flownet}
        self.optimizers: dict[str, Optimizer] = {"flownet": self._optimizer}

    def step(self, batch: Mapping[str, Tensor], _: int) -> dict[str, Tensor]:
        """Multi-scale end-point error over all pairs of all windows."""
        with self._fabric.autocast():
            predicted = self._live(pairs_of(self._signal(batch["video"])))
        loss = l_flow(predicted, _target(batch).transpose(1, 2).flatten(0, 1))
        optimizer_step(loss, [self._optimizer], self._fabric)
        return {"flow": loss.detach()}

    def measure(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """End-point error in pixels; and that of no motion at all, which FlowNet must beat."""
        target = _target(batch)
        flow = flow_of(self.networks["flownet"], to_signal(batch["video"]))
        still = torch.zeros_like(target)
        return {"val_epe": end_point_error(flow, target), "val_epe_still": end_point_error(still, target)}

    def picture(self, batch: Mapping[str, Tensor]) -> np.ndarray:
        """Every window: its frames, its flow in the shard, its flow by FlowNet."""
        flow = flow_of(self.networks["flownet"], to_signal(batch["video"])).movedim(1, -1)  # B, T - 1, H, W, 2
        videos, targets, flows = (tensor.cpu().numpy() for tensor in (batch["video"], batch["flow"], flow))
        return film_strip(
            [row for at in range(len(videos)) for row in (videos[at], *flow_frames(targets[at], flows[at]))]
        )


def _target(batch: Mapping[str, Tensor]) -> Tensor:
    return batch["flow"].float().movedim(-1, 1)  # B, 2, T - 1, 64, 64


def load_flownet(folder: Path, run: Run) -> FlowNet:
    """The FlowNet that this stage has left in a run's folder."""
    flownet = FlowNet(run.network)
    load_finished(folder, run, FLOW, {"flownet": flownet})
    return flownet
