"""Face detectors by name: dlib, landmarks from files, and those of other packages."""

import functools
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

from lipdata.errors import LipdataError
from lipdata.face.detector import FaceDetector
from lipdata.face.dlib_detector import DlibFaceDetector
from lipdata.face.precomputed import PrecomputedLandmarks

ENTRY_POINTS = "lipdata.detectors"
DLIB = "dlib"
BUILT_IN: dict[str, Callable[[Path | None], FaceDetector]] = {
    DLIB: DlibFaceDetector,
    "precomputed": PrecomputedLandmarks,
}


@functools.cache
def open_detector(name: str = DLIB, path: Path | None = None) -> FaceDetector:
    """The detector of this name, opened once in a process.

    Args:
        name: ``dlib``, ``precomputed``, or an entry point of the group ``lipdata.detectors``: something to call with
            ``path`` that gives a :class:`FaceDetector`.
        path: what ``--landmarks`` names. A folder or an ``.npz`` for ``dlib`` means precomputed landmarks.

    Raises:
        LipdataError: no detector of this name, or it cannot use ``path``.
    """
    if name == DLIB and path is not None and (path.is_dir() or path.suffix == ".npz"):
        name = "precomputed"
    if name in BUILT_IN:
        return BUILT_IN[name](path)
    others = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if name not in others:
        known = ", ".join([*BUILT_IN, *sorted(others)])
        raise LipdataError(f"no face detector {name!r}; known: {known}; install the package that has it")
    detector: FaceDetector = others[name].load()(path)
    return detector
