"""A run's generator, one picture of a mouth and log-mel of any length -> that mouth speaking, frame by frame."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lipdata.errors import LipdataError
from lipmodel.config import Run
from lipmodel.images import to_signal
from lipmodel.inference.blend import cross_fade, window_starts
from lipmodel.networks import build_generator
from lipmodel.training import CHECKPOINTS, best_checkpoint, latest_checkpoint, load_weights

# At full width a window's largest layer is 17 MB; this many fill a GPU well enough and fit into any memory.
WINDOWS_AT_ONCE = 8

# First frame, end (not included) -> their log-mel, dB re 1.0 [shape=(end - first, 4, 128)].
Mel = Callable[[int, int], np.ndarray]


def load_generator(path: Path, run: Run) -> nn.Module:
    """The generator of a checkpoint, ready to generate.

    Raises:
        LipdataError: the checkpoint does not fit.
    """
    generator = build_generator(run)
    load_weights(path, run.preset, {"generator": generator})
    return generator.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def chosen_checkpoint(folder: Path, run: Run, *, best: bool) -> tuple[Path, int]:
    """A run's newest weights, or its best, and their step.

    Raises:
        LipdataError: there are none.
    """
    newest = latest_checkpoint(folder / CHECKPOINTS)
    if newest is None:
        raise LipdataError(f"{folder} has no checkpoint; train with: lipmodel fit {run.shards} -o {folder} --resume")
    chosen = best_checkpoint(folder / CHECKPOINTS) if best else newest
    if chosen is None:
        raise LipdataError(f"{folder} was not measured on validation clips, so no checkpoint is best; leave out --best")
    return chosen


def synthesise(generator: nn.Module, crop: np.ndarray, mel: Mel, n_frames: int, run: Run) -> Iterator[np.ndarray]:
    """The frames of ``crop``'s mouth saying ``mel``, one by one; memory does not grow with their number.

    Shape:
        crop: uint8, RGB, (H, W, 3); result: as crop, each.
    """
    identity = _identity(generator, crop)
    batches = _windows(mel, n_frames, run)
    windows = (window for some in batches for window in _signals(generator, some, identity))  # T, H, W, 3
    for signal in cross_fade(windows, n_frames=n_frames, stride=run.window_stride):  # H, W, 3
        yield _pixels(signal)


def synthesise_windows(generator: nn.Module, crop: np.ndarray, mels: Tensor) -> np.ndarray:
    """``crop``'s mouth saying each window of log-mel by itself, as the generator has learnt it: nothing is faded.

    Shape:
        crop: uint8, RGB, (H, W, 3); mels: (B, 4 T, 128), dB re 1.0; result: uint8, RGB, (B, T, H, W, 3).
    """
    identity = _identity(generator, crop)
    return np.concatenate([_pixels(_signals(generator, some, identity)) for some in torch.split(mels, WINDOWS_AT_ONCE)])


def _identity(generator: nn.Module, crop: np.ndarray) -> Tensor:
    device = next(generator.parameters()).device
    return to_signal(torch.from_numpy(crop.copy()).unsqueeze(0).to(device))  # 1, 3, H, W


def _pixels(signal: np.ndarray) -> np.ndarray:
    return np.rint((signal + 1) * 127.5).clip(0, 255).astype(np.uint8)


@torch.no_grad()
def _signals(generator: nn.Module, mels: Tensor, identity: Tensor) -> np.ndarray:
    fakes = generator(mels.to(identity.device), identity.expand(len(mels), -1, -1, -1)).video  # B, 3, T, H, W
    signals: np.ndarray = fakes.movedim(1, -1).float().cpu().numpy()  # B, T, H, W, 3
    return signals


def _windows(mel: Mel, n_frames: int, run: Run) -> Iterator[Tensor]:
    """The log-mel of overlapping windows, several at a time [shape=(B, 4 T, 128)]."""
    length, stride = run.window_frames, run.window_stride
    starts = window_starts(n_frames, length, stride)
    for first in range(0, len(starts), WINDOWS_AT_ONCE):
        some = starts[first : first + WINDOWS_AT_ONCE]
        piece = mel(some[0], min(some[-1] + length, n_frames))  # T', 4, 128
        # The last window is filled up with its last frame: a silence of zeros is a sound that no recording has.
        piece = np.pad(piece, ((0, some[-1] + length - some[0] - len(piece)), (0, 0), (0, 0)), mode="edge")
        windows = [piece[start - some[0] :][:length].reshape(-1, piece.shape[-1]) for start in some]
        yield torch.from_numpy(np.stack(windows))
