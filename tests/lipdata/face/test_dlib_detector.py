"""dlib's detector and predictor: the same boxes and points as dlib by itself, to the pixel."""

from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest
from skimage import data

from lipdata.errors import LipdataError
from lipdata.face import DlibDetector, predictor_path
from lipdata.media import decode_clip


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.asarray(data.astronaut())


def test_the_most_certain_largest_face_comes_first(finder: DlibDetector, astronaut: np.ndarray) -> None:
    # The detector sees a second face of the same size in her suit, less certain of it.
    plain = dlib.get_frontal_face_detector().run(astronaut, 1, 0.0)[0]
    assert len(plain) == 2 and abs(plain[0].width() - plain[1].width()) < 5
    box, score = finder.detect(astronaut)[0]
    centre = (box[:2] + box[2:]) / 2
    assert score > 1 and np.abs(centre - (222, 120)).max() < 20


@pytest.mark.parametrize("clip", ["s1/bbaf2n", "s26/bgbsza"])
def test_boxes_are_those_of_dlib_at_upsample_1_to_the_pixel(finder: DlibDetector, clips: Path, clip: str) -> None:
    require_dlibs_boxes(finder, clips / f"{clip}.mpg", 50)


@pytest.mark.slow
@pytest.mark.parametrize("clip", ["s1/bbaf2n", "s26/bwaq8s", "s4/lwbsza", "s4/prwj8a"])
def test_boxes_of_more_clips_are_those_of_dlib(finder: DlibDetector, grid: Path, clip: str) -> None:
    # Its surest and its least sure faces, 360 and 720 pixels wide; 0.90 is the lowest score among these.
    require_dlibs_boxes(finder, grid / f"{clip}.mpg", 30)


def require_dlibs_boxes(finder: DlibDetector, clip: Path, every: int) -> None:
    plain = dlib.get_frontal_face_detector()
    for frame in decode_clip(clip, fps=25, sample_rate_hz=44100).frames[::every]:
        [rectangle], [score], _ = plain.run(np.ascontiguousarray(frame), 1, 0.0)
        known = [rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()]
        for width in (None, rectangle.width(), 1.15 * rectangle.width(), rectangle.width() / 1.15):
            box, found = finder.detect(frame, width)[0]
            assert box.tolist() == known and found == score


@pytest.mark.slow
def test_a_small_face_gets_dlibs_box_too(finder: DlibDetector, clips: Path) -> None:
    plain = dlib.get_frontal_face_detector()
    frame = decode_clip(clips / "s1" / "bbaf2n.mpg", fps=25, sample_rate_hz=44100).frames[0]
    for size in range(40, 100, 6):  # the face is 108 of 360 pixels wide
        stage = np.full((288, 360, 3), 128, np.uint8)
        small = cv2.resize(frame, (360 * size // 100, 288 * size // 100), interpolation=cv2.INTER_AREA)
        stage[: small.shape[0], : small.shape[1]] = small
        [rectangle], _, _ = plain.run(stage, 1, 0.0)
        box, _ = finder.detect(stage)[0]
        assert box.tolist() == [rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()]


def test_large_pictures_are_searched_in_small(finder: DlibDetector, astronaut: np.ndarray) -> None:
    box, _ = finder.detect(astronaut)[0]
    large, _ = finder.detect(cv2.resize(astronaut, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC))[0]
    assert np.abs(large / 5 - box).max() < 0.15 * (box[2] - box[0])  # it moves by a ninth
    assert not (large % 3).any()  # 2560 pixels, made smaller by three


@pytest.mark.parametrize("size", [(4, 7200), (1, 1440), (1440, 1), (3, 5000), (1, 1)])
def test_no_face_in_a_thin_picture(finder: DlibDetector, size: tuple[int, int]) -> None:
    assert finder.detect(np.full((*size, 3), 128, np.uint8)) == []


@pytest.mark.slow
def test_a_face_that_crosses_the_border_gets_dlibs_box_too(finder: DlibDetector, astronaut: np.ndarray) -> None:
    plain, crossing = dlib.get_frontal_face_detector(), 0
    for left in range(160, 190, 3):
        for top in (0, 80):
            frame = np.ascontiguousarray(astronaut[top : top + 240, left : left + 320])
            found, _, _ = plain.run(frame, 1, 0.0)
            for rectangle, (box, _) in zip(found[:1], finder.detect(frame), strict=False):
                assert box.tolist() == [rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()]
                crossing += bool(box.min() < 0)
    assert crossing > 3


def test_landmarks_are_dlibs_parts(finder: DlibDetector, astronaut: np.ndarray) -> None:
    predictor = dlib.shape_predictor(str(predictor_path()))
    boxes = np.array([finder.detect(astronaut)[0][0], [-30, -20, 70, 90]])  # the second one's points lie outside
    for box in boxes:
        shape = predictor(astronaut, dlib.rectangle(*map(int, box)))
        known = [[shape.part(i).x, shape.part(i).y] for i in range(68)]
        assert finder.landmarks(astronaut, box).tolist() == known
    assert finder.landmarks(astronaut, boxes[1]).min() < 0


def test_a_wrong_predictor_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LipdataError, match="no landmark predictor at"):
        predictor_path(tmp_path / "none.dat")
    (tmp_path / "text.dat").write_text("no predictor")
    with pytest.raises(LipdataError, match="is no dlib shape predictor"):
        DlibDetector(tmp_path / "text.dat")
    five = predictor_path().with_name("shape_predictor_5_face_landmarks.dat")
    with pytest.raises(LipdataError, match="predicts 5 points"):
        DlibDetector(five)
    monkeypatch.setenv("LIPDATA_LANDMARKS", str(five))
    assert predictor_path() == five
