"""A clip of a shard folder: real beside generated, as a video and as a strip to look at."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lipdata.features import farneback_flow
from lipdata.shards import Clip, ShardFolder
from lipmodel.config import Run
from lipmodel.data import require_same_geometry
from lipmodel.images import film_strip, flow_frames, write_png
from lipmodel.inference.model import Model
from lipmodel.inference.synthesis import synthesise
from lipmodel.inference.video_writer import ENLARGED, require_free, write_mp4

GAP_PX = 8


def write_comparison(model: Model, shards: Path, clip_id: str, out: Path, *, overwrite: bool) -> str:
    """Write ``out``, a silent MP4: a clip on the left, on the right its first frame saying the clip's speech.

    Beside it a strip, named .strip.png: a second a block, in each the real frames, the generated ones, and the
    flow of both as colour.

    Returns:
        What was made, in one line.

    Raises:
        LipdataError: ``out`` or the strip exists, no such clip, or shards of another geometry.
    """
    strip = out.with_suffix(".strip.png")
    for path in (out, strip):
        require_free(path, overwrite=overwrite)
    folder, run = ShardFolder(shards), model.run
    require_same_geometry(folder.shard_of(clip_id), run)
    clip = folder[clip_id]
    n_frames = len(clip.frames)
    frames = synthesise(model.generator, clip.frames[0], lambda first, end: clip.mel[first:end], n_frames, run)
    fake = np.stack(list(frames))  # T, H, W, 3
    pairs = np.concatenate([clip.frames, fake], axis=2)  # T, H, 2 W, 3
    fps, rate_hz = run.pipeline.video.fps, run.pipeline.mel.sample_rate_hz
    write_mp4(out, pairs, None, enlarged=ENLARGED, fps=fps, sample_rate_hz=rate_hz)
    write_png(strip, _blocks(clip, fake, run))
    what = f"{n_frames} frames, {n_frames / fps:g} s, of step {model.step}; real left, generated right"
    return f"{out}: {what}; {strip}: the frames and their flow"


def _blocks(clip: Clip, fake: np.ndarray, run: Run) -> np.ndarray:
    """A second a block, the last filled up with white [shape=(H', W', 3), uint8]."""
    flows = flow_frames(clip.flow[:-1], farneback_flow(fake, run.pipeline.flow)[:-1])
    rows = [clip.frames, fake, *flows]
    return np.concatenate(list(_seconds(rows, run.pipeline.video.fps)))


def _seconds(rows: list[np.ndarray], fps: int) -> Iterator[np.ndarray]:
    for first in range(0, len(rows[0]), fps):
        block = film_strip([row[first : first + fps] for row in rows])
        yield np.pad(block, ((0, GAP_PX), (0, fps * rows[0].shape[2] - block.shape[1]), (0, 0)), constant_values=255)
