"""Landmarks that were computed before, from files: no detector runs."""

import hashlib
import io
import zipfile
import zlib
from pathlib import Path

import numpy as np

from lipdata.atomic_files import sha256_of_file
from lipdata.config import LipsConfig
from lipdata.errors import ClipError, LipdataError
from lipdata.face.detector import Track

# What numpy and zipfile raise for files that are damaged, encrypted, or made to run code.
UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, NotImplementedError, zlib.error, zipfile.BadZipFile)


def is_precomputed(path: Path) -> bool:
    """Whether a path means landmarks computed before, not a predictor."""
    return path.is_dir() or path.suffix == ".npz"


class PrecomputedLandmarks:
    """Landmarks of clips from a folder of ``CLIP_ID.npy``, or one ``.npz`` with an array a clip id.

    An array holds dlib's 68 points of each frame, (x, y) in pixels of the decoded picture at the pipeline's frame rate;
    NaN where a frame has no face [shape=(T, 68, 2)].

    Args:
        path: the folder or the file.

    Raises:
        LipdataError: neither a folder nor an ``.npz``.
    """

    def __init__(self, path: Path | None) -> None:
        if path is None or not (path.is_dir() or zipfile.is_zipfile(path)):
            raise LipdataError(
                f"no landmarks at {path}; give a folder of CLIP_ID.npy or one .npz with --landmarks PATH"
            )
        self.path = path.resolve()

    @property
    def digest(self) -> str:
        """SHA-256 of the ``.npz``, or over names and SHA-256 of the folder's ``.npy`` files, as they are now."""
        if self.path.is_file():
            return sha256_of_file(self.path)
        digest = hashlib.sha256()
        for path in sorted(self.path.rglob("*.npy")):
            digest.update(f"{path.relative_to(self.path).as_posix()} {sha256_of_file(path)}\n".encode())
        return digest.hexdigest()

    def track(self, clip_id: str, frames: np.ndarray, lips: LipsConfig) -> Track:
        """The stored landmarks of a clip.

        Raises:
            ClipError: stage ``lips``: none stored, not readable without running code, of another number of frames, or
                with a gap longer than ``lips.max_gap``.
        """
        try:
            points = np.load(io.BytesIO(self._content(clip_id)), allow_pickle=False)
        except (FileNotFoundError, KeyError) as error:
            raise ClipError("lips", f"no landmarks of it in {self.path.name}") from error
        except UNREADABLE as error:
            what = f"its landmarks in {self.path.name} are no plain .npy array"
            raise ClipError("lips", f"{what}: {error or type(error).__name__}") from error
        if not isinstance(points, np.ndarray) or points.dtype.kind not in "fiu" or points.shape[:1] != (len(frames),):
            got = f"{points.dtype} {points.shape}" if isinstance(points, np.ndarray) else "an archive"
            raise ClipError("lips", f"its landmarks in {self.path.name} are {got}; the clip has {len(frames)} frames")
        return Track.from_points(points, lips)

    def _content(self, clip_id: str) -> bytes:
        if self.path.is_file():
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(f"{clip_id}.npy")
        path = (self.path / f"{clip_id}.npy").resolve()
        if not path.is_relative_to(self.path):
            raise ClipError("lips", f"its landmarks would lie outside {self.path.name}")
        return path.read_bytes()
