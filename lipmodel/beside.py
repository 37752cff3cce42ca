"""A clip of a shard folder: real beside generated, as a video and as a strip to look at."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lipdata.flow import farneback
from lipdata.shards import ClipData
from lipdata.show import find_clip
from lipmodel import config
from lipmodel.config import Run
from lipmodel.data import require_fit
from lipmodel.mp4 import ENLARGED, require_free, write_mp4
from lipmodel.speak import chosen_checkpoint, load_generator, speak
from lipmodel.strip import flow_frames, strip, write_png

GAP_PX = 8


def beside(folder: Path, shards: Path, clip_id: str, out: Path, *, best: bool = False, overwrite: bool) -> str:
    """Write ``out``, a silent MP4: a clip on the left, on the right its first frame saying the clip's speech.

    Beside it a strip, named .strip.png: a second a block, in each the real frames, the generated ones, and the
    flow of both as colour.

    Args:
        best: take the checkpoint with the lowest validation loss in place of the newest.

    Returns:
        What was made, in one line.

    Raises:
        LipdataError: ``out`` or the strip exists, no trained run, no such clip, or shards of another geometry.
    """
    drawn = out.with_suffix(".strip.png")
    for path in (out, drawn):
        require_free(path, overwrite=overwrite)
    run = config.load(folder)
    shard = find_clip(shards, clip_id)
    require_fit(shard, run)
    path, step = chosen_checkpoint(folder, run, best=best)
    generator = load_generator(path, run)
    clip = shard.clip(clip_id)
    n_frames = len(clip.frames)
    spoken = speak(generator, clip.frames[0], lambda first, end: clip.mel[first:end], n_frames, run)
    fake = np.stack(list(spoken))  # T, H, W, 3
    pairs = np.concatenate([clip.frames, fake], axis=2)  # T, H, 2 W, 3
    fps, rate_hz = run.pipeline.video.fps, run.pipeline.mel.sample_rate_hz
    write_mp4(out, pairs, None, enlarged=ENLARGED, fps=fps, sample_rate_hz=rate_hz)
    write_png(drawn, _blocks(clip, fake, run))
    told = f"{n_frames} frames, {n_frames / fps:g} s, of step {step}; real left, generated right"
    return f"{out}: {told}; {drawn}: the frames and their flow"


def _blocks(clip: ClipData, fake: np.ndarray, run: Run) -> np.ndarray:
    """A second a block, the last filled up with white [shape=(H', W', 3), uint8]."""
    flows = flow_frames(clip.flow[:-1], farneback(fake, run.pipeline.flow)[:-1])
    rows = [clip.frames, fake, *flows]
    return np.concatenate(list(_seconds(rows, run.pipeline.video.fps)))


def _seconds(rows: list[np.ndarray], fps: int) -> Iterator[np.ndarray]:
    for first in range(0, len(rows[0]), fps):
        block = strip([row[first : first + fps] for row in rows])
        yield np.pad(block, ((0, GAP_PX), (0, fps * rows[0].shape[2] - block.shape[1]), (0, 0)), constant_values=255)
