"""Mouth boxes, crops and the reference face, on points and pictures whose answer is known."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage import data

from lipdata.config import LipsConfig, Pipeline
from lipdata.errors import ClipError, LipdataError
from lipdata.face.crop import crop_frames, find_mouth, mouth_boxes, reference_face, to_crop_pixels

PLAIN = LipsConfig(detect_every=25, max_gap=5, half_side=0.65, smooth_frames=1)


def mouth(x: float, y: float, width: float, height: float, n_frames: int = 1) -> np.ndarray:
    """68 points whose mouth has this bounding box."""
    points = np.zeros((n_frames, 68, 2), np.float32)
    points[:, 48:] = (x + width / 2, y + height / 2)
    points[:, 48], points[:, 54] = (x, y + height / 2), (x + width, y + height / 2)
    points[:, 51], points[:, 57] = (x + width / 2, y), (x + width / 2, y + height)
    return points


def test_the_box_is_that_of_the_paper() -> None:
    # 40 x 10 mouth at (100, 50): centre (120, 55), half side 0.65 x 40 = 26.
    np.testing.assert_allclose(mouth_boxes(mouth(100, 50, 40, 10), PLAIN), [[94, 29, 146, 81]])
    np.testing.assert_allclose(mouth_boxes(mouth(100, 50, 10, 40), PLAIN), [[79, 44, 131, 96]])


def test_smoothing_averages_the_box_not_the_landmarks() -> None:
    points = mouth(100, 50, 40, 10, 5)
    points[2] += 9
    boxes = mouth_boxes(points, replace(PLAIN, smooth_frames=3))
    np.testing.assert_allclose(boxes[:, 0], [94, 97, 97, 97, 94])
    np.testing.assert_allclose(boxes[:, 2] - boxes[:, 0], 52)
    in_crop = to_crop_pixels(points, boxes, 52)
    np.testing.assert_allclose(in_crop[2, 0] - in_crop[1, 0], 9)


def test_a_whole_box_is_cut_exactly() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (1, 100, 120, 3), np.uint8)
    np.testing.assert_array_equal(crop_frames(frames, np.array([[20.0, 10, 84, 74]]), 64)[0], frames[0, 10:74, 20:84])


@pytest.mark.parametrize("box", [(-30.0, 10, 34, 74), (80.0, 50, 144, 114), (10.0, -20, 74, 44)])
def test_a_box_that_leaves_the_picture_is_padded_by_its_edge(box: tuple[float, ...]) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (1, 100, 120, 3), np.uint8)
    padded = np.pad(frames[0], ((64, 64), (64, 64), (0, 0)), "edge")
    x, y = int(box[0]) + 64, int(box[1]) + 64
    np.testing.assert_array_equal(crop_frames(frames, np.array([box]), 64)[0], padded[y : y + 64, x : x + 64])


def test_a_mouth_outside_the_picture_is_refused() -> None:
    frames = np.zeros((3, 100, 120, 3), np.uint8)
    boxes = np.array([[10.0, 10, 74, 74], [10, 10, 74, 74], [100, 10, 164, 74]])
    with pytest.raises(ClipError, match=r"outside the picture in frame 2 \(1 frames in all\)"):
        crop_frames(frames, boxes, 64)


@pytest.mark.parametrize(("side", "at"), [(40.0, 30.25), (64.0, 30.5), (100.0, 17.0), (400.0, 60.3), (700.0, 33.0)])
def test_landmarks_stay_on_what_they_mark(side: float, at: float) -> None:
    # A soft spot drawn at a known place is found at the place that to_crop tells, at any scale and fraction.
    x, y = at + 0.3 * side, at + 0.6 * side
    grid_y, grid_x = np.mgrid[:800, :800]
    spot = 255 * np.exp(-((grid_x - x) ** 2 + (grid_y - y) ** 2) / (2 * (side / 16) ** 2))
    frames = np.repeat(spot[None, :, :, None], 3, axis=3).astype(np.uint8)
    box = np.array([[at, at, at + side, at + side]])
    crops = crop_frames(frames, box, 64)[0, :, :, 0].astype(float)
    points = np.zeros((1, 68, 2), np.float32)
    points[:, 48:] = (x, y)
    crop_y, crop_x = np.mgrid[:64, :64]
    seen = np.array([(crop_x * crops).sum(), (crop_y * crops).sum()]) / crops.sum()
    np.testing.assert_allclose(to_crop_pixels(points, box, 64)[0, 0], seen, atol=0.12)


def test_a_large_mouth_is_averaged_not_sampled() -> None:
    # A chequered picture of single pixels is grey from afar; picking single pixels would give black and white.
    chequered = (np.indices((800, 800)).sum(0) % 2 * 255).astype(np.uint8)
    frames = np.repeat(chequered[None, :, :, None], 3, axis=3)
    crops = crop_frames(frames, np.array([[50.0, 50, 690, 690]]), 64)
    assert np.abs(crops.astype(int) - 127).max() <= 2


def test_the_reference_face_holds_the_crop_where_it_says() -> None:
    frame = np.asarray(data.astronaut())
    points = np.random.default_rng(0).uniform((160, 60), (280, 180), (68, 2)).astype(np.float32)
    box = mouth_boxes(points[None], PLAIN)[0]
    face, (x0, y0, x1, y1) = reference_face(frame, points, box, 256)
    assert face.shape == (256, 256, 3)
    mouth_crop = crop_frames(frame[None], box[None], 64)[0].astype(float)
    again = crop_frames(face[None], np.array([[x0, y0, x1, y1]]), 64)[0].astype(float)
    assert np.abs(cv2.GaussianBlur(mouth_crop, (0, 0), 2) - cv2.GaussianBlur(again, (0, 0), 2)).mean() < 4


def test_find_mouth_in_a_photo(setup: Pipeline) -> None:
    picture, box = find_mouth(np.asarray(data.astronaut()), setup)
    assert picture.shape == (64, 64, 3)
    assert 190 < box[0] < box[2] < 260 and 115 < box[1] < box[3] < 185
    with pytest.raises(LipdataError, match="no face found in the image of 512x512 pixels"):
        find_mouth(np.zeros((512, 512, 3), np.uint8), setup)
