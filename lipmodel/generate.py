"""A trained run, a picture and speech of any length -> a video of that mouth saying it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lipdata.errors import ClipError, LipdataError
from lipdata.media import read_sound
from lipdata.mel import log_mel
from lipdata.pipeline import Pipeline
from lipmodel import checkpoint, config
from lipmodel.blend import cross_fade, window_starts
from lipmodel.config import Run
from lipmodel.fit import CHECKPOINTS
from lipmodel.mp4 import write_mp4
from lipmodel.networks.generator import Generator
from lipmodel.picture import read_mouth
from lipmodel.pixels import to_signal

# At full width a window's largest layer is 17 MB; this many fill a GPU well enough and fit into any memory.
WINDOWS_AT_ONCE = 8


def generate(folder: Path, image: Path, audio: Path, out: Path, *, overwrite: bool) -> str:
    """Write ``out``, an MP4 of round(fps x duration) frames.

    Returns:
        What was made, in one line.

    Raises:
        LipdataError: ``out`` exists, no trained run, no picture or no mouth in it, or no sound.
    """
    if out.exists() and not overwrite:
        raise LipdataError(f"{out} exists; choose another name with -o, or allow --overwrite")
    if not out.absolute().parent.is_dir():
        raise LipdataError(f"{out} cannot be written: there is no folder {out.absolute().parent}; make it first")
    run = config.load(folder)
    generator, step = load_generator(folder, run)
    mouth = read_mouth(image, run.pipeline)
    fps, rate_hz = run.pipeline.video.fps, run.pipeline.mel.sample_rate_hz
    try:
        sound = read_sound(audio, rate_hz)
    except ClipError as error:
        raise LipdataError(f"{audio}: {error.reason}; give a file with speech in it") from error
    n_frames = round(fps * len(sound) / rate_hz)
    if not n_frames:
        raise LipdataError(f"{audio} has {len(sound) / rate_hz:.3f} s of sound; allowed: {1 / fps} s (a frame) or more")
    frames = speak(generator, mouth.crop, sound, n_frames, run)
    count = write_mp4(out, frames, sound, size_px=run.pipeline.video.size_px, fps=fps, sample_rate_hz=rate_hz)
    return f"{out}: {count} frames, {count / fps:g} s, of step {step}; {image}: {mouth.origin}"


def load_generator(folder: Path, run: Run) -> tuple[Generator, int]:
    """The generator of a run's newest checkpoint, ready to generate, and that checkpoint's step.

    Raises:
        LipdataError: no checkpoint, or one that does not fit.
    """
    newest = checkpoint.latest(folder / CHECKPOINTS)
    if newest is None:
        raise LipdataError(f"{folder} has no checkpoint; train with: lipmodel fit {run.shards} -o {folder} --resume")
    path, step = newest
    generator = Generator(run.network)
    checkpoint.load_weights(path, run.preset, {"generator": generator})
    return generator.to("cuda" if torch.cuda.is_available() else "cpu"), step


def speak(generator: Generator, crop: np.ndarray, sound: np.ndarray, n_frames: int, run: Run) -> Iterator[np.ndarray]:
    """The frames of ``crop``'s mouth saying ``sound``, one by one; memory does not grow with their number.

    Shape:
        crop: uint8, RGB, (H, W, 3); sound: (n,) mono at the pipeline's rate; result: as crop, each.
    """
    device = next(generator.parameters()).device
    identity = to_signal(torch.from_numpy(np.ascontiguousarray(crop)).unsqueeze(0).to(device))  # 1, 3, H, W
    mels = _mels(sound, n_frames, run)
    windows = (window for some in mels for window in _signals(generator, some.to(device), identity))  # T, H, W, 3
    for signal in cross_fade(windows, n_frames=n_frames, stride=run.window_stride):  # H, W, 3
        yield np.rint((signal + 1) * 127.5).clip(0, 255).astype(np.uint8)


@torch.no_grad()
def _signals(generator: Generator, mels: Tensor, identity: Tensor) -> np.ndarray:
    fakes = generator(mels, identity.expand(len(mels), -1, -1, -1)).video  # B, 3, T, H, W
    signals: np.ndarray = fakes.movedim(1, -1).float().cpu().numpy()  # B, T, H, W, 3
    return signals


def _mels(sound: np.ndarray, n_frames: int, run: Run) -> Iterator[Tensor]:
    """The log-mel of overlapping windows, several at a time [shape=(B, 4 T, 128)]."""
    length, stride = run.window_frames, run.window_stride
    starts = window_starts(n_frames, length, stride)
    for first in range(0, len(starts), WINDOWS_AT_ONCE):
        some = starts[first : first + WINDOWS_AT_ONCE]
        mel = _piece(sound, some[0], min(some[-1] + length, n_frames), run.pipeline)  # T', 4, 128
        # The last window is filled up with its last frame: a silence of zeros is a sound that no recording has.
        mel = np.pad(mel, ((0, some[-1] + length - some[0] - len(mel)), (0, 0), (0, 0)), mode="edge")
        windows = [mel[start - some[0] :][:length].reshape(-1, mel.shape[-1]) for start in some]
        yield torch.from_numpy(np.stack(windows))


def _piece(sound: np.ndarray, first: int, end: int, pipeline: Pipeline) -> np.ndarray:
    """Log-mel of frames ``first`` up to, not including, ``end``."""
    mel, fps = pipeline.mel, pipeline.video.fps
    samples = mel.sample_rate_hz // fps
    return log_mel(sound[first * samples : end * samples], end - first, mel, fps)
