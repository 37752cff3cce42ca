"""The device or devices that a run learns on, and networks made ready for them."""

import logging
from collections.abc import Sequence
from importlib.util import find_spec

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from lipmodel.config import Run, Speed
from lipmodel.networks import lay_out


def launch(run: Run) -> Fabric:
    """Start a process on each device: this one, and others that run the same command."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = Fabric(
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        devices=run.devices,
        strategy="ddp" if run.devices > 1 else "auto",
        precision="bf16-mixed" if run.speed.precision == "bf16" else "32-true",
    )
    fabric.launch()
    torch.backends.cudnn.benchmark = True  # shapes never change, so that trying its ways once pays
    return fabric


def fastest_speed() -> Speed:
    """What is fastest on a CPU (docs/benchmarks/train_step.md), and what should be on a GPU: not measured yet."""
    # On a CPU it takes minutes, for a seventh; a GPU needs Triton for it.
    compiled = torch.cuda.is_available() and find_spec("triton") is not None
    return Speed(_precision(), channels_last=True, fused_adam=True, compiled=compiled)


def _precision() -> str:
    """bf16 where the device computes in it and not only stores it."""
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "32"
    able = torch.cpu.get_capabilities()
    return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") else "32"


def place_network(network: nn.Module, run: Run, fabric: Fabric) -> nn.Module:
    """The network on its device, in the run's memory layout, compiled if the run says so; its weights are shared."""
    lay_out(network.to(fabric.device), channels_last=run.speed.channels_last)
    return torch.compile(network) if run.speed.compiled else network  # type: ignore[return-value]


def trainable(network: nn.Module, run: Run, fabric: Fabric) -> nn.Module:
    """A network that learns: placed, and on several devices their gradients averaged."""
    live: nn.Module = fabric.setup_module(place_network(network, run, fabric), move_to_device=False)
    return live


def frozen_network(network: nn.Module, run: Run, fabric: Fabric) -> nn.Module:
    """A network that is done learning, placed."""
    return place_network(network.requires_grad_(False).eval(), run, fabric)


def optimizer_step(loss: Tensor, optimizers: Sequence[Optimizer], fabric: Fabric) -> None:
    """One step of the optimizers down the gradient of ``loss``."""
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    fabric.backward(loss)
    for optimizer in optimizers:
        optimizer.step()


def make_adam(network: nn.Module, run: Run) -> Optimizer:
    """Adam with the run's numbers."""
    numbers = run.adam
    return Adam(
        network.parameters(),
        numbers.learning_rate,
        (numbers.beta_1, numbers.beta_2),
        weight_decay=numbers.weight_decay,
        fused=run.speed.fused_adam,
    )
