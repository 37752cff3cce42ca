"""Checkpoints: weights and optimizer state as safetensors, so that loading one never runs code from it.

``step-N.optimizer.safetensors`` is written first, ``step-N.safetensors`` last: where the second stands, both are whole.
The loss on the validation windows stands in a checkpoint's own header; the link ``best.safetensors`` follows from it.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from lipdata.atomic_files import atomic_path
from lipdata.errors import LipdataError
from lipmodel.weights import put_weights, read_weights

KEPT = 3
BEST = "best.safetensors"


def save_checkpoint(
    folder: Path,
    step: int,
    preset: str,
    networks: Mapping[str, nn.Module],
    optimizers: Mapping[str, Optimizer],
    validation: float | None = None,
) -> Path:
    """Write the state after ``step``; keep the newest three checkpoints and the best one, remove the others.

    Args:
        networks: by name; the name goes before the names of the network's tensors.
        optimizers: of the networks of the same name.
        validation: the loss on the validation windows; None where there are none.

    Returns:
        The path of the weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = _weights(networks)
    state = {
        f"{name}.{parameter}.{key}": value
        for name, optimizer in optimizers.items()
        for parameter, tensor in networks[name].named_parameters()
        for key, value in optimizer.state[tensor].items()
    }
    path = _weights_path(folder, step)
    measured = {} if validation is None else {"validation": repr(validation)}
    _write(_optimizer_path(path), state, {"preset": preset})
    _write(path, weights, {"preset": preset} | measured)
    _mark_best(folder)
    _remove_old(folder)
    return path


def latest_checkpoint(folder: Path) -> tuple[Path, int] | None:
    """The newest weights and the step after which they were written; None where there are none."""
    steps = _steps(folder)
    return (_weights_path(folder, steps[-1]), steps[-1]) if steps else None


def best_checkpoint(folder: Path) -> tuple[Path, int] | None:
    """The weights with the lowest loss on the validation windows, and their step; None where none was measured."""
    losses = {step: loss for step in _steps(folder) if (loss := _validation(_weights_path(folder, step))) is not None}
    step = min(losses, key=lambda step: (losses[step], -step), default=None)
    return None if step is None else (_weights_path(folder, step), step)


def _validation(path: Path) -> float | None:
    """The loss in a checkpoint's header; a NaN is no best."""
    try:
        with safe_open(path, "pt") as file:
            loss = float((file.metadata() or {}).get("validation", "nan"))
    except (OSError, SafetensorError, ValueError):
        return None  # a damaged file is reported where it is loaded
    return None if math.isnan(loss) else loss


def _mark_best(folder: Path) -> None:
    found = best_checkpoint(folder)
    if found is not None:
        with atomic_path(folder / BEST) as hidden:
            hidden.symlink_to(found[0].name)


def _remove_old(folder: Path) -> None:
    found = best_checkpoint(folder)
    for old in _steps(folder)[:-KEPT]:
        if found is None or old != found[1]:
            # Weights first: what is left of an interrupted removal is then no checkpoint.
            _weights_path(folder, old).unlink()
            _optimizer_path(_weights_path(folder, old)).unlink(missing_ok=True)


def load_weights(path: Path, preset: str, networks: Mapping[str, nn.Module]) -> None:
    """Put a checkpoint's weights into the networks; it may hold others besides.

    Raises:
        LipdataError: cut short, of another preset, or of other names or shapes.
    """
    put_weights(path, _read(path, preset), networks)


def load_optimizers(
    path: Path, preset: str, networks: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]
) -> None:
    """Put the optimizer state that belongs to the weights at ``path`` into the optimizers.

    Raises:
        LipdataError: missing, cut short, of another preset, or of other networks.
    """
    tensors = _read(_optimizer_path(path), preset)
    learnt = {f"{name}.{weights}" for name in optimizers for weights, _ in networks[name].named_parameters()}
    odd = learnt ^ {key.rpartition(".")[0] for key in tensors}
    if odd:
        raise LipdataError(
            f"{_optimizer_path(path)} does not fit: state of {min(odd)} is missing or unknown; it is of another run"
        )
    for name, optimizer in optimizers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for index, (parameter, tensor) in enumerate(networks[name].named_parameters()):
            prefix = f"{name}.{parameter}."
            own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            state[index] = {key: _laid_out_as(tensor, value) for key, value in own.items()}
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})


def _weights(networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    return {f"{name}.{key}": value for name, network in networks.items() for key, value in network.state_dict().items()}


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """``value`` in the memory layout of its parameter, without which Adam takes a slower way."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value


def _weights_path(folder: Path, step: int) -> Path:
    return folder / f"step-{step}.safetensors"


def _optimizer_path(weights: Path) -> Path:
    return weights.with_suffix(".optimizer.safetensors")


def _steps(folder: Path) -> list[int]:
    names = (re.fullmatch(r"step-(\d+)\.safetensors", path.name) for path in folder.glob("step-*.safetensors"))
    return sorted(int(name[1]) for name in names if name)


def _write(path: Path, tensors: Mapping[str, Tensor], header: dict[str, str]) -> None:
    with atomic_path(path) as hidden:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, hidden, header)


def _read(path: Path, preset: str) -> dict[str, Tensor]:
    tensors, header = read_weights(path)
    if header.get("preset") != preset:
        of = f"{path} is of preset {header.get('preset')}, its run's config.json says {preset}"
        raise LipdataError(f"{of}; keep them together")
    return tensors
