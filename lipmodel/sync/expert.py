"""The flow half of the network that ships, frozen: a judge of generated mouths that a generator can learn from."""

from torch import Tensor, nn

from lipmodel.networks import SyncPair, coarse_flow
from lipmodel.sync.network import frozen_pairs
from lipmodel.weights import shipped_weights


class SyncExpert(nn.Module):
    """Vectors of motion and of sound, differentiable with respect to the motion; its weights do not learn.

    The landmark half cannot serve: landmarks are found in pixels, which has no gradient.

    Attributes:
        scale: of the cosines, as learnt for windows of 5 vectors; a scalar.
    """

    scale: Tensor

    def __init__(self, pair: SyncPair) -> None:
        super().__init__()
        self.pair = pair
        self.register_buffer("scale", pair.log_scales.detach().exp()[0], persistent=False)

    def motion(self, flow: Tensor) -> Tensor:
        """Flow of T frames, (dx, dy), pixels a frame (B, 2, T - 1, 64, 64) -> unit vectors (B, T - 10, 48)."""
        vectors: Tensor = self.pair.motion(coarse_flow(flow.movedim(1, -1)))
        return vectors

    def sound(self, mel: Tensor) -> Tensor:
        """Log-mel of the same frames, dB re 1.0 (B, T, 4, 128) -> unit vectors (B, T - 10, 48)."""
        return self.pair.sound(mel)


def load_expert() -> SyncExpert:
    """The expert, in evaluation mode; a module of its own each time, since it moves to the device of a run."""
    expert: SyncExpert = SyncExpert(frozen_pairs(shipped_weights("sync"))["flow"]).eval()
    return expert
