"""Face detectors by name: dlib, landmarks from files, and those of other packages."""

import functools
import os
from collections.abc import Callable
from pathlib import Path

from lipdata.errors import LipdataError
from lipdata.face.detector import FaceDetector
from lipdata.face.dlib_detector import LANDMARKS_VARIABLE, DlibFaceDetector
from lipdata.face.precomputed import PrecomputedLandmarks, is_precomputed
from lipdata.plugins import DETECTORS, load_plugin, plugins

DLIB, PRECOMPUTED = "dlib", "precomputed"
BUILT_IN: dict[str, Callable[[Path | None], FaceDetector]] = {
    DLIB: DlibFaceDetector,
    PRECOMPUTED: PrecomputedLandmarks,
}


def landmarks_path(chosen: Path | None) -> Path | None:
    """What ``--landmarks`` names, else the variable LIPDATA_LANDMARKS; absolute. None where neither says anything."""
    path = chosen or os.environ.get(LANDMARKS_VARIABLE)
    return Path(path).absolute() if path else None


def detector_name(name: str, path: Path | None) -> str:
    """The detector that is meant: a folder or an ``.npz`` for ``dlib`` means precomputed landmarks."""
    return PRECOMPUTED if name == DLIB and path is not None and is_precomputed(path) else name


def open_detector(name: str = DLIB, path: Path | None = None) -> FaceDetector:
    """The detector of this name, opened once in a process for the same path.

    Args:
        name: ``dlib``, ``precomputed``, or an entry point of the group ``lipdata.detectors``: something to call with
            ``path`` that gives a :class:`FaceDetector`.
        path: see :func:`landmarks_path`.

    Raises:
        LipdataError: no detector of this name, or it cannot use ``path``.
    """
    path = landmarks_path(path)
    return _opened(detector_name(name, path), path)


@functools.cache
def _opened(name: str, path: Path | None) -> FaceDetector:
    if name in BUILT_IN:
        return BUILT_IN[name](path)
    others = plugins(DETECTORS)
    if name not in others:
        known = ", ".join([*BUILT_IN, *others])
        raise LipdataError(f"no face detector {name!r}; known: {known}; install the package that has it")
    detector = load_plugin(others[name], path)
    if not isinstance(detector, FaceDetector):
        raise LipdataError(f"{name!r} of {DETECTORS} gives {detector!r}; allowed: an object with digest and track")
    return detector
