"""One shard, opened for reading: checked, and mapped into memory."""

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lipdata.config import Pipeline, pipeline_from_json
from lipdata.errors import LipdataError
from lipdata.shards.clip import Clip, ClipPlace
from lipdata.shards.schema import (
    ATTRIBUTES,
    CLIPS_DTYPE,
    FORMAT,
    PER_CLIP,
    VERSION,
    DatasetSpec,
    add_dataset,
    per_frame,
    start_digest,
)

# Files that a process may want open besides the shards.
OTHER_FILES = 256


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
            self.pipeline = _read_pipeline(file, self.path)
            self._per_frame = per_frame(self.pipeline.shards.features)
            specs = self._per_frame | PER_CLIP
            self._where = {name: _place(file, name, spec, self.path) for name, spec in specs.items()}
        end = 0
        for clip in self.clips:
            if clip.start != end or clip.length < 1:
                raise LipdataError(
                    f"{self.path}: {clip.clip_id} starts at frame {clip.start}, should at {end}; ingest again"
                )
            end += clip.length
        for name, (shape, _, _) in self._where.items():
            rows = end if name in self._per_frame else len(self.clips)
            if shape[0] != rows:
                raise LipdataError(f"{self.path}: {name} has {shape[0]} rows, its clips {rows}; ingest again")

    def __repr__(self) -> str:
        return f"Shard({str(self.path)!r}, {len(self.clips)} clips, {self._where['frames'][0][0]} frames)"

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_map": None}

    def array(self, name: str) -> np.ndarray:
        """A whole dataset, read-only, mapped into memory at first use in this process.

        Raises:
            LipdataError: the shard does not store it.
        """
        if name not in self._where:
            stored = ", ".join(self._where)
            raise LipdataError(f"{self.path} has no dataset {name!r}; stored: {stored}; ingest with it in the pipeline")
        if self._map is None:
            # One map for all datasets: each holds a file open, and a corpus has hundreds of shards.
            self._map = np.memmap(self.path, np.uint8, "r").view(np.ndarray)
        shape, dtype, offset = self._where[name]
        return np.ndarray(shape, dtype, self._map, offset)

    def clip(self, clip_id: str) -> Clip:
        """All arrays of one clip. Raises LipdataError where the shard has no such clip."""
        place = next((clip for clip in self.clips if clip.clip_id == clip_id), None)
        if place is None:
            raise LipdataError(f"{self.path} has no clip {clip_id!r}")
        frames = slice(place.start, place.start + place.length)
        arrays = {name: self.array(name)[frames if name in self._per_frame else place.index] for name in self._where}
        features = {name: arrays.pop(name) for name in self.pipeline.shards.features}
        fps = int(self.attributes["fps"])
        return Clip(place.clip_id, place.speaker, place.sha256, fps, **arrays, features=features)


def open_shards(folder: Path) -> list[Shard]:
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


def content_sha256(path: Path) -> str:
    """SHA-256 of all that a shard holds, computed anew: compare with its attribute ``content_sha256``."""
    with _open(path) as file:
        return _content_sha256(file, path)


def _content_sha256(file: h5py.File, path: Path) -> str:
    digest = start_digest(str(file.attrs["pipeline_digest"]), file["clips"][:])
    for name in (*per_frame(_read_pipeline(file, path).shards.features), *PER_CLIP):
        dataset = file[name]
        add_dataset(digest, name, dataset)
        for row in range(0, len(dataset), 1024):
            digest.update(np.ascontiguousarray(dataset[row : row + 1024]).data)
    return digest.hexdigest()


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
    """Shards come from untrusted sources: every attribute and dataset is what it should be before anything is read."""
    form, version = file.attrs.get("format"), file.attrs.get("version")
    if not isinstance(form, str) or form != FORMAT:
        raise LipdataError(f"{path} is no shard of lipdata: attribute format is {form!r}")
    if not isinstance(version, np.integer) or version != VERSION:
        raise LipdataError(f"{path} has format version {version}; this lipdata reads {VERSION}")
    for name, kind in ATTRIBUTES.items():
        value = file.attrs.get(name)
        if not isinstance(value, kind) or (isinstance(value, np.integer) and value < 1):
            raise LipdataError(f"{path}: attribute {name} is {value!r}; it should be {kind.__name__}; ingest again")
    features = _read_pipeline(file, path).shards.features
    for name in ("clips", *per_frame(features), *PER_CLIP):
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


def _read_clips(dataset: h5py.Dataset) -> list[ClipPlace]:
    return [
        ClipPlace(clip_id.decode(), speaker.decode(), start, length, sha256.decode(), index)
        for index, (clip_id, speaker, start, length, sha256) in enumerate(dataset[:].tolist())
    ]


def _read_pipeline(file: h5py.File, path: Path) -> Pipeline:
    try:
        return pipeline_from_json(str(file.attrs["pipeline"]))
    except LipdataError as error:
        raise LipdataError(f"{path}: {error}") from error


def _place(file: h5py.File, name: str, spec: DatasetSpec, path: Path) -> tuple[tuple[int, ...], np.dtype, int]:
    dataset = file[name]
    if spec.dtype:
        fits = dataset.dtype == np.dtype(spec.dtype) and dataset.ndim == spec.rank
    else:
        fits = dataset.dtype.kind in "biuf" and dataset.ndim >= 1
    if not fits:
        wanted = spec.dtype or "numbers"
        raise LipdataError(
            f"{path}: {name} is {dataset.dtype} {dataset.shape}; it should be {wanted} ({spec.axes}); ingest again"
        )
    offset = dataset.id.get_offset()
    if offset + dataset.nbytes > path.stat().st_size:
        raise LipdataError(f"{path} is cut short: {name} ends behind the file's end; ingest again")
    return dataset.shape, dataset.dtype, offset
