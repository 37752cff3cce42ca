"""The HDF5 schema of a shard: datasets, their types, axes and units, the table of clips, and the content digest.

Axis 0 of the frame datasets runs over the frames of all clips, one clip after another.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import h5py
import numpy as np

from lipdata.errors import LipdataError
from lipdata.features import axes_rank, find_feature

FORMAT = "lipdata-shard"
VERSION = 1
# The reader's windows (paper, section 5.1): 16 frames, each overlapping the next by 8. They are not stored.
WINDOW, STRIDE = 16, 8


@dataclass(frozen=True)
class DatasetSpec:
    """Type, axes and units of one dataset. ``dtype`` is empty where this machine does not know the feature."""

    dtype: str
    axes: str
    units: str

    @property
    def rank(self) -> int:
        """The number of axes."""
        return axes_rank(self.axes)


FRAMES = DatasetSpec("uint8", "N, y, x, RGB", "0 to 255")
AFTER_FEATURES = {
    "landmarks": DatasetSpec("float32", "N, point, (x, y)", "crop pixels; points 48 to 67 of 68"),
    "box": DatasetSpec("float32", "N, (x0, y0, x1, y1)", "source pixels"),
    "tracked": DatasetSpec("bool", "N", "True: landmarks measured, False: interpolated"),
}
PER_CLIP = {
    "face": DatasetSpec("uint8", "C, y, x, RGB", "0 to 255"),
    "face_lips": DatasetSpec("float32", "C, (x0, y0, x1, y1)", "pixels of face"),
}


# Beside format and version.
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


def n_windows(n_frames: int) -> int:
    """How many windows a clip of ``n_frames`` gives.

    Example:
        >>> n_windows(75), n_windows(16), n_windows(15)
        (8, 1, 0)
    """
    return max(0, (n_frames - WINDOW) // STRIDE + 1)


def per_frame(features: Iterable[str]) -> dict[str, DatasetSpec]:
    """The datasets whose axis 0 runs over frames, in the order of the content digest.

    Args:
        features: stored, in the order of the pipeline; one that is not installed here has an empty type.
    """
    return {"frames": FRAMES} | {name: _feature_spec(name) for name in features} | AFTER_FEATURES


def _feature_spec(name: str) -> DatasetSpec:
    try:
        feature = find_feature(name)
    except LipdataError:
        return DatasetSpec("", "N", "")
    return DatasetSpec(feature.dtype, feature.axes, feature.units)


def start_digest(pipeline_digest: str, table: np.ndarray) -> "hashlib._Hash":
    """The digest of a shard's content, begun with its pipeline and its table of clips."""
    digest = hashlib.sha256(pipeline_digest.encode())
    digest.update(f"clips {table.shape} {table.dtype.str}".encode() + table.tobytes())
    return digest


def add_dataset(digest: "hashlib._Hash", name: str, dataset: h5py.Dataset) -> None:
    """Add a dataset's name, shape and type; its values follow."""
    digest.update(f"{name} {dataset.shape} {dataset.dtype.str}".encode())
