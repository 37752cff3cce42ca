"""The HDF5 schema of a shard, its writer and its reader. h5py and numpy only.

Axis 0 of the frame datasets runs over the frames of all clips, one clip after another. Datasets are contiguous, so the
reader maps them into memory at their file offset instead of going through HDF5 for every window.
"""

import hashlib
import re
import resource
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lipdata.errors import LipdataError
from lipdata.files import whole

FORMAT = "lipdata-shard"
VERSION = 1
# The reader's windows (paper, section 5.1): 16 frames, each overlapping the next by 8. They are not stored.
WINDOW, STRIDE = 16, 8
# Files that a process may want open besides the shards.
OTHER_FILES = 256

# name -> (dtype, axes, units); C: clips, N: frames of all clips
PER_FRAME: dict[str, tuple[str, str, str]] = {
    "frames": ("uint8", "N, y, x, RGB", "0 to 255"),
    "mel": ("float32", "N, column, mel band", "dB re 1.0"),
    "flow": ("float16", "N, y, x, (dx, dy)", "crop pixels a frame, from frame i to i + 1; 0 at a clip's last frame"),
    "landmarks": ("float32", "N, point, (x, y)", "crop pixels; points 48 to 67 of 68"),
    "box": ("float32", "N, (x0, y0, x1, y1)", "source pixels"),
    "tracked": ("bool", "N", "True: landmarks measured, False: interpolated"),
}
PER_CLIP: dict[str, tuple[str, str, str]] = {
    "face": ("uint8", "C, y, x, RGB", "0 to 255"),
    "face_lips": ("float32", "C, (x0, y0, x1, y1)", "pixels of face"),
}
ATTRIBUTES: dict[str, type] = {
    "pipeline": str,
    "pipeline_digest": str,
    "content_sha256": str,
    "fps": np.integer,
    "sample_rate": np.integer,
}
CLIPS_DTYPE = np.dtype(
    [
        ("clip_id", h5py.string_dtype("utf-8", 128)),
        ("speaker", h5py.string_dtype("utf-8", 64)),
        ("start", "<i8"),
        ("length", "<i8"),
        ("sha256", h5py.string_dtype("utf-8", 64)),
    ]
)


@dataclass(frozen=True, repr=False)
class ClipData:
    """All arrays of one clip of T frames, as they go into a shard (types and shapes: ``PER_FRAME``, ``PER_CLIP``)."""

    clip_id: str
    speaker: str
    sha256: str
    frames: np.ndarray  # T, 64, 64, 3
    mel: np.ndarray  # T, 4, 128
    flow: np.ndarray  # T, 64, 64, 2
    landmarks: np.ndarray  # T, 20, 2
    box: np.ndarray  # T, 4
    tracked: np.ndarray  # T
    face: np.ndarray  # 256, 256, 3
    face_lips: np.ndarray  # 4

    def __repr__(self) -> str:
        return f"ClipData({self.clip_id!r}, frames={self.frames.shape}, mel={self.mel.shape})"


@dataclass(frozen=True)
class ShardClip:
    """Where one clip lies in its shard: frames ``start`` to ``start + length``; ``index`` along the clip axis."""

    clip_id: str
    speaker: str
    start: int
    length: int
    sha256: str
    index: int


def write_shard(path: Path, clips: Sequence[ClipData], attributes: Mapping[str, Any]) -> str:
    """Write clips, in the order given, to one shard; the file appears whole or not at all.

    Args:
        attributes: root attributes beside format, version and content_sha256: ``pipeline`` (JSON),
            ``pipeline_digest``, ``fps``, ``sample_rate``.

    Returns:
        content_sha256 of what was written.
    """
    lengths = [len(clip.frames) for clip in clips]
    starts = np.cumsum([0, *lengths[:-1]])
    table = np.array(
        [
            (clip.clip_id.encode(), clip.speaker.encode(), start, length, clip.sha256.encode())
            for clip, start, length in zip(clips, starts, lengths, strict=True)
        ],
        dtype=CLIPS_DTYPE,
    )
    # Hashed as it is written: reading it back would double the memory that passes through the processor.
    digest = _digest(attributes["pipeline_digest"], table)
    with whole(path) as hidden, _create(hidden) as file:
        for name, (dtype, axes, units) in (PER_FRAME | PER_CLIP).items():
            arrays = [getattr(clip, name) for clip in clips]
            per_frame = name in PER_FRAME
            shape = (sum(lengths), *arrays[0].shape[1:]) if per_frame else (len(clips), *arrays[0].shape)
            dataset = file.create_dataset(name, shape, dtype, track_times=False)
            _begin(digest, name, dataset)
            for clip, start, array in zip(range(len(clips)), starts, arrays, strict=True):
                stored = np.ascontiguousarray(array, dtype)
                dataset[slice(start, start + len(array)) if per_frame else clip] = stored
                digest.update(stored.data)
            dataset.attrs.update(axes=axes, units=units)
        dataset = file.create_dataset("clips", data=table, track_times=False)
        dataset.attrs.update(axes="C", units="start, length: frames")
        file.attrs.update(attributes)
        file.attrs.update(format=FORMAT, version=VERSION)
        content = digest.hexdigest()
        file.attrs["content_sha256"] = content
    return content


@contextmanager
def _create(path: Path) -> Iterator[h5py.File]:
    try:
        with h5py.File(path, "w", libver="v110") as file:
            yield file
    except OSError as error:
        said = re.search(r"error message = '([^']*)'", str(error))
        what = said[1] if said else " ".join(str(error).split())
        raise LipdataError(
            f"{path.parent}: a shard could not be written: {what}; make room, then run the same command, but for "
            "--overwrite: it goes on"
        ) from error


class Shard:
    """One shard, opened for reading. Holds no HDF5 handle and no map when pickled: safe with fork and spawn.

    Args:
        path: a ``.h5`` file.

    Raises:
        LipdataError: no shard, another format version, or a dataset missing, cut short, or of another type.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._map: np.ndarray | None = None
        with _open(self.path) as file:
            self.attributes: dict[str, Any] = dict(file.attrs)
            self.clips = _read_clips(file["clips"])
            self._where = {name: _place(file, name, self.path) for name in (*PER_FRAME, *PER_CLIP)}
        end = 0
        for clip in self.clips:
            if clip.start != end or clip.length < 1:
                raise LipdataError(
                    f"{self.path}: {clip.clip_id} starts at frame {clip.start}, should at {end}; ingest again"
                )
            end += clip.length
        for name, (shape, _, _) in self._where.items():
            rows = end if name in PER_FRAME else len(self.clips)
            if shape[0] != rows:
                raise LipdataError(f"{self.path}: {name} has {shape[0]} rows, its clips {rows}; ingest again")

    def __repr__(self) -> str:
        return f"Shard({str(self.path)!r}, {len(self.clips)} clips, {self._where['frames'][0][0]} frames)"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_map": None}

    def array(self, name: str) -> np.ndarray:
        """A whole dataset, read-only, mapped into memory at first use in this process."""
        if self._map is None:
            # One map for all datasets: each holds a file open, and a corpus has hundreds of shards.
            self._map = np.memmap(self.path, np.uint8, "r").view(np.ndarray)
        shape, dtype, offset = self._where[name]
        return np.ndarray(shape, dtype, self._map, offset)

    def clip(self, clip_id: str) -> ClipData:
        """All arrays of one clip. Raises LipdataError where the shard has no such clip."""
        place = next((clip for clip in self.clips if clip.clip_id == clip_id), None)
        if place is None:
            raise LipdataError(f"{self.path} has no clip {clip_id!r}")
        frames = slice(place.start, place.start + place.length)
        arrays = {name: self.array(name)[frames if name in PER_FRAME else place.index] for name in self._where}
        return ClipData(place.clip_id, place.speaker, place.sha256, **arrays)


def open_folder(folder: Path) -> list[Shard]:
    """All shards of a folder, by name.

    Raises:
        LipdataError: the folder is missing or holds no shard, its shards come of different pipelines, or hold the
            same clip.
    """
    folder = Path(folder)
    paths = sorted(path for path in folder.glob("*.h5") if not path.name.startswith("."))
    if not paths:
        raise LipdataError(f"{folder} holds no shards (*.h5); make some with: lipdata ingest CORPUS -o {folder}")
    shards = [Shard(path) for path in paths]
    _allow_open_files(len(shards))
    odd = next((s for s in shards if s.attributes["pipeline_digest"] != shards[0].attributes["pipeline_digest"]), None)
    _require_once(shards)
    if odd is not None:
        raise LipdataError(f"{odd.path} and {shards[0].path} come of different pipelines; keep one pipeline a folder")
    return shards


def _require_once(shards: Sequence[Shard]) -> None:
    held: dict[str, Path] = {}
    for shard in shards:
        for clip in shard.clips:
            if clip.clip_id in held:
                both = f"{held[clip.clip_id]} and {shard.path}"
                raise LipdataError(f"{clip.clip_id} lies in both {both}; remove one of them")
            held[clip.clip_id] = shard.path


def _allow_open_files(shards: int) -> None:
    """Raise this process's own limit where it is too low to map every shard at the same time."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = shards + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def n_windows(n_frames: int) -> int:
    """How many windows a clip of ``n_frames`` gives.

    Example:
        >>> n_windows(75), n_windows(16), n_windows(15)
        (8, 1, 0)
    """
    return max(0, (n_frames - WINDOW) // STRIDE + 1)


def content_sha256(path: Path) -> str:
    """SHA-256 of all that a shard holds, computed anew: compare with its attribute ``content_sha256``."""
    with _open(path) as file:
        return _content_sha256(file)


def _content_sha256(file: h5py.File) -> str:
    digest = _digest(str(file.attrs["pipeline_digest"]), file["clips"][:])
    for name in (*PER_FRAME, *PER_CLIP):
        dataset = file[name]
        _begin(digest, name, dataset)
        for row in range(0, len(dataset), 1024):
            digest.update(np.ascontiguousarray(dataset[row : row + 1024]).data)
    return digest.hexdigest()


def _digest(pipeline_digest: str, table: np.ndarray) -> "hashlib._Hash":
    digest = hashlib.sha256(pipeline_digest.encode())
    digest.update(f"clips {table.shape} {table.dtype.str}".encode() + table.tobytes())
    return digest


def _begin(digest: "hashlib._Hash", name: str, dataset: h5py.Dataset) -> None:
    digest.update(f"{name} {dataset.shape} {dataset.dtype.str}".encode())


@contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    """A file that is a shard, by all that its header says."""
    if not path.is_file():
        raise LipdataError(f"{path} is no file; ingest again")
    try:
        with h5py.File(path, "r") as file:
            _require_shard(file, path)
            yield file
    # What HDF5 says of a damaged header.
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())
        raise LipdataError(f"{path} cannot be read as a shard: {said}; ingest again") from error


def _require_shard(file: h5py.File, path: Path) -> None:
    """Shards come from strangers: every attribute and dataset is what it should be before anything is read."""
    form, version = file.attrs.get("format"), file.attrs.get("version")
    if not isinstance(form, str) or form != FORMAT:
        raise LipdataError(f"{path} is no shard of lipdata: attribute format is {form!r}")
    if not isinstance(version, np.integer) or version != VERSION:
        raise LipdataError(f"{path} has format version {version}; this lipdata reads {VERSION}")
    for name, kind in ATTRIBUTES.items():
        value = file.attrs.get(name)
        if not isinstance(value, kind) or (isinstance(value, np.integer) and value < 1):
            raise LipdataError(f"{path}: attribute {name} is {value!r}; it should be {kind.__name__}; ingest again")
    for name in ("clips", *PER_FRAME, *PER_CLIP):
        link = file.get(name, getlink=True)
        if link is None:
            raise LipdataError(f"{path} lacks the dataset {name}; ingest again")
        # A link or external storage would read a file that the shard's author chose.
        inside = isinstance(link, h5py.HardLink) and isinstance(file[name], h5py.Dataset)
        if not inside or file[name].external or file[name].is_virtual or file[name].id.get_offset() is None:
            raise LipdataError(f"{path}: {name} is no contiguous dataset of the file's own; ingest again")
    table = file["clips"]
    if table.dtype != CLIPS_DTYPE or table.ndim != 1 or table.id.get_offset() + table.nbytes > path.stat().st_size:
        raise LipdataError(f"{path}: clips is {table.dtype} {table.shape}, no table of clips; ingest again")


def _read_clips(dataset: h5py.Dataset) -> list[ShardClip]:
    return [
        ShardClip(clip_id.decode(), speaker.decode(), start, length, sha256.decode(), index)
        for index, (clip_id, speaker, start, length, sha256) in enumerate(dataset[:].tolist())
    ]


def _place(file: h5py.File, name: str, path: Path) -> tuple[tuple[int, ...], np.dtype, int]:
    dataset, (kind, axes, _) = file[name], (PER_FRAME | PER_CLIP)[name]
    rank = len(re.sub(r"\(.*\)", "one axis", axes).split(", "))
    if dataset.dtype != np.dtype(kind) or dataset.ndim != rank:
        raise LipdataError(
            f"{path}: {name} is {dataset.dtype} {dataset.shape}; it should be {kind} ({axes}); ingest again"
        )
    offset = dataset.id.get_offset()
    if offset + dataset.nbytes > path.stat().st_size:
        raise LipdataError(f"{path} is cut short: {name} ends behind the file's end; ingest again")
    return dataset.shape, dataset.dtype, offset
