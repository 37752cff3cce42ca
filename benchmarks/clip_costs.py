"""One clip, as it is usually ingested, as lipdata does it, and at the least; and what each piece of work costs."""

import resource
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import dlib
import numpy as np

from lipdata.atomic_files import sha256_of_file
from lipdata.config import Pipeline
from lipdata.corpus.manifest import ManifestRow
from lipdata.corpus.source import locate
from lipdata.face.crop import crop_frames, mouth_boxes, reference_face, to_crop_pixels
from lipdata.face.detector import Track
from lipdata.face.dlib_detector import DlibDetector
from lipdata.face.registry import open_detector
from lipdata.face.tracking import track_face
from lipdata.features.mel import log_mel
from lipdata.features.optical_flow import farneback_flow
from lipdata.ingestion.clip_pipeline import process_clip
from lipdata.media.decode import DecodedClip, decode_clip
from lipdata.media.ffmpeg import ffmpeg_binary
from lipdata.shards.clip import Clip
from lipdata.shards.writer import write_shard

Result = TypeVar("Result")


@dataclass
class Cost:
    """Seconds: our own CPU time, ffmpeg's, and by the clock."""

    own_s: float = 0.0
    ffmpeg_s: float = 0.0
    wall_s: float = 0.0

    @property
    def cpu_s(self) -> float:
        return self.own_s + self.ffmpeg_s

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.own_s + other.own_s, self.ffmpeg_s + other.ffmpeg_s, self.wall_s + other.wall_s)


def now() -> tuple[float, float, float]:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time(), ended.ru_utime + ended.ru_stime, time.perf_counter()


@dataclass
class Meter:
    """What pieces of work have cost, by name."""

    costs: dict[str, Cost] = field(default_factory=lambda: defaultdict(Cost))

    def of(self, name: str, work: Callable[..., Result], *args: object, **options: object) -> Result:
        began = now()
        result = work(*args, **options)
        self.costs[name] += Cost(*(end - begin for begin, end in zip(began, now(), strict=True)))
        return result


class MeteredDetector(DlibDetector):
    """A detector that measures what detecting and predicting cost; it shares the predictor, and so its cache."""

    def __init__(self, detector: DlibDetector, meter: Meter) -> None:
        self.__dict__ |= detector.__dict__
        self._meter = meter

    def detect(self, frame: np.ndarray, width: float | None = None) -> list[tuple[np.ndarray, float]]:
        return self._meter.of("detect", super().detect, frame, width)

    def landmarks_of(self, frames: np.ndarray, box: np.ndarray) -> np.ndarray:
        return self._meter.of("predict", super().landmarks_of, frames, box)


def read(path: Path, setup: Pipeline) -> DecodedClip:
    return decode_clip(path, fps=setup.video.fps, sample_rate_hz=setup.mel.sample_rate_hz)


def field_practice(path: Path, detector: DlibDetector, setup: Pipeline) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks [shape=(T, 68, 2)], and where a face was found [shape=(T,)]."""
    clip = read(path, setup)
    found = [detector.faces(frame, 1) for frame in clip.frames]
    boxes = [faces[0][0] if faces else None for faces in found]
    seen = np.array([box is not None for box in boxes])
    nearest = [boxes[min(np.flatnonzero(seen), key=lambda at: abs(at - index))] for index in range(len(boxes))]
    points = np.stack([detector.landmarks(frame, box) for frame, box in zip(clip.frames, nearest, strict=True)])
    crops = crop_frames(clip.frames, mouth_boxes(points, setup.lips), setup.video.size_px)
    log_mel(clip.sound, len(crops), setup.mel, setup.video.fps)
    farneback_flow(crops, setup.flow)
    return points, seen


def ours(row: ManifestRow, grid: Path, setup: Pipeline) -> Clip:
    """What a worker does for a clip, but for writing it."""
    return process_clip(row, locate(row, grid), open_detector(), setup).data


def floor(path: Path, detector: DlibDetector, box: dlib.rectangle, shape: tuple[int, ...]) -> None:
    """Decode frames of a known shape, and sound; predict in a box that is given."""
    frames = np.empty(shape, np.uint8)
    command = [ffmpeg_binary(), "-v", "quiet", "-nostdin", "-threads", "1", "-i", str(path)]
    command += ["-map", "0:v", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1", "-map", "0:a", "-f", "null", "-"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        if process.stdout.readinto(frames.data) != frames.nbytes:  # type: ignore[union-attr]
            raise ValueError(f"{path}: fewer frames than {shape[0]}")
    for frame in frames:
        detector._predictor(frame, box)


def staged(row: ManifestRow, grid: Path, detector: MeteredDetector, setup: Pipeline, meter: Meter) -> Track:
    """What process_clip does, stage by stage."""
    source = meter.of("find and hash the file", locate, row, grid)
    clip = meter.of("decode", read, source.path, setup)
    track = meter.of("track", track_face, clip.frames, detector, setup.lips)

    def cut() -> np.ndarray:
        boxes = mouth_boxes(track.points, setup.lips)
        reference_face(clip.frames[0], track.points[0], boxes[0], setup.video.face_px)
        to_crop_pixels(track.points, boxes, setup.video.size_px)
        return crop_frames(clip.frames, boxes, setup.video.size_px)

    crops = meter.of("crop", cut)
    meter.of("mel", log_mel, clip.sound, len(crops), setup.mel, setup.video.fps)
    meter.of("flow", farneback_flow, crops, setup.flow)
    return track


def write(clips: Sequence[Clip], setup: Pipeline) -> None:
    about = {"pipeline": setup.to_json(), "pipeline_digest": "", "fps": setup.video.fps}
    with tempfile.TemporaryDirectory() as folder:
        write_shard(Path(folder) / "a.h5", clips, about | {"sample_rate": setup.mel.sample_rate_hz})
        sha256_of_file(Path(folder) / "a.h5")
