"""Clips -> one HDF5 file, whole or not at all."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lipdata.atomic_files import atomic_path
from lipdata.errors import LipdataError
from lipdata.shards.clip import Clip
from lipdata.shards.schema import CLIPS_DTYPE, FORMAT, PER_CLIP, VERSION, add_dataset, per_frame, start_digest


def write_shard(path: Path, clips: Sequence[Clip], attributes: Mapping[str, Any]) -> str:
    """Write clips, in the order given, to one shard; the file appears whole or not at all.

    Args:
        attributes: root attributes beside format, version and content_sha256: ``pipeline`` (JSON),
            ``pipeline_digest``, ``fps``, ``sample_rate``.

    Returns:
        content_sha256 of what was written.
    """
    lengths = [len(clip.frames) for clip in clips]
    frame_datasets = per_frame(clips[0].features)
    starts = np.cumsum([0, *lengths[:-1]])
    table = np.array(
        [
            (clip.clip_id.encode(), clip.speaker.encode(), start, length, clip.sha256.encode())
            for clip, start, length in zip(clips, starts, lengths, strict=True)
        ],
        dtype=CLIPS_DTYPE,
    )
    # Hashed as it is written: reading it back would double the memory that passes through the processor.
    digest = start_digest(attributes["pipeline_digest"], table)
    with atomic_path(path) as hidden, _created(hidden) as file:
        for name, spec in (frame_datasets | PER_CLIP).items():
            arrays = [clip.array(name) for clip in clips]
            by_frame = name in frame_datasets
            shape = (sum(lengths), *arrays[0].shape[1:]) if by_frame else (len(clips), *arrays[0].shape)
            dataset = file.create_dataset(name, shape, spec.dtype, track_times=False)
            add_dataset(digest, name, dataset)
            for clip, start, array in zip(range(len(clips)), starts, arrays, strict=True):
                stored = np.ascontiguousarray(array, spec.dtype)
                dataset[slice(start, start + len(array)) if by_frame else clip] = stored
                digest.update(stored.data)
            dataset.attrs.update(axes=spec.axes, units=spec.units)
        dataset = file.create_dataset("clips", data=table, track_times=False)
        dataset.attrs.update(axes="C", units="start, length: frames")
        file.attrs.update(attributes)
        file.attrs.update(format=FORMAT, version=VERSION)
        content = digest.hexdigest()
        file.attrs["content_sha256"] = content
    return content


@contextmanager
def _created(path: Path) -> Iterator[h5py.File]:
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
