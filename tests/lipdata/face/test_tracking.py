"""A face followed through a clip: where it goes, and beside detecting it in every frame."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lipdata.config import Pipeline
from lipdata.face import MOUTH, DlibDetector, track_face
from lipdata.media import decode_clip


def test_a_steady_face_is_tracked_in_every_frame(finder: DlibDetector, speech: np.ndarray, setup: Pipeline) -> None:
    track = track_face(speech, finder, setup.lips)
    assert track.points.shape == (75, 68, 2) and track.tracked.all() and track.faces_detected == 1
    for every, times in ((25, 3), (74, 2), (75, 1)):
        assert track_face(speech, finder, replace(setup.lips, detect_every=every)).faces_detected == times


def test_the_track_keeps_with_detecting_every_frame(finder: DlibDetector, clips: Path, setup: Pipeline) -> None:
    require_close(pixels_off(frames_of(clips / "s1" / "bbaf2n.mpg"), finder, setup))


@pytest.mark.slow
def test_the_tracks_of_all_clips_keep_with_detecting_every_frame(
    finder: DlibDetector, clips: Path, setup: Pipeline
) -> None:
    # Together: alone, s26/bgbsza has 95 of 100 within 3.2 pixels only, as the detector's own boxes come in steps.
    require_close(np.concatenate([pixels_off(frames_of(path), finder, setup) for path in clips.glob("*/*.mpg")]))


COURSES = {
    "to and fro": lambda turn: (1, (60 * np.sin(9.25 * turn), 0)),
    "nearer and farther": lambda turn: (1 + 0.3 * np.sin(9.25 * turn), -46 * np.sin(9.25 * turn) * np.ones(2)),
    "slowly up": lambda turn: (1, (0, -110 * turn)),
    "slowly down": lambda turn: (1, (0, 60 * turn)),
}


@pytest.mark.slow
def test_a_head_that_moves_to_and_fro_is_detected_anew(finder: DlibDetector, clips: Path, setup: Pipeline) -> None:
    frames = frames_of(clips / "s1" / "bbaf2n.mpg")
    require_close(pixels_off(moved(frames, "to and fro"), finder, setup))


@pytest.mark.slow
@pytest.mark.parametrize("clip", ["s31/bgiq6p", "s1/bbaf2n"])
@pytest.mark.parametrize("course", COURSES)
def test_a_moving_head_is_detected_anew_where_it_went(
    finder: DlibDetector, grid: Path, setup: Pipeline, clip: str, course: str
) -> None:
    require_close(pixels_off(moved(frames_of(grid / f"{clip}.mpg"), course), finder, setup))


def test_of_two_faces_the_one_that_continues_is_kept(
    finder: DlibDetector, speech: np.ndarray, sample: Path, setup: Pipeline
) -> None:
    other = decode_clip(next(sample.glob("t2/*.mpg")), fps=25, sample_rate_hz=44100).frames
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


@pytest.mark.slow
def test_a_moving_head_is_followed(finder: DlibDetector, speech: np.ndarray, setup: Pipeline) -> None:
    shift = np.round(60 * np.sin(np.arange(75) / 8)).astype(int)
    stage = np.zeros((75, 288, 520, 3), np.uint8)
    for frame, picture, x in zip(stage, speech, shift, strict=True):
        frame[:, 80 + x : 440 + x] = picture
    still, moving = (track_face(frames, finder, setup.lips) for frames in (speech, stage))
    assert moving.tracked.all()
    expected = still.points + np.stack([80 + shift, np.zeros(75)], axis=-1)[:, None]
    assert np.median(np.linalg.norm(moving.points - expected, axis=-1)) < 1.5


def frames_of(path: Path) -> np.ndarray:
    return decode_clip(path, fps=25, sample_rate_hz=44100).frames


def moved(frames: np.ndarray, course: str) -> np.ndarray:
    """The pictures of a clip, carried along a course."""
    stage = []
    for frame, turn in zip(frames, np.linspace(0, 1, len(frames)), strict=True):
        grown, (x, y) = COURSES[course](turn)
        to_stage = np.array([[grown, 0, x], [0, grown, y]])
        stage.append(cv2.warpAffine(frame, to_stage, (360, 288), borderMode=cv2.BORDER_REPLICATE))
    return np.stack(stage)


def pixels_off(frames: np.ndarray, finder: DlibDetector, setup: Pipeline) -> np.ndarray:
    """How far the mouth's landmarks lie from those that dlib gives when it detects in every frame, source pixels."""
    sparse = track_face(frames, finder, setup.lips).points[:, MOUTH]
    dense = track_face(frames, finder, replace(setup.lips, detect_every=1)).points[:, MOUTH]
    return np.linalg.norm(sparse - dense, axis=-1).ravel()


def require_close(off: np.ndarray) -> None:
    """Half of the landmarks within half a pixel, 95 of 100 within 1.5: the mouth is some 45 pixels wide."""
    assert np.median(off) <= 0.5 and np.percentile(off, 95) <= 1.5
