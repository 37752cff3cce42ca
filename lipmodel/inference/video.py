"""A generated video in memory."""

import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lipdata.errors import LipdataError
from lipmodel.inference.video_writer import require_free, write_mp4


@dataclass(frozen=True, repr=False)
class Video:
    """Frames with their sound.

    Attributes:
        frames: uint8 RGB [shape=(T, H, W, 3)].
        fps: frames a second.
        sound: float32 mono, -1 to 1 [shape=(n,)].
        sample_rate_hz: of the sound.
        enlarged: how many times as large as the frames the saved video is: a mouth of 64 pixels fills no screen.

    Raises:
        LipdataError: frames or sound of another type or shape, or a rate below 1.
    """

    frames: np.ndarray
    fps: int
    sound: np.ndarray
    sample_rate_hz: int
    enlarged: int = 1

    def __post_init__(self) -> None:
        if self.frames.dtype != np.uint8 or self.frames.ndim != 4 or self.frames.shape[-1] != 3 or not len(self.frames):
            raise LipdataError(f"frames are {self.frames.dtype} {self.frames.shape}; allowed: uint8, (T, H, W, 3)")
        if self.sound.dtype.kind != "f" or self.sound.ndim != 1:
            raise LipdataError(f"sound is {self.sound.dtype} {self.sound.shape}; allowed: float, (n,), -1 to 1")
        for name in ("fps", "sample_rate_hz", "enlarged"):
            if getattr(self, name) < 1:
                raise LipdataError(f"{name} is {getattr(self, name)}; allowed: 1 or more")

    def __repr__(self) -> str:
        return (
            f"Video(frames={self.frames.shape}, fps={self.fps}, sound={self.sound.shape}, "
            f"sample_rate_hz={self.sample_rate_hz})"
        )

    def _repr_html_(self) -> str:
        """The video itself, in a notebook."""
        with tempfile.TemporaryDirectory(prefix="lipmodel-") as folder:
            path = self.save(Path(folder) / "video.mp4")
            content = base64.b64encode(path.read_bytes()).decode()
        return f'<video controls src="data:video/mp4;base64,{content}"></video>'

    def save(self, path: Path | str, *, overwrite: bool = False) -> Path:
        """Write an MP4 (H.264, AAC), all or nothing.

        Raises:
            LipdataError: odd sides; the file is there and not to be overwritten; or there is no folder for it.
        """
        path = Path(path)
        height, width = (self.enlarged * side for side in self.frames.shape[1:3])
        if height % 2 or width % 2:
            raise LipdataError(f"a video of {width} x {height} pixels; allowed: even sides (H.264, yuv420p)")
        require_free(path, overwrite=overwrite)
        write_mp4(
            path,
            self.frames,
            self.sound,
            enlarged=self.enlarged,
            fps=self.fps,
            sample_rate_hz=self.sample_rate_hz,
        )
        return path
