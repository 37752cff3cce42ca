"""The records of one clip: its arrays, and where they lie in a shard."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lipdata.errors import LipdataError


@dataclass(frozen=True, repr=False)
class Clip:
    """All arrays of one clip of T frames, as a shard stores them.

    Attributes:
        clip_id, speaker: as in the manifest.
        sha256: of the source file.
        fps: frames a second.
        frames: mouth crops, uint8 RGB [shape=(T, 64, 64, 3)].
        landmarks: points 48 to 67, (x, y) in crop pixels [shape=(T, 20, 2)].
        box: crop in source pixels: x0, y0, x1, y1 [shape=(T, 4)].
        tracked: landmarks measured (True) or interpolated [shape=(T,)].
        face: reference face, uint8 RGB [shape=(256, 256, 3)].
        face_lips: where the crop lies in ``face``: x0, y0, x1, y1 [shape=(4,)].
        features: by name, axis 0 over the frames; ``mel`` and ``flow`` are attributes too.

    Raises:
        LipdataError: arrays of different numbers of frames.
    """

    clip_id: str
    speaker: str
    sha256: str
    fps: int
    frames: np.ndarray
    landmarks: np.ndarray
    box: np.ndarray
    tracked: np.ndarray
    face: np.ndarray
    face_lips: np.ndarray
    features: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("landmarks", "box", "tracked", *self.features):
            if len(self.array(name)) != len(self.frames):
                raise LipdataError(
                    f"{self.clip_id}: {name} has {len(self.array(name))} rows; allowed: {len(self.frames)}, its frames"
                )

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        shapes = {"frames": self.frames.shape} | {name: array.shape for name, array in self.features.items()}
        return f"Clip({self.clip_id!r}, " + ", ".join(f"{name}={shape}" for name, shape in shapes.items()) + ")"

    @property
    def mel(self) -> np.ndarray:
        """Log-mel, dB re 1.0, float32; -100 is silence [shape=(T, 4, 128)]."""
        return self.array("mel")

    @property
    def flow(self) -> np.ndarray:
        """Optical flow (dx, dy), crop pixels a frame, float16; 0 at the last frame [shape=(T, 64, 64, 2)]."""
        return self.array("flow")

    def array(self, name: str) -> np.ndarray:
        """A dataset of the clip by its name.

        Raises:
            LipdataError: the clip has none of this name.
        """
        if name in self.features:
            return self.features[name]
        if name not in ("frames", "landmarks", "box", "tracked", "face", "face_lips"):
            stored = ", ".join(self.features) or "none"
            raise LipdataError(
                f"{self.clip_id} has no feature {name!r}; stored: {stored}; ingest with it in the pipeline"
            )
        array: np.ndarray = getattr(self, name)
        return array


@dataclass(frozen=True)
class ClipPlace:
    """Where one clip lies in its shard: frames ``start`` to ``start + length``; ``index`` along the clip axis."""

    clip_id: str
    speaker: str
    start: int
    length: int
    sha256: str
    index: int
