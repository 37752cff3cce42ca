"""Offset and confidence of one clip, or why there is no answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lipdata.config import Pipeline
from lipdata.errors import LipdataError
from lipdata.shards import CONFIDENT_SD, Clip
from lipmodel.networks import REACH
from lipmodel.sync.curve import SHIFTS, Curve, curve_of
from lipmodel.sync.foreign import ForeignPairs
from lipmodel.sync.network import Embedding, SyncNetwork, load_sync

# Less says nothing: docs/benchmarks/sync.md.
MIN_FRAMES = 25
# Windows in which a clip that drifts or is cut together shows: 2 s, one a second.
WINDOW_FRAMES, WINDOW_EVERY = 50, 25
# Chosen on docs/benchmarks/sync_hostile.md and 277 clips of GRID. A still picture with a camera's noise moves by .14
# pixels at most, GRID by .28 at least.
STILL_PX = 0.15
# Noise and tones vary by up to 6.1 dB, as a frame's first column lies half in silence; speech clipped by 30 dB by 8.8
# and more, GRID by 20.
FLAT_DB = 7.0
# A recorder's dither is at -78 dB; GRID at 10 and more.
SILENT_DB = -60.0
MOST_INTERPOLATED = 0.5


@dataclass(frozen=True, repr=False)
class Sync:
    """What the network says of a clip. Where it has no answer, ``reason`` says why and all else is None.

    Attributes:
        offset_frames: by how many frames the sound is late; positive: the mouth moves before its sound.
        distance: 1 - cosine at the best shift, 0 to 2.
        confidence: the best cosine less the median over the shifts, 0 to 2.
        confidence_sd: how far the best shift stands out, in standard deviations of foreign pairs from their mean.
        offset_min, offset_max: over the windows of 2 s that are confident; None where none is.
        cosines: the curve, at shifts of -15 to 15 frames [shape=(31,)].
    """

    offset_frames: float | None = None
    distance: float | None = None
    confidence: float | None = None
    confidence_sd: float | None = None
    offset_min: float | None = None
    offset_max: float | None = None
    cosines: np.ndarray | None = None
    reason: str = ""

    def __repr__(self) -> str:
        if self.offset_frames is None:
            return f"Sync(no answer: {self.reason})"
        return f"Sync({self.offset_frames:+.2f} frames, confidence {self.confidence:.3f}, {self.confidence_sd:.1f} sd)"


@dataclass(frozen=True, repr=False)
class Measured:
    """A clip's curve and those of its windows, before they are held against foreign pairs."""

    whole: Curve
    windows: Sequence[Curve]


def sync_offset(clip: Clip, *, network: SyncNetwork | None = None) -> Sync:
    """By how many frames a clip's sound is late, and how sure that is.

    ``confidence_sd`` is in deviations of the foreign pairs in the model card: a single clip has none of its own.

    Args:
        clip: of a shard folder, or of :func:`lipdata.load_clip`.
        network: None for that which ships.

    Raises:
        LipdataError: the clip's mel, flow or frame rate is not of the kind that the network knows.
    """
    network = network or load_sync()
    require_kind(clip, network)
    reason = why_no_answer(clip)
    if reason:
        return Sync(reason=reason)
    return rated(measured(network.embed(clip)), network.own_foreign())


def require_kind(clip: Clip, network: SyncNetwork) -> None:
    """Refuse a clip of another frame rate, mel or flow than the network has learnt from.

    Raises:
        LipdataError: as said.
    """
    pipeline = network.pipeline
    columns = pipeline.mel.sample_rate_hz // pipeline.video.fps // pipeline.mel.hop + 1
    size = pipeline.video.size_px
    for name, shape in (("mel", (columns, pipeline.mel.n_mels)), ("flow", (size, size, 2))):
        if clip.array(name).shape[1:] != shape:
            raise LipdataError(f"{clip.clip_id}: {name} of shape {clip.array(name).shape[1:]}; allowed: {shape}")
    if clip.fps != pipeline.video.fps:
        raise LipdataError(f"{clip.clip_id}: {clip.fps} frames a second; allowed: {pipeline.video.fps}; ingest so")


def require_pipeline(pipeline: Pipeline, network: SyncNetwork, where: object) -> None:
    """Refuse shards of another frame rate, crop or mel than the network has learnt from.

    Raises:
        LipdataError: as said.
    """
    theirs, known = _kind(pipeline), _kind(network.pipeline)
    for name, value in known.items():
        if theirs[name] != value:
            raise LipdataError(
                f"{where}: {name} is {theirs[name]}, the sync network knows {value} alone; ingest with that, or train "
                "one with: lipmodel fit SHARDS --variant sync"
            )


def _kind(pipeline: Pipeline) -> dict[str, object]:
    mel = {f"[mel] {name}": value for name, value in vars(pipeline.mel).items()}
    return mel | {
        "[video] fps": pipeline.video.fps,
        "[video] size_px": pipeline.video.size_px,
        "[lips] half_side": pipeline.lips.half_side,
    }


def why_no_answer(clip: Clip) -> str:
    """What makes a clip's offset meaningless, in one line; empty where nothing does."""
    if len(clip) < MIN_FRAMES:
        return f"{len(clip)} frames; at least {MIN_FRAMES} wanted"
    interpolated = int((~clip.tracked).sum())
    if interpolated > MOST_INTERPOLATED * len(clip):
        return f"no face in {interpolated} of {len(clip)} frames, their landmarks are interpolated"
    if not all(np.isfinite(array).all() for array in (clip.mel, clip.landmarks, clip.box)):
        return "its mel or landmarks hold values that are not finite"
    if not np.isfinite(clip.flow).all():
        return "its flow holds values that are not finite"
    # A sixteenth of the values tells a still mouth from one that speaks.
    flow = clip.flow[:-1, 2::4, 2::4].astype(np.float32)
    moved = float((flow - flow.mean((1, 2), keepdims=True)).std())
    if moved < STILL_PX:
        return f"its mouth moves by {moved:.3f} pixels a frame; at least {STILL_PX} wanted"
    loudest = clip.mel.max(-1).ravel()  # dB of each column
    low, high = np.percentile(loudest, [20, 95])
    if high < SILENT_DB or high - low < FLAT_DB:
        return f"its sound is at {high:.0f} dB and varies by {high - low:.0f} dB; nothing to be in step with"
    return ""


def measured(embedding: Embedding) -> Measured:
    """The curves of a clip: of its whole, and of its windows of 2 s."""
    motion, sound = embedding.motion, embedding.sound
    length = WINDOW_FRAMES - 2 * REACH
    firsts = range(0, len(motion) - length + 1, WINDOW_EVERY)
    windows = [curve_of(motion[first : first + length], sound, first) for first in firsts]
    return Measured(curve_of(motion, sound), windows)


def rated(clip: Measured, foreign: ForeignPairs) -> Sync:
    """A clip's curves, held against pairs of which it is known that they do not fit."""
    whole = clip.whole
    if not _has_peak(whole):
        return Sync(reason=f"its curve still rises at {SHIFTS[whole.best]:+d} frames, the last shift that is compared")
    sure = [each for each in clip.windows if _has_peak(each) and foreign.deviations(each) >= CONFIDENT_SD]
    offsets = [window.offset_frames for window in sure]
    return Sync(
        offset_frames=whole.offset_frames,
        distance=whole.distance,
        confidence=whole.confidence,
        confidence_sd=foreign.deviations(whole),
        offset_min=min(offsets, default=None),
        offset_max=max(offsets, default=None),
        cosines=whole.cosines,
    )


def _has_peak(curve: Curve) -> bool:
    """Whether the best shift has neighbours on both sides: else a better one may lie beyond them."""
    compared = np.flatnonzero(np.isfinite(curve.cosines))
    return bool(compared[0] < curve.best < compared[-1])
