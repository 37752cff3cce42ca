"""Landmark files from untrusted sources: damaged ones cost their clip, with a reason, and run no code."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lipdata.config import load_pipeline
from lipdata.errors import ClipError, LipdataError
from lipdata.face.precomputed import PrecomputedLandmarks
from lipdata.face.registry import open_detector

FRAMES = np.zeros((20, 8, 8, 3), np.uint8)
POINTS = np.arange(20 * 68 * 2, dtype=np.float32).reshape(20, 68, 2)
LIPS = load_pipeline("grid").lips


def npy(array: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    return content.getvalue()


def test_points_come_back_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "s1").mkdir()
    (tmp_path / "s1" / "a.npy").write_bytes(npy(POINTS))
    np.testing.assert_array_equal(PrecomputedLandmarks(tmp_path).track("s1/a", FRAMES, LIPS).points, POINTS)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no plain .npy array"),
        (b"no array", "no plain .npy array"),
        (npy(POINTS)[:200], "no plain .npy array"),
        (npy(np.array([{"a": 1}], object)), "no plain .npy array"),
        (npy(np.float32(3)), r"float32 \(\); the clip has 20 frames"),
        (npy(POINTS[:19]), r"\(19, 68, 2\); the clip has 20 frames"),
        (npy(POINTS[:, :5]), "frames x 68 x 2"),
        (npy(POINTS.astype("U4")), "<U4"),
        (npy(np.full_like(POINTS, np.nan)), "no face in frames 0 to 19"),
    ],
)
@pytest.mark.parametrize("kind", ["folder", "npz"])
def test_a_damaged_file_costs_its_clip(tmp_path: Path, content: bytes, reason: str, kind: str) -> None:
    if kind == "npz":
        path = tmp_path / "points.npz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", content)
    else:
        path = tmp_path
        (path / "a.npy").write_bytes(content)
    with pytest.raises(ClipError, match=reason) as failed:
        PrecomputedLandmarks(path).track("a", FRAMES, LIPS)
    assert failed.value.stage == "lips"


def test_an_archive_whose_bytes_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "points.npz"
    np.savez_compressed(path, a=POINTS)
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(content)
    with pytest.raises(ClipError, match="no plain .npy array"):
        PrecomputedLandmarks(path).track("a", FRAMES, LIPS)


def test_no_path_leaves_the_folder(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "a.npy").write_bytes(npy(POINTS))
    with pytest.raises(ClipError, match="outside"):
        PrecomputedLandmarks(tmp_path / "inside").track("../a", FRAMES, LIPS)


def test_the_variable_may_name_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIPDATA_LANDMARKS", str(tmp_path))
    assert isinstance(open_detector(), PrecomputedLandmarks)
    monkeypatch.setenv("LIPDATA_LANDMARKS", str(tmp_path / "none.npz"))
    with pytest.raises(LipdataError, match="no landmarks at"):
        open_detector()
