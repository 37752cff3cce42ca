"""Agreement of motion and sound at every shift."""

import numpy as np
import pytest

from lipmodel.sync.curve import MAX_SHIFT, SHIFTS, Curve, curve_of


def vectors(n: int, seed: int, dims: int = 8) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(n, dims))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def plain_curve(motion: np.ndarray, sound: np.ndarray, first: int) -> list[float]:
    """The same, one pair of vectors after another."""
    found = []
    for shift in SHIFTS:
        pairs = [(t, first + t + shift) for t in range(len(motion))]
        cosines = [float(motion[t] @ sound[place]) for t, place in pairs if 0 <= place < len(sound)]
        found.append(np.mean(cosines) if 2 * len(cosines) >= len(motion) else np.nan)
    return found


@pytest.mark.parametrize(
    ("n", "m", "first"),
    [(65, 65, 0), (40, 65, 0), (40, 65, 25), (6, 65, 0), (6, 65, 59), (7, 9, 1), (1, 1, 0), (65, 40, 0), (20, 65, 60)],
)
def test_a_curve_is_what_a_plain_loop_finds(n, m, first):
    motion, sound = vectors(n, 0), vectors(m, 1)
    found = curve_of(motion, sound, first)
    np.testing.assert_allclose(found.cosines, plain_curve(motion, sound, first), atol=1e-12)
    assert found.frames == n


@pytest.mark.parametrize("shift", [-15, -7, 0, 3, 15])
def test_sound_that_comes_later_has_a_positive_offset(shift):
    clip = vectors(120, 0)
    motion, sound = clip[30:90], clip[30 - shift : 90 - shift]  # what moves at t is heard at t + shift
    curve = curve_of(motion, sound)
    assert SHIFTS[curve.best] == shift and round(curve.offset_frames) == shift
    assert curve.distance == pytest.approx(0, abs=1e-6)
    window = curve_of(clip[40:60], clip, 40 - shift)
    assert SHIFTS[window.best] == shift


def test_less_than_half_of_the_motion_with_sound_is_no_answer_at_both_ends():
    known = np.isfinite(curve_of(vectors(20, 0), vectors(20, 1)).cosines)
    assert [shift for shift, at in zip(SHIFTS, known, strict=True) if at] == list(range(-10, 11))
    known = np.isfinite(curve_of(vectors(21, 0), vectors(21, 1)).cosines)
    assert [shift for shift, at in zip(SHIFTS, known, strict=True) if at] == list(range(-10, 11))
    early = np.isfinite(curve_of(vectors(20, 0), vectors(60, 1), 2).cosines)
    assert [shift for shift, at in zip(SHIFTS, early, strict=True) if at] == list(range(-12, 16))
    late = np.isfinite(curve_of(vectors(20, 0), vectors(60, 1), 38).cosines)
    assert [shift for shift, at in zip(SHIFTS, late, strict=True) if at] == list(range(-15, 13))


def peaked(at: float) -> Curve:
    """A parabola with its top at ``at`` frames."""
    return Curve(0.8 - 0.01 * (np.array(SHIFTS) - at) ** 2, 65)


@pytest.mark.parametrize("at", [-14.3, -0.5, 0.0, 0.25, 3.49, 13.9])
def test_the_offset_lies_between_frames(at):
    assert peaked(at).offset_frames == pytest.approx(at)


@pytest.mark.parametrize(("at", "end"), [(-20.0, -MAX_SHIFT), (20.0, MAX_SHIFT)])
def test_the_ends_have_no_parabola(at, end):
    assert peaked(at).offset_frames == end


def test_a_peak_beside_what_is_not_known_has_no_parabola():
    curve = peaked(4.3)
    curve.cosines[SHIFTS.index(5)] = np.nan
    assert curve.offset_frames == 4
    assert Curve(np.full(31, 0.5), 65).offset_frames == SHIFTS[0]  # a plateau bends nowhere


def test_what_the_numbers_are():
    cosines = np.zeros(31)
    cosines[20], cosines[17], cosines[24] = 0.9, 0.8, 0.6  # 3 and 4 frames from the best
    curve = Curve(cosines, 65)
    assert (curve.offset_frames, curve.distance, curve.confidence) == pytest.approx((5, 0.1, 0.9))
    assert curve.margin == pytest.approx(0.3)
    cosines[:10] = np.nan
    assert Curve(cosines, 65).confidence == pytest.approx(0.9) and Curve(cosines, 65).margin == pytest.approx(0.3)
