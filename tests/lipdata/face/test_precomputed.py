"""Landmarks from arrays: a track with gaps, and the detector that reads them from files."""

from pathlib import Path

import numpy as np
import pytest

from lipdata.config import Pipeline
from lipdata.errors import ClipError
from lipdata.face import Track, open_detector

FRAMES = np.zeros((20, 4, 4, 3), np.uint8)


def points(n_frames: int = 20) -> np.ndarray:
    """Points that move by one pixel a frame."""
    return np.broadcast_to(np.arange(n_frames, dtype=np.float32)[:, None, None], (n_frames, 68, 2)).copy()


def test_gaps_are_interpolated_and_ends_repeated(setup: Pipeline) -> None:
    broken = points()
    broken[:2] = np.nan
    broken[7, 3, 1] = np.inf  # one coordinate is enough
    broken[10:15] = np.nan
    track = Track.from_points(broken, setup.lips)
    assert np.flatnonzero(~track.tracked).tolist() == [0, 1, 7, 10, 11, 12, 13, 14]
    wanted = points()
    wanted[:2] = 2
    np.testing.assert_allclose(track.points, wanted, atol=1e-5)  # pixels, float32
    assert track.points.dtype == np.float32 and track.faces_detected == 12
    assert repr(track) == "Track(points=(20, 68, 2), tracked=12 of 20)"


def test_a_long_gap_and_no_face_at_all_are_refused(setup: Pipeline) -> None:
    broken = points()
    broken[4:10] = np.nan
    with pytest.raises(ClipError, match="no face in frames 4 to 9 of 20; longest gap allowed: 5"):
        Track.from_points(broken, setup.lips)
    with pytest.raises(ClipError, match="no face in any of 3 frames"):
        Track.from_points(np.full((3, 68, 2), np.nan), setup.lips)


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_ids_are_names_of_files_and_nothing_else(setup: Pipeline, tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("landmarks" if kind == "folder" else "landmarks.npz")
    ids = ("s1/bbaf2n", "a b: ü", "%d")
    if kind == "folder":
        for clip_id in ids:
            (path / clip_id).parent.mkdir(parents=True, exist_ok=True)
            np.save(path / f"{clip_id}.npy", points())
    else:
        np.savez(path, **dict.fromkeys(ids, points()))
    np.save(tmp_path / "secret.npy", points())
    detector = open_detector("dlib", path)
    for clip_id in ids:
        assert detector.track(clip_id, FRAMES, setup.lips).tracked.all()
    for clip_id in ("s1", "../secret", str(tmp_path / "secret"), "s1/../../secret", "none"):
        with pytest.raises(ClipError, match="lips: (no landmarks of it|its landmarks would lie outside)"):
            detector.track(clip_id, FRAMES, setup.lips)


def test_the_digest_depends_on_every_file_and_its_name(tmp_path: Path) -> None:
    digests = set()
    for name, value in (("a", 0), ("b", 0), ("a", 1)):
        folder = tmp_path / f"{name}{value}"
        folder.mkdir()
        np.save(folder / f"{name}.npy", points() + value)
        digests.add(open_detector("precomputed", folder).digest)
    assert len(digests) == 3
