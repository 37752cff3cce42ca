"""Frames without the face: few are interpolated, more fail the clip."""

from pathlib import Path

import numpy as np
import pytest

from lipdata.config import Pipeline
from lipdata.errors import ClipError
from lipdata.face import DlibDetector, track_face
from lipdata.media import decode_clip


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
    with pytest.raises(ClipError, match="no face in frames 0 to 19 of 20"):
        track_face(np.zeros_like(speech[:20]), finder, setup.lips)


def test_a_face_that_is_covered_or_upside_down_is_lost(
    finder: DlibDetector, speech: np.ndarray, setup: Pipeline
) -> None:
    turned = speech.copy()
    turned[40:50] = turned[40:50, ::-1]
    with pytest.raises(ClipError, match="no face in frames 40 to 49"):
        track_face(turned, finder, setup.lips)


@pytest.mark.slow
def test_a_face_elsewhere_is_not_a_continuation(finder: DlibDetector, speech: np.ndarray, setup: Pipeline) -> None:
    stage = np.zeros((75, 288, 1080, 3), np.uint8)
    stage[:40, :, :360] = speech[:40]
    stage[40:, :, 720:] = speech[40:]
    with pytest.raises(ClipError, match="no face in frames 40 to 74"):
        track_face(stage, finder, setup.lips)


@pytest.mark.slow
def test_the_damaged_grid_clip_does_not_pass(finder: DlibDetector, grid: Path, setup: Pipeline) -> None:
    frames = decode_clip(grid / "s1" / "lgbf8n.mpg", fps=25, sample_rate_hz=44100).frames
    with pytest.raises(ClipError, match="no face in frames 0 to 11 of 75"):
        track_face(frames, finder, setup.lips)
