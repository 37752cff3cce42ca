"""A pipeline file (TOML) -> frozen dataclasses. The numbers of the pipeline stand in that file, not here."""

import hashlib
import json
import re
import tomllib
import types
import typing
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from lipdata.errors import LipdataError

# Datasets that every shard has.
RESERVED = ("frames", "landmarks", "box", "tracked", "face", "face_lips", "clips")


@dataclass(frozen=True)
class CorpusConfig:
    """How a corpus folder lays out its clips.

    Attributes:
        name: what its shards are called: ``grid`` -> ``grid-00000.h5``.
        layout: regular expression that a clip's POSIX path below the corpus folder matches from end to end.
            Named groups: ``stem`` (needed), ``speaker``, ``split``, ``transcript``.
        words: one table a character of the stem, character -> word: the transcript, where names encode it.
        test_speakers: speakers whose clips are ``test``.
        val_fraction: share of the other clips, chosen by a hash of the clip id, that are ``val``; the rest are
            ``train``. A corpus with neither leaves ``split`` empty.
    """

    name: str
    layout: str
    words: tuple[dict[str, str], ...]
    test_speakers: tuple[str, ...]
    val_fraction: float

    def __post_init__(self) -> None:
        _require(
            re.fullmatch(r"[a-z0-9_]{1,64}", self.name), "corpus.name", self.name, "lower-case letters, digits and _"
        )
        try:
            groups = re.compile(self.layout).groupindex
        except re.error as error:
            raise LipdataError(f"corpus.layout is no regular expression: {error}; got {self.layout!r}") from error
        _require("stem" in groups, "corpus.layout", self.layout, "an expression with a group (?P<stem>...)")
        _require(0 <= self.val_fraction < 1, "corpus.val_fraction", self.val_fraction, "0 up to, not including, 1")


@dataclass(frozen=True)
class VideoConfig:
    """Attributes: ``fps`` frames a second; ``size_px`` side of a mouth crop; ``face_px`` side of the face picture."""

    fps: int
    size_px: int
    face_px: int

    def __post_init__(self) -> None:
        for name in ("fps", "size_px", "face_px"):
            _require(1 <= getattr(self, name) <= 1024, f"video.{name}", getattr(self, name), "1 to 1024")


@dataclass(frozen=True)
class LipsConfig:
    """How mouths are found and cut.

    Attributes:
        detect_every: a face is detected at the latest every so many frames; between them its box stays where it is.
        max_gap: longest run of frames without a face that is interpolated; a longer one fails the clip.
        half_side: half the crop's side over the longer side of the mouth's bounding box.
        smooth_frames: length of the moving average over the crop boxes, odd; 1 is none.
        detector: name of the face detector (see :func:`lipdata.face.open_detector`).
    """

    detect_every: int
    max_gap: int
    half_side: float
    smooth_frames: int
    detector: str = "dlib"

    def __post_init__(self) -> None:
        _require(self.detect_every >= 1, "lips.detect_every", self.detect_every, "1 or more")
        _require(self.max_gap >= 0, "lips.max_gap", self.max_gap, "0 or more")
        _require(0.5 <= self.half_side <= 4, "lips.half_side", self.half_side, "0.5 to 4")
        odd = self.smooth_frames % 2 == 1 and self.smooth_frames >= 1
        _require(odd, "lips.smooth_frames", self.smooth_frames, "an odd number from 1")


@dataclass(frozen=True)
class MelConfig:
    """Log-mel of each video frame's piece of sound; ``fmax_hz`` at most half of ``sample_rate_hz``."""

    sample_rate_hz: int
    n_fft: int
    hop: int
    n_mels: int
    fmax_hz: int

    def __post_init__(self) -> None:
        _require(8000 <= self.sample_rate_hz <= 192000, "mel.sample_rate_hz", self.sample_rate_hz, "8000 to 192000")
        for name, least, most in (("n_fft", 16, 65536), ("hop", 1, 65536), ("n_mels", 1, 1024)):
            _require(least <= getattr(self, name) <= most, f"mel.{name}", getattr(self, name), f"{least} to {most}")
        half = self.sample_rate_hz // 2
        _require(0 < self.fmax_hz <= half, "mel.fmax_hz", self.fmax_hz, f"at most half the sample rate, {half}")


@dataclass(frozen=True)
class FlowConfig:
    """Parameters of Farneback's optical flow, under OpenCV's names."""

    pyr_scale: float
    levels: int
    winsize: int
    iterations: int
    poly_n: int
    poly_sigma: float

    def __post_init__(self) -> None:
        # OpenCV checks none of these: a negative window aborts the process.
        bounds = {
            "pyr_scale": (0.1, 0.9),
            "levels": (1, 10),
            "winsize": (1, 255),
            "iterations": (1, 100),
            "poly_n": (1, 31),
            "poly_sigma": (0.1, 10),
        }
        for name, (least, most) in bounds.items():
            _require(least <= getattr(self, name) <= most, f"flow.{name}", getattr(self, name), f"{least} to {most}")


@dataclass(frozen=True)
class ShardsConfig:
    """What one HDF5 file holds.

    Attributes:
        clips: how many at most.
        features: names of the features that are computed and stored (see :func:`lipdata.features.find_feature`).
    """

    clips: int
    features: tuple[str, ...] = ("mel", "flow")

    def __post_init__(self) -> None:
        _require(self.clips >= 1, "shards.clips", self.clips, "1 or more")
        for name in self.features:
            _require(re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name), "shards.features", name, "names in lower case")
            _require(name not in RESERVED, "shards.features", name, f"other names than {', '.join(RESERVED)}")
        _require(len(set(self.features)) == len(self.features), "shards.features", self.features, "each name once")


@dataclass(frozen=True)
class Pipeline:
    """A whole pipeline file, table for table."""

    corpus: CorpusConfig
    video: VideoConfig
    lips: LipsConfig
    mel: MelConfig
    flow: FlowConfig
    shards: ShardsConfig

    def __post_init__(self) -> None:
        rate, fps = self.mel.sample_rate_hz, self.video.fps
        _require(rate % fps == 0, "mel.sample_rate_hz", rate, f"a multiple of video.fps {fps}")

    def tables(self) -> dict[str, Any]:
        """The pipeline as nested tables; keys that came after format version 1 only where they are not the default."""
        tables = asdict(self)
        for table in fields(self):
            for field in fields(table.type):  # type: ignore[arg-type]
                if field.default is not MISSING and tables[table.name][field.name] == field.default:
                    del tables[table.name][field.name]
        return tables

    def to_json(self) -> str:
        """The pipeline as one line of JSON with sorted keys."""
        return json.dumps(self.tables(), sort_keys=True)

    def digest(self, landmarks_digest: str) -> str:
        """SHA-256 of all that shapes the data: the tables and the landmarks' files, but not how clips are found."""
        tables = self.tables() | {"corpus": self.corpus.name}
        return hashlib.sha256(json.dumps([tables, landmarks_digest], sort_keys=True).encode()).hexdigest()


def pipeline_names() -> list[str]:
    """The pipelines that come with lipdata."""
    return sorted(
        item.name[:-5] for item in resources.files("lipdata.pipelines").iterdir() if item.name.endswith(".toml")
    )


def load_pipeline(name_or_path: str) -> Pipeline:
    """Read a pipeline by its name (``grid``) or from a file (``my.toml``).

    Raises:
        LipdataError: no such pipeline, no TOML, or a key that is unknown, missing or out of range.
    """
    if name_or_path in pipeline_names():
        text = (resources.files("lipdata.pipelines") / f"{name_or_path}.toml").read_bytes()
    else:
        path = Path(name_or_path)
        if not path.is_file():
            raise LipdataError(
                f"no pipeline {name_or_path!r}; give a .toml file or one of: {', '.join(pipeline_names())}"
            )
        text = path.read_bytes()
    try:
        pipeline: Pipeline = _build(Pipeline, tomllib.loads(text.decode("utf-8")), "")
        return pipeline
    except ValueError as error:
        raise LipdataError(f"pipeline {name_or_path} is no TOML: {error}") from error
    except LipdataError as error:
        raise LipdataError(f"pipeline {name_or_path}: {error}") from error


def pipeline_from_json(text: str) -> Pipeline:
    """The inverse of ``Pipeline.to_json``. Raises LipdataError where a table or a key is not of this version."""
    try:
        table = json.loads(text)
    except ValueError as error:
        raise LipdataError(f"the pipeline stored with the shards is no JSON: {error}") from error
    if not isinstance(table, dict):
        raise LipdataError("the pipeline stored with the shards is no table; ingest again")
    pipeline: Pipeline = _build(Pipeline, table, "")
    return pipeline


def _build(kind: Any, table: dict[str, Any], where: str) -> Any:
    wanted = {field.name: field.type for field in fields(kind)}
    needed = {field.name for field in fields(kind) if field.default is MISSING}
    unknown, missing = table.keys() - wanted.keys(), needed - table.keys()
    if unknown:
        raise LipdataError(f"unknown key {where}{min(unknown)}; allowed: {', '.join(where + name for name in wanted)}")
    if missing:
        raise LipdataError(f"key {where}{min(missing)} is missing; copy it from pipelines/grid.toml")
    return kind(**{name: _value(wanted[name], table[name], where + name) for name in wanted if name in table})


def _value(kind: Any, value: Any, key: str) -> Any:
    if is_dataclass(kind):
        _require(isinstance(value, dict), key, value, f"a table [{key}]")
        return _build(kind, value, f"{key}.")
    if isinstance(kind, types.GenericAlias) and kind.__origin__ is tuple:
        _require(isinstance(value, list), key, value, "a list")
        return tuple(_value(typing.get_args(kind)[0], item, f"{key}[{i}]") for i, item in enumerate(value))
    if isinstance(kind, types.GenericAlias):
        texts = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
        _require(texts, key, value, "a table of texts")
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    _require(number if kind is float else type(value) is kind, key, value, f"a value of type {kind.__name__}")
    return kind(value)


def _require(holds: object, key: str, got: object, allowed: str) -> None:
    if not holds:
        raise LipdataError(f"{key}: got {got!r}, allowed: {allowed}")
