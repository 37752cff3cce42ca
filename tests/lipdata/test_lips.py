from dataclasses import replace
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest
from skimage import data

from lipdata.config import Pipeline
from lipdata.errors import ClipError, LipdataError
from lipdata.face.detector import MOUTH
from lipdata.face.dlib_detector import DlibDetector, predictor_path
from lipdata.face.tracking import track_face
from lipdata.media.decode import decode_clip


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.asarray(data.astronaut())


@pytest.fixture(scope="module")
def speech(sample: Path) -> np.ndarray:
    return decode_clip(next(sample.glob("s1/*.mpg")), fps=25, sample_rate_hz=44100).frames


def test_the_most_certain_largest_face_comes_first(finder: DlibDetector, astronaut: np.ndarray) -> None:
    # The detector sees a second face of the same size in her suit, less certain of it.
    plain = dlib.get_frontal_face_detector().run(astronaut, 1, 0.0)[0]
    assert len(plain) == 2 and abs(plain[0].width() - plain[1].width()) < 5
    box, score = finder.detect(astronaut)[0]
    centre = (box[:2] + box[2:]) / 2
    assert score > 1 and np.abs(centre - (222, 120)).max() < 20


@pytest.mark.parametrize("clip", ["s1/bbaf2n", "s26/bwaq8s", "s4/lwbsza", "s4/prwj8a"])
def test_boxes_are_those_of_dlib_at_upsample_1_to_the_pixel(finder: DlibDetector, grid: Path, clip: str) -> None:
    # Its surest and its least sure faces, 360 and 720 pixels wide; 0.90 is the lowest score among these.
    plain = dlib.get_frontal_face_detector()
    for frame in decode_clip(grid / f"{clip}.mpg", fps=25, sample_rate_hz=44100).frames[::30]:
        [rectangle], [score], _ = plain.run(np.ascontiguousarray(frame), 1, 0.0)
        known = [rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()]
        for width in (None, rectangle.width(), 1.15 * rectangle.width(), rectangle.width() / 1.15):
            box, found = finder.detect(frame, width)[0]
            assert box.tolist() == known and found == score


def test_a_face_at_the_lower_end_of_a_look_gets_dlibs_box_too(finder: DlibDetector, grid: Path) -> None:
    plain = dlib.get_frontal_face_detector()
    frame = decode_clip(grid / "s1" / "bbaf2n.mpg", fps=25, sample_rate_hz=44100).frames[0]
    for size in range(40, 100, 6):  # the face is 108 of 360 pixels wide
        stage = np.full((288, 360, 3), 128, np.uint8)
        small = cv2.resize(frame, (360 * size // 100, 288 * size // 100), interpolation=cv2.INTER_AREA)
        stage[: small.shape[0], : small.shape[1]] = small
        [rectangle], _, _ = plain.run(stage, 1, 0.0)
        box, _ = finder.detect(stage)[0]
        assert box.tolist() == [rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom()]


def test_large_pictures_are_looked_at_in_small(finder: DlibDetector, astronaut: np.ndarray) -> None:
    box, _ = finder.detect(astronaut)[0]
    large, _ = finder.detect(cv2.resize(astronaut, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC))[0]
    assert np.abs(large / 5 - box).max() < 0.15 * (box[2] - box[0])  # it moves by a ninth
    assert not (large % 3).any()  # 2560 pixels, made smaller by three


@pytest.mark.parametrize("size", [(4, 7200), (1, 1440), (1440, 1), (3, 5000), (1, 1)])
def test_no_face_in_a_thin_picture(finder: DlibDetector, size: tuple[int, int]) -> None:
    assert finder.detect(np.full((*size, 3), 128, np.uint8)) == []


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


def test_a_steady_face_is_tracked_in_every_frame(finder: DlibDetector, speech: np.ndarray, setup: Pipeline) -> None:
    track = track_face(speech, finder, setup.lips)
    assert track.points.shape == (75, 68, 2) and track.tracked.all() and track.faces_detected == 1
    for every, times in ((25, 3), (74, 2), (75, 1)):
        assert track_face(speech, finder, replace(setup.lips, detect_every=every)).faces_detected == times


def test_the_track_keeps_with_detecting_every_frame(finder: DlibDetector, grid: Path, setup: Pipeline) -> None:
    off = []
    for name in ("s1/bbaf2n", "s31/bgiq6p", "sA/brbk7n", "s4/bbilzs"):
        frames = decode_clip(grid / f"{name}.mpg", fps=25, sample_rate_hz=44100).frames
        off.append(_from_dense(frames, finder, setup))
    assert np.median(np.concatenate(off)) <= 0.5
    assert np.percentile(np.concatenate(off), 95) <= 1.5


COURSES = {
    "to and fro": lambda turn: (1, (60 * np.sin(9.25 * turn), 0)),
    "nearer and farther": lambda turn: (1 + 0.3 * np.sin(9.25 * turn), -46 * np.sin(9.25 * turn) * np.ones(2)),
    "slowly up": lambda turn: (1, (0, -110 * turn)),
    "slowly down": lambda turn: (1, (0, 60 * turn)),
}


@pytest.mark.parametrize("clip", ["s31/bgiq6p", "s1/bbaf2n"])
@pytest.mark.parametrize("course", COURSES)
def test_a_moving_head_is_detected_anew_where_it_went(
    finder: DlibDetector, grid: Path, setup: Pipeline, clip: str, course: str
) -> None:
    frames = decode_clip(grid / f"{clip}.mpg", fps=25, sample_rate_hz=44100).frames
    moved = []
    for frame, turn in zip(frames, np.linspace(0, 1, 75), strict=True):
        grown, (x, y) = COURSES[course](turn)
        to_stage = np.array([[grown, 0, x], [0, grown, y]])
        moved.append(cv2.warpAffine(frame, to_stage, (360, 288), borderMode=cv2.BORDER_REPLICATE))
    off = _from_dense(np.stack(moved), finder, setup)
    assert np.median(off) <= 0.5 and np.percentile(off, 95) <= 1.5


def _from_dense(frames: np.ndarray, finder: DlibDetector, setup: Pipeline) -> np.ndarray:
    """How far the mouth's landmarks lie from those that dlib gives when it detects in every frame, source pixels."""
    sparse = track_face(frames, finder, setup.lips).points[:, MOUTH]
    dense = track_face(frames, finder, replace(setup.lips, detect_every=1)).points[:, MOUTH]
    return np.linalg.norm(sparse - dense, axis=-1).ravel()


@pytest.mark.parametrize("gap", [(0, 3), (30, 35), (72, 75)])
def test_a_short_gap_is_interpolated_and_marked(
    finder: DlibDetector, speech: np.ndarray, setup: Pipeline, gap: tuple[int, int]
) -> None:
    whole = track_face(speech, finder, setup.lips)
    blanked = speech.copy()
    blanked[slice(*gap)] = 128
    track = track_face(blanked, finder, setup.lips)
    assert np.flatnonzero(~track.tracked).tolist() == list(range(*gap))
    assert np.abs(track.points - whole.points)[:, 30].max() < 6  # the nose's tip: sways a little, does not speak
    first, end = gap
    if first and end < 75:
        middle = (track.points[first - 1] + track.points[end]) / 2
        np.testing.assert_allclose((track.points[first] + track.points[end - 1]) / 2, middle, atol=1e-3)


def test_a_long_gap_fails_with_its_frames(finder: DlibDetector, speech: np.ndarray, setup: Pipeline) -> None:
    blanked = speech.copy()
    blanked[20:26] = 0
    blanked[60:70] = 0
    with pytest.raises(ClipError, match=r"no face in frames 20 to 25, 60 to 69 of 75; longest gap allowed: 5") as error:
        track_face(blanked, finder, setup.lips)
    assert error.value.stage == "lips"
    with pytest.raises(ClipError, match="no face in frames 0 to 74"):
        track_face(np.zeros_like(speech), finder, setup.lips)


def test_a_face_that_is_covered_or_upside_down_is_lost(
    finder: DlibDetector, speech: np.ndarray, setup: Pipeline
) -> None:
    turned = speech.copy()
    turned[40:50] = turned[40:50, ::-1]
    with pytest.raises(ClipError, match="no face in frames 40 to 49"):
        track_face(turned, finder, setup.lips)


def test_of_two_faces_the_one_that_continues_is_kept(
    finder: DlibDetector, speech: np.ndarray, sample: Path, setup: Pipeline
) -> None:
    other = decode_clip(next(sample.glob("s2/*.mpg")), fps=25, sample_rate_hz=44100).frames
    large = np.stack([cv2.resize(frame, None, fx=1.3, fy=1.3) for frame in other])[:, :288, :360]
    alone = track_face(speech, finder, setup.lips)
    # From the second detection on, a larger face stands beside the one that is followed.
    stage = np.zeros((75, 288, 720, 3), np.uint8)
    stage[:, :, :360] = speech
    stage[20:, :, 360:] = large[20:]
    assert len(finder.detect(stage[25], 130)) == 2
    both = track_face(stage, finder, setup.lips)
    assert both.points[:, :, 0].max() < 360
    assert np.median(np.abs(both.points - alone.points)) < 2


def test_a_face_elsewhere_is_not_a_continuation(finder: DlibDetector, speech: np.ndarray, setup: Pipeline) -> None:
    stage = np.zeros((75, 288, 1080, 3), np.uint8)
    stage[:40, :, :360] = speech[:40]
    stage[40:, :, 720:] = speech[40:]
    with pytest.raises(ClipError, match="no face in frames 40 to 74"):
        track_face(stage, finder, setup.lips)


def test_a_moving_head_is_followed(finder: DlibDetector, speech: np.ndarray, setup: Pipeline) -> None:
    shift = np.round(60 * np.sin(np.arange(75) / 8)).astype(int)
    stage = np.zeros((75, 288, 520, 3), np.uint8)
    for frame, picture, x in zip(stage, speech, shift, strict=True):
        frame[:, 80 + x : 440 + x] = picture
    still, moving = (track_face(frames, finder, setup.lips) for frames in (speech, stage))
    assert moving.tracked.all()
    expected = still.points + np.stack([80 + shift, np.zeros(75)], axis=-1)[:, None]
    assert np.median(np.linalg.norm(moving.points - expected, axis=-1)) < 1.5


def test_the_damaged_grid_clip_does_not_pass(finder: DlibDetector, grid: Path, setup: Pipeline) -> None:
    frames = decode_clip(grid / "s1" / "lgbf8n.mpg", fps=25, sample_rate_hz=44100).frames
    with pytest.raises(ClipError, match="no face in frames 0 to 11 of 75"):
        track_face(frames, finder, setup.lips)


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
