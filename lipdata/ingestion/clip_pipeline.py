"""One clip, from its file to the arrays of a shard: media -> lips -> crop -> mel, flow."""

from dataclasses import dataclass
from pathlib import Path

from lipdata.config import Pipeline, load_pipeline
from lipdata.corpus import ManifestRow, Source, locate
from lipdata.errors import ClipError
from lipdata.face import (
    FaceDetector,
    crop_frames,
    mouth_boxes,
    open_detector,
    reference_face,
    to_crop_pixels,
    true_runs,
)
from lipdata.features import Signals, find_feature
from lipdata.ingestion.process_pool import single_core
from lipdata.ingestion.sound_offsets import SoundOffset
from lipdata.media import decode_clip
from lipdata.shards import WINDOW, Clip


@dataclass(frozen=True)
class ProcessedClip:
    """A clip's arrays and what the ledger says of it.

    Attributes:
        sync_offset_s: by how much the sound was moved earlier.
        damage: what the decoder complained of; empty in a sound clip.
    """

    data: Clip
    faces_detected: int
    frames_interpolated: int
    av_offset_s: float
    sync_offset_s: float
    damage: str


def process_clip(
    row: ManifestRow,
    where: Source,
    detector: FaceDetector,
    pipeline: Pipeline,
    sound_offset: SoundOffset | None = None,
) -> ProcessedClip:
    """Take one clip of the manifest through the pipeline.

    Args:
        sound_offset: move the sound earlier by that.

    Raises:
        ClipError: with the stage and the reason.
    """
    if row.sha256 and row.sha256 != where.sha256:
        raise ClipError("manifest", f"the file changed since the manifest was made: sha256 is now {where.sha256}")
    if sound_offset and sound_offset.sha256 != where.sha256:
        raise ClipError("sync", "its offset was measured in another file, whose sha256 stands in the table")
    fps, late_s = pipeline.video.fps, sound_offset.late_s if sound_offset else 0.0
    source = decode_clip(
        where.path,
        fps=fps,
        sample_rate_hz=pipeline.mel.sample_rate_hz,
        audio_path=where.audio_path,
        start_s=row.start_s,
        end_s=row.end_s,
        sound_late_s=late_s,
    )
    n_frames = len(source.frames)
    # Else a table could move the sound out of the clip.
    if sound_offset and sound_offset.n_frames != n_frames:
        raise ClipError("sync", f"its offset was measured in {sound_offset.n_frames} frames; it has {n_frames}")
    if n_frames < WINDOW:
        raise ClipError("media", f"{n_frames} frames; a window needs {WINDOW}")
    frozen = [run for run in true_runs(source.held) if run[1] - run[0] > pipeline.lips.max_gap]
    if frozen:
        raise ClipError(
            "media", f"no picture in frames {frozen[0][0]} to {frozen[0][1] - 1}: a hole in the time stamps"
        )
    track = detector.track(row.clip_id, source.frames, pipeline.lips)
    boxes = mouth_boxes(track.points, pipeline.lips)
    frames = crop_frames(source.frames, boxes, pipeline.video.size_px)
    shown = int(track.tracked.argmax())
    face, face_lips = reference_face(source.frames[shown], track.points[shown], boxes[shown], pipeline.video.face_px)
    landmarks = to_crop_pixels(track.points, boxes, pipeline.video.size_px)
    signals = Signals(frames, source.sound, landmarks)
    data = Clip(
        clip_id=row.clip_id,
        speaker=row.speaker,
        sha256=where.sha256,
        fps=fps,
        frames=frames,
        landmarks=landmarks,
        box=boxes,
        tracked=track.tracked,
        face=face,
        face_lips=face_lips,
        features={name: find_feature(name)(signals, pipeline) for name in pipeline.shards.features},
    )
    interpolated = int((~track.tracked).sum())
    return ProcessedClip(data, track.faces_detected, interpolated, source.av_offset_s, late_s, source.damage)


def load_clip(path: Path | str, *, pipeline: str = "grid", landmarks: Path | str | None = None) -> Clip:
    """Take one media file through a pipeline, as ingest would, and write nothing.

    Args:
        path: the media file; its stem becomes the clip id.
        pipeline: a pipeline's name, or the path of a ``.toml`` file.
        landmarks: as of :func:`lipdata.ingest`; precomputed ones are looked up by the stem.

    Raises:
        ClipError: the clip cannot be used, with the stage and the reason.
        LipdataError: no such pipeline, or landmarks that cannot be used.
    """
    path, config = Path(path).absolute(), load_pipeline(pipeline)
    detector = open_detector(config.lips.detector, Path(landmarks) if landmarks else None)
    real = path.resolve()
    row = ManifestRow(clip_id=path.stem, speaker="", split="", path=real.name)
    with single_core():
        return process_clip(row, locate(row, real.parent), detector, config).data
