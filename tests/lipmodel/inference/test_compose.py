"""Mouths pasted back into a photo."""

import numpy as np
import pytest

from lipdata.face.crop import crop_frames
from lipmodel.inference.compose import paste_mouths, to_video_size


def soft(height, width, seed=0):
    """A picture of soft colours, 60 to 200, as skin is."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(y / random.uniform(25, 60) + x / random.uniform(25, 60) + phase) for phase in range(3)]
    return (130 + 70 * np.stack(waves, axis=-1)).astype(np.uint8)


def composed(photo, box, mouths):
    box = np.array(box, float)
    crop = crop_frames(photo[None], box[None], 64)[0]
    return np.array(list(paste_mouths(photo, box, crop, mouths(crop)))).astype(int)


INSIDE = (40.0, 50.0, 104.0, 114.0)


BOXES = [INSIDE, (40.3, 50.7, 75.1, 85.5), (10.2, 4.9, 159.2, 153.9)]


OUTSIDE = [(-20.5, 50, 43.5, 114), (140, 50, 204, 114), (40, -30, 104, 34), (40, 120, 104, 184), (-30, -40, 150, 140)]


@pytest.mark.parametrize("box", [*BOXES, *OUTSIDE])
def test_a_crop_goes_back_to_where_it_was_cut(box):
    photo = soft(160, 180)
    frame = composed(photo, box, lambda crop: [crop])[0]
    assert frame.shape == photo.shape and np.abs(frame - photo).max() <= 3


@pytest.mark.parametrize("box", BOXES)
def test_around_the_box_the_photo_stays_as_it_is(box):
    photo = soft(160, 180)
    mouth = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    mouth[16:48, 16:48] = 0
    frame = composed(photo, box, lambda crop: [mouth])[0]
    (left, top), (right, bottom) = np.floor(box[:2]).astype(int), np.ceil(box[2:]).astype(int)
    changed = np.abs(frame - photo).max(-1)
    assert changed[(top + bottom) // 2, (left + right) // 2] > 20
    changed[top + 1 : bottom - 1, left + 1 : right - 1] = 0
    assert changed.max() <= 12  # the feather begins at 0
    changed[top:bottom, left:right] = 0
    assert not changed.any()


def test_there_is_no_edge_that_the_mouth_did_not_bring():
    photo = np.full((160, 180, 3), (190, 150, 120), np.uint8)
    mouth = np.full((64, 64, 3), (120, 130, 140), np.uint8)  # plain, of another colour
    frame = composed(photo, INSIDE, lambda crop: [mouth])[0]
    assert np.abs(frame - photo).max() <= 1


def test_colours_are_matched_as_under_another_light():
    photo = np.full((160, 180, 3), 180, np.uint8)
    mouth = np.full((64, 64, 3), 90, np.uint8)
    mouth[24:40, 16:48] = 0  # the dark of an open mouth
    frame = composed(photo, INSIDE, lambda crop: [mouth])[0]
    assert frame[76:84, 66:78].max() <= 15 and abs(frame[110, 72, 0] - 180) <= 1


def test_the_corners_of_the_mouth_are_generated():
    photo = np.full((160, 180, 3), 180, np.uint8)
    mouth = np.full((64, 64, 3), 180, np.uint8)
    mouth[30:34, 7:57] = 20  # a mouth of 50 of 64 pixels: a crop is 1.3 mouths wide
    frame = composed(photo, INSIDE, lambda crop: [mouth])[0]
    assert frame[81:83, 48:96].max() < 30 and frame[81:83, 40].min() >= 178


def test_a_sudden_change_of_brightness_comes_in_softly_and_goes_away():
    photo = np.full((160, 180, 3), 150, np.uint8)
    mouths = [np.full((64, 64, 3), level, np.uint8) for level in [100] * 10 + [120] * 40]
    middle = composed(photo, INSIDE, lambda crop: mouths)[:, 82, 72, 0]
    assert (np.abs(middle[:10] - 150) <= 1).all()
    steps = np.diff(middle[10:])
    assert middle[10] > 165 and (steps <= 0).all() and steps.min() >= -5
    assert abs(middle[-1] - 150) <= 1


def test_a_small_face_gets_averages():
    photo = np.full((160, 180, 3), 128, np.uint8)
    chequered = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, -1)
    frame = composed(photo, (40, 50, 53, 63), lambda crop: [chequered])[0]
    assert np.abs(frame - 128).max() <= 3


def test_frames_are_made_one_at_a_time():
    asked = []

    def mouths(crop):
        for number in range(100):
            asked.append(number)
            yield crop

    photo = soft(160, 180)
    frames = paste_mouths(photo, np.array(INSIDE), photo[50:114, 40:104], mouths(photo[50:114, 40:104]))
    next(frames), next(frames)
    assert asked == [0, 1]


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((101, 77), (100, 76)), ((1080, 1920), (1080, 1920)), ((3000, 4001), (1440, 1920)), ((4000, 1001), (1920, 480))],
)
def test_the_size_of_the_video(size, wanted):
    given = np.indices(size, np.uint8).sum(0, dtype=np.uint8)[..., None].repeat(3, -1)
    photo, box = to_video_size(given, np.array([10.0, 20.0, 50.0, 60.0]))
    assert photo.shape == (*wanted, 3)
    scale = min(1, 1920 / max(size))
    np.testing.assert_allclose(box, scale * np.array([10.0, 20.0, 50.0, 60.0]), rtol=2e-3)
    if scale == 1:
        np.testing.assert_array_equal(photo, given[: wanted[0], : wanted[1]])
