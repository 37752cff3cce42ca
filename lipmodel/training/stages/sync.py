"""The one stage of variant sync: towers of motion and sound learn which belong together (docs/sync.md)."""

from collections.abc import Mapping
from math import cos, pi
from pathlib import Path

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, Optimizer

from lipdata.errors import LipdataError
from lipmodel.config import Run, load_run
from lipmodel.networks import WINDOW_SCALES, coarse_flow, normalised_lips, sync_pairs
from lipmodel.sync import (
    SyncNetwork,
    augment_flow,
    augment_lips,
    augment_sound,
    change_pace,
    frozen_pairs,
    info_nce,
    windows_of,
)
from lipmodel.training.device import trainable
from lipmodel.training.run_folder import newest_weights

SYNC = "sync"
# Of a window's 72 frames: what is left serves for the pace.
PIECE_FRAMES = 60
LEARNING_RATE, WEIGHT_DECAY, LARGEST_GRADIENT = 2e-3, 0.02, 2.0
WARM_UP, FIRST_RATE = 0.1, 1 / 25
# Vectors: a window of 2 s has 50 frames.
MEASURED = 40
PIXELS = 4


class SyncStage:
    """Both halves of the sync network and their optimizers (see ``stage.Stage``)."""

    name = SYNC
    reads: tuple[str, ...] = ("mel", "flow", "landmarks", "box")
    balance = 0.5
    selected_by = "val_sync"

    def __init__(self, run: Run, fabric: Fabric, _: Path) -> None:
        self._fabric, self._seed, self._steps = fabric, run.seed, run.steps.sync
        pairs = sync_pairs()
        self._live = {name: trainable(pair, run, fabric) for name, pair in pairs.items()}
        self.networks: dict[str, nn.Module] = dict(pairs)
        self.optimizers: dict[str, Optimizer] = {
            name: AdamW(pair.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY, fused=run.speed.fused_adam)
            for name, pair in pairs.items()
        }

    def step(self, batch: Mapping[str, Tensor], step: int) -> dict[str, Tensor]:
        """InfoNCE of both halves on augmented pieces, summed over the window lengths."""
        with torch.random.fork_rng():
            torch.manual_seed(hash((self._seed, step, self._fabric.global_rank)))
            inputs, mel = _augmented(batch)
            losses = {name: _contrast(*pair.train()(inputs[name], mel)) for name, pair in self._live.items()}
        for name, loss in losses.items():
            optimizer, network = self.optimizers[name], self.networks[name]
            optimizer.param_groups[0]["lr"] = learning_rate(step, self._steps)
            optimizer.zero_grad(set_to_none=True)
            self._fabric.backward(loss)
            clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
            optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}

    def measure(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same loss of pieces as they are, and how many windows of 2 s have their best shift within a frame."""
        inputs, mel = _plain(batch)
        losses, cosines = [], []
        for name, pair in self.networks.items():
            motion, sound, scales = pair.eval()(inputs[name], mel)
            losses.append(_contrast(motion, sound, scales))
            cosines.append(windows_of(motion, MEASURED) @ windows_of(sound, MEASURED).transpose(1, 2))  # B, n, n
        best = torch.stack(cosines).mean(0).argmax(-1)  # B, n
        hits = (best - torch.arange(best.shape[1], device=best.device)).abs() <= 1
        return {"val_sync": torch.stack(losses).sum(), "val_hit": hits.float().mean()}

    def picture(self, batch: Mapping[str, Tensor]) -> np.ndarray:
        """Of every window the cosine of each frame's motion with each frame's sound: what is learnt is a diagonal."""
        inputs, mel = _plain(batch)
        pairs = [pair.eval()(inputs[name], mel) for name, pair in self.networks.items()]
        cosines = torch.stack([motion @ sound.transpose(1, 2) for motion, sound, _ in pairs])  # 2, B, n, n
        grey = ((cosines.clamp(-1, 1) + 1) * 127.5).byte().cpu().numpy()
        rows = [np.concatenate([np.pad(each, 1) for each in half], 1) for half in grey]
        large = np.concatenate(rows).repeat(PIXELS, 0).repeat(PIXELS, 1)
        return cv2.cvtColor(cv2.applyColorMap(large, cv2.COLORMAP_MAGMA), cv2.COLOR_BGR2RGB)


def load_sync_run(folder: Path) -> SyncNetwork:
    """The network that a run of variant sync has learnt, by its newest checkpoint.

    Raises:
        LipdataError: no run folder, a run of another variant, or one without a checkpoint.
    """
    run = load_run(folder)
    if run.variant != SYNC:
        raise LipdataError(f"{folder} is of variant {run.variant}; allowed: a run of lipmodel fit --variant sync")
    path, _ = newest_weights(folder, SYNC)
    if path is None:
        raise LipdataError(f"{folder} has no checkpoint; train with: lipmodel fit {run.shards} -o {folder} --resume")
    return SyncNetwork(frozen_pairs(path), run.pipeline, None, path)


def learning_rate(step: int, steps: int) -> float:
    """One cycle: up within a tenth of the steps, then down to nothing, both along a cosine (Smith, 2018)."""
    warm = max(1.0, WARM_UP * steps)
    if step < warm:
        return LEARNING_RATE * (FIRST_RATE + (1 - FIRST_RATE) * (1 - cos(pi * step / warm)) / 2)
    return LEARNING_RATE * (1 + cos(pi * min(1.0, (step - warm) / max(1.0, steps - warm)))) / 2


def _augmented(batch: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Tensor]:
    inputs, mel = _plain(batch)
    flow, lips, mel = change_pace(inputs["flow"], inputs["lips"], mel, PIECE_FRAMES)
    return {"flow": augment_flow(flow), "lips": augment_lips(lips)}, augment_sound(mel)


def _plain(batch: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Tensor]:
    lips = normalised_lips(batch["landmarks"], batch["box"])
    mel = torch.unflatten(batch["mel"], 1, (lips.shape[1], -1))  # B, T, 4, 128
    return {"flow": coarse_flow(batch["flow"]), "lips": lips}, mel


def _contrast(motion: Tensor, sound: Tensor, scales: Tensor) -> Tensor:
    """The loss of all window lengths."""
    each = [info_nce(motion, sound, scale, length) for scale, length in zip(scales, WINDOW_SCALES, strict=True)]
    return torch.stack(each).sum()
