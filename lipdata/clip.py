"""One clip, from its file to the arrays of a shard: media -> lips -> crop -> mel, flow."""

from dataclasses import dataclass

from lipdata import crop, flow, lips, media
from lipdata.errors import ClipError
from lipdata.faces import FaceFinder
from lipdata.manifest import Row
from lipdata.mel import log_mel
from lipdata.pipeline import Pipeline
from lipdata.shards import WINDOW, ClipData
from lipdata.source import Source


@dataclass(frozen=True)
class Made:
    """A clip's arrays and what the ledger says of it.

    Attributes:
        damage: what the decoder complained of; empty in a sound clip.
    """

    data: ClipData
    faces_detected: int
    frames_interpolated: int
    av_offset_s: float
    damage: str


def make_clip(row: Row, where: Source, finder: FaceFinder, pipeline: Pipeline) -> Made:
    """Take one clip of the manifest through the pipeline.

    Raises:
        ClipError: with the stage and the reason.
    """
    if row.sha256 and row.sha256 != where.sha256:
        raise ClipError("manifest", f"the file changed since the manifest was made: sha256 is now {where.sha256}")
    fps, rate_hz = pipeline.video.fps, pipeline.mel.sample_rate_hz
    source = media.read_clip(
        where.path, fps=fps, sample_rate_hz=rate_hz, audio_path=where.audio_path, start_s=row.start_s, end_s=row.end_s
    )
    n_frames = len(source.frames)
    if n_frames < WINDOW:
        raise ClipError("media", f"{n_frames} frames; a window needs {WINDOW}")
    frozen = [run for run in lips.runs(source.held) if run[1] - run[0] > pipeline.lips.max_gap]
    if frozen:
        raise ClipError(
            "media", f"no picture in frames {frozen[0][0]} to {frozen[0][1] - 1}: a hole in the time stamps"
        )
    track = lips.track(source.frames, finder, pipeline.lips)
    boxes = crop.mouth_boxes(track.points, pipeline.lips)
    frames = crop.cut(source.frames, boxes, pipeline.video.size_px)
    shown = int(track.tracked.argmax())
    face, face_lips = crop.reference_face(
        source.frames[shown], track.points[shown], boxes[shown], pipeline.video.face_px
    )
    data = ClipData(
        clip_id=row.clip_id,
        speaker=row.speaker,
        sha256=where.sha256,
        frames=frames,
        mel=log_mel(source.sound, n_frames, pipeline.mel, fps),
        flow=flow.farneback(frames, pipeline.flow),
        landmarks=crop.to_crop(track.points, boxes, pipeline.video.size_px),
        box=boxes,
        tracked=track.tracked,
        face=face,
        face_lips=face_lips,
    )
    interpolated = int((~track.tracked).sum())
    return Made(data, track.faces_detected, interpolated, source.av_offset_s, source.damage)
