"""Tensors of a ``.safetensors`` file -> the networks that they belong to."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from lipdata.errors import LipdataError


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a file by name, and its header.

    Raises:
        LipdataError: no such file, or not whole.
    """
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118  # no dict
    except (OSError, SafetensorError) as error:
        raise LipdataError(f"{path} cannot be read: {error}; remove it, or name another") from error


def put_weights(path: Path, tensors: Mapping[str, Tensor], networks: Mapping[str, nn.Module]) -> None:
    """Put tensors called ``NETWORK.WEIGHT`` into the networks; there may be others besides.

    Args:
        path: where they come from, for the message.

    Raises:
        LipdataError: a name or a shape that is not the network's.
    """
    own = {f"{name}.{key}": value for name, network in networks.items() for key, value in network.state_dict().items()}
    found = {key: value for key, value in tensors.items() if key.split(".")[0] in networks}
    odd = own.keys() ^ found.keys()
    if odd:
        raise LipdataError(
            f"{path} does not fit: tensor {min(odd)} is missing or unknown; it is of another variant or lipmodel"
        )
    for key, value in own.items():
        if value.shape != found[key].shape:
            shapes = f"is {tuple(found[key].shape)}, the network has {tuple(value.shape)}"
            raise LipdataError(f"{path} does not fit: {key} {shapes}; use the config.json that it was made with")
        value.copy_(found[key])
