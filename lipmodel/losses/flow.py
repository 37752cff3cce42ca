"""What FlowNet learns by: end-point error at every size it gives (Dosovitskiy et al. 2015)."""

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from lipmodel.losses.precision import at_least_float32
from lipmodel.networks import UNIT_PX

# Finest first; FlowNet's own.
_WEIGHTS = (0.005, 0.01, 0.02, 0.08, 0.32)


def l_flow(predicted: tuple[Tensor, ...], target: Tensor) -> Tensor:
    """Weighted end-point errors of FlowNet's five flows, summed over their places; a scalar, the mean over N.

    The target is averaged over the area of each place.

    Shape:
        predicted: finest first, (N, 2, 16, 16) ... (N, 2, 1, 1), in units of 20 pixels.
        target: (N, 2, 64, 64), in pixels.
    """
    target = at_least_float32(target) / UNIT_PX
    errors = [
        weight * _lengths(at_least_float32(flow) - adaptive_avg_pool2d(target, (flow.shape[2], flow.shape[3]))).sum()
        for weight, flow in zip(_WEIGHTS, predicted, strict=True)
    ]
    return torch.stack(errors).sum() / target.shape[0]


def end_point_error(flow: Tensor, target: Tensor) -> Tensor:
    """Mean distance in pixels between the ends of two flows of one shape, (N, 2, ...); a scalar."""
    return _lengths(at_least_float32(flow) - at_least_float32(target)).mean()


def _lengths(vectors: Tensor) -> Tensor:
    return torch.linalg.vector_norm(vectors, dim=1)
