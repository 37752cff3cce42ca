"""Landmark distance by hand values and on real mouths."""

import cv2
import numpy as np
import pytest

from lipdata.shards.reader import open_shards
from lipmodel.metrics.landmark_distance import OwnFace, TemplateFace, lmd, lmd_template


@pytest.fixture(scope="module")
def real_clips(grid_shards):
    return [shard.clip(place.clip_id) for shard in open_shards(grid_shards) for place in shard.clips]


@pytest.fixture(scope="module")
def template(finder):
    return TemplateFace(finder)


def own_face(clip, finder):
    return OwnFace(clip.face, clip.face_lips, finder)


def moved(mouths, to_source):
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.stack(
        [cv2.warpAffine(m, np.array(to_source), (64, 64), flags=flags, borderMode=cv2.BORDER_REPLICATE) for m in mouths]
    )


def stretched(points, factor):
    return 31.5 + (points - 31.5) * (1, factor)


def test_equation_5_by_hand():
    real = np.zeros((2, 20, 2))
    fake = real.copy()
    fake[1, 0] = (6, 8)  # 10 from the others; the mean point goes along by (0.3, 0.4)
    assert lmd(real, fake) == pytest.approx([0, (9.5 + 19 * 0.5) / 20])
    assert lmd_template(real, fake) == pytest.approx([0, 9.5 + 19 * 0.5])


def test_where_the_mouth_lies_does_not_count():
    real, fake = np.random.default_rng(0).normal(30, 10, (2, 5, 20, 2))
    away = fake + np.arange(10).reshape(5, 1, 2)
    np.testing.assert_allclose(lmd(real, away), lmd(real, fake))
    np.testing.assert_allclose(lmd(real, away), lmd(away, real))


def test_a_frame_without_landmarks_has_no_distance():
    real, fake = np.zeros((2, 3, 20, 2))
    real[0], fake[2] = np.nan, np.nan
    for distance in (lmd, lmd_template):
        np.testing.assert_array_equal(distance(real, fake), [np.nan, 0, np.nan])


def test_real_mouths_against_themselves_are_exactly_0(real_clips, finder, template):
    mouths = real_clips[0].frames[:8]
    for face, distance in ((own_face(real_clips[0], finder), lmd), (template, lmd_template)):
        assert (distance(face.landmarks(mouths), face.landmarks(mouths.copy())) == 0).all()


def test_the_number_of_frames_at_once_changes_nothing(real_clips, finder, template):
    mouths = real_clips[0].frames[:24:4]
    for face in (own_face(real_clips[0], finder), template):
        together = face.landmarks(mouths)
        np.testing.assert_array_equal(together[::-1], np.concatenate([face.landmarks(m[None]) for m in mouths[::-1]]))


def test_pasted_landmarks_are_those_of_the_source_video(real_clips, finder):
    # 0.77 was measured over 67 clips; rounding to whole pixels of the source video alone makes 0.44.
    far = [lmd(clip.landmarks[::6], own_face(clip, finder).landmarks(clip.frames[::6])).mean() for clip in real_clips]
    assert np.mean(far) < 1


def test_pasted_landmarks_open_with_the_mouth(real_clips, finder):
    def opening(points):
        return points[:, 9, 1] - points[:, 3, 1]  # 57 and 51: the middle of lower and upper lip

    pairs = [(clip.landmarks[::3], own_face(clip, finder).landmarks(clip.frames[::3])) for clip in real_clips]
    alike = [np.corrcoef(opening(source), opening(pasted))[0, 1] for source, pasted in pairs]
    assert np.mean(alike) > 0.8  # 0.90 was measured


@pytest.mark.parametrize("shift", [(2, 0), (-2, 0), (0, 2), (0, -2)])
def test_a_shift_of_2_pixels_is_about_0(real_clips, finder, shift):
    # 0.40 was measured: dlib's points move by that when anything in the picture changes.
    went, distance = [], []
    for clip in real_clips:
        face, mouths = own_face(clip, finder), clip.frames[::12]
        real = face.landmarks(mouths)
        fake = face.landmarks(moved(mouths, [[1.0, 0, -shift[0]], [0, 1.0, -shift[1]]]))
        went.append((fake - real).mean((0, 1)) @ np.array(shift) / 2)
        distance.append(lmd(real, fake).mean())
    assert np.mean(went) > 1.2
    assert np.mean(distance) < 0.6


def test_a_vertical_stretch_is_what_is_computed(real_clips, finder):
    # Mean over 46 clips: 1.55 measured, 1.58 computed. dlib holds lips to the shapes of its training set: single
    # clips went from 0.57 to 1.28 of what is computed, means of 7 drawn at random from 0.85 to 1.13 (99 of 100).
    computed, measured = [], []
    for clip in real_clips:
        face, mouths, points = own_face(clip, finder), clip.frames[::6], clip.landmarks[::6].astype(float)
        from_mean = points[..., 1] - points[..., 1].mean(1, keepdims=True)
        expected = 0.3 * np.abs(from_mean).mean(1)
        np.testing.assert_allclose(lmd(points, stretched(points, 1.3)), expected)
        computed.append(expected.mean())
        tall = moved(mouths, [[1.0, 0, 0], [0, 1 / 1.3, 31.5 - 31.5 / 1.3]])
        measured.append(lmd(face.landmarks(mouths), face.landmarks(tall)).mean())
    assert np.mean(measured) == pytest.approx(np.mean(computed), rel=0.25)


def test_a_reference_face_without_a_face_gives_no_landmarks(real_clips, finder):
    clip = real_clips[0]
    for face in (np.full_like(clip.face, 128), clip.face[::-1]):
        points = OwnFace(face, clip.face_lips, finder).landmarks(clip.frames[:3])
        assert points.shape == (3, 20, 2) and np.isnan(points).all()


def test_a_face_beside_the_place_of_the_mouth_is_none(real_clips, finder):
    beside = np.zeros((256, 512, 3), np.uint8)
    beside[:, :256] = real_clips[0].face
    assert not np.isnan(OwnFace(beside, real_clips[0].face_lips, finder).landmarks(real_clips[0].frames[:1])).any()
    far = real_clips[0].face_lips + (256, 0, 256, 0)
    assert np.isnan(OwnFace(beside, far, finder).landmarks(real_clips[0].frames[:1])).all()


def test_the_template_misses_frames_one_by_one(real_clips, template):
    mouths = real_clips[0].frames[:4].copy()
    mouths[2] = np.random.default_rng(0).integers(0, 256, (64, 64, 3))
    mouths[2, 16:48] = 255
    missing = np.isnan(template.landmarks(mouths)).all((1, 2))
    assert missing.tolist() == [False, False, True, False]


def test_order_of_damage(real_clips, finder, template):
    # Expected, and measured over 162 clips: a still mouth is nearer than the same frames in another order, as speech
    # begins with the mouth closed, the commonest pose; another speaker's lips are the farthest. Of 8 clips drawn at
    # random, 996 of 1000 draws show it.
    for distance in (lmd, lmd_template):
        rows = []
        for clip in real_clips:
            face = own_face(clip, finder) if distance is lmd else template
            stranger = next(other for other in real_clips if other.speaker != clip.speaker)
            real, strange = face.landmarks(clip.frames[::5]), face.landmarks(stranger.frames[::5])
            orders = [np.roll(real, step, axis=0) for step in range(1, len(real))]  # every pair of frames, once
            shuffled = np.nanmean([distance(real, order) for order in orders])
            rows.append([np.nanmean(distance(real, real[:1])), shuffled, np.nanmean(distance(real, strange))])
        still, shuffled, strange = np.mean(rows, 0)
        assert 0 < still < shuffled < strange


@pytest.mark.parametrize("place", [np.zeros(4), np.full(4, np.nan), np.array([90, 90, 30, 30])])
def test_a_place_of_no_size_gives_no_landmarks(place, real_clips, finder):
    own = OwnFace(real_clips[0].face, place.astype(np.float32), finder)
    assert np.isnan(own.landmarks(real_clips[0].frames[:2])).all()
