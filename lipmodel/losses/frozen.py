"""Networks that pass gradients on and take none."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen_weights(network: nn.Module) -> Iterator[None]:
    """Gradients pass through the network, and leave none in its weights."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
