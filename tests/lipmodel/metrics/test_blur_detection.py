"""CPBD against the package cpbd-py312 and by hand values."""

import cpbd as reference
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lipdata.shards.reader import open_shards
from lipmodel.metrics.blur_detection import cpbd, edge_widths
from lipmodel.metrics.luma import to_luma


@pytest.fixture(scope="module")
def crops(grid_shards) -> dict[str, np.ndarray]:
    """Grey mouth crops of each speaker."""
    (shard,) = open_shards(grid_shards)
    speakers = np.repeat([clip.speaker for clip in shard.clips], [clip.length for clip in shard.clips])
    return {speaker: to_luma(shard.array("frames")[speakers == speaker]) for speaker in sorted(set(speakers))}


def assert_equals_the_package(pictures, atol=1e-12):
    expected = [reference.compute(picture) for picture in pictures]
    np.testing.assert_allclose(cpbd(np.asarray(pictures)), expected, rtol=0, atol=atol)
    return np.array(expected)


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_equals_the_package_on_real_crops(crops, step):
    expected = assert_equals_the_package(np.concatenate(list(crops.values()))[::step])
    assert len(expected) == 600 // step and expected.std() > 0.03


@pytest.mark.parametrize("blur", [0.7, 2.5])
def test_equals_the_package_on_blurred_crops_of_fractional_grey(crops, blur):
    pictures = np.concatenate([some[::15] for some in crops.values()]).astype(float)
    assert_equals_the_package(gaussian_filter(pictures, (0, blur, blur)))


@pytest.mark.parametrize("size", [(64, 64), (63, 64), (64, 40), (65, 130), (128, 64), (200, 150), (64, 300)])
@pytest.mark.parametrize("blur", [0, 1, 3, 12])
def test_equals_the_package_at_any_size(size, blur):
    noise = np.random.default_rng(0).uniform(0, 255, (2, *size))
    pictures = gaussian_filter(noise, (0, blur, blur)) if blur else noise
    assert_equals_the_package(pictures)
    assert_equals_the_package(pictures.round().astype(np.uint8))


@pytest.mark.parametrize("height", range(1, 6))
def test_equals_the_package_where_few_pixels_are_edges(height):
    """Both sides of the 0.2 % of edge pixels, and of Canny's high threshold."""
    pictures = np.full((40, 64, 128), 100.0)
    random = np.random.default_rng(height)
    for picture, step in zip(pictures, np.geomspace(0.02, 20, len(pictures)), strict=True):
        y, x = random.integers(0, 60), random.integers(0, 124)
        picture[y : y + height, x : x + 2] += step * random.uniform(0.5, 1, (min(height, 64 - y), min(2, 128 - x)))
    expected = assert_equals_the_package(pictures)
    assert (expected == 0).any()


def test_equals_the_package_on_odd_pictures():
    y, x = np.mgrid[:64, :128].astype(float)
    stripes = np.where(x // 3 % 2, 40, 200)
    flat = np.zeros_like(x)
    corner = flat.copy()
    corner[-1, -1] = 255
    ramp = np.where(x == 100, 300 - x, 250 - x) / 2  # runs of 98 and 26 pixels, falling
    pictures = [flat, flat + 255, x, 255 - x, y, x + y, stripes, stripes.T[:64].repeat(2, 1)[:, :128]]
    pictures += [corner, 250 * (x > y), 250 * (x < 30), 250 * (np.hypot(x - 64, y - 32) < 20), ramp, ramp[:, ::-1]]
    assert_equals_the_package([np.broadcast_to(picture, (64, 128)) for picture in pictures])


def test_equals_the_package_on_runs_longer_than_it_follows():
    x = np.arange(400.0)
    row = x / 4 + np.where(x < 200, 0, 60)  # rises 200 pixels to an edge, and 200 behind it
    row[200] -= 30
    picture = np.broadcast_to(row, (64, 400)).copy()
    picture[40:] = row[::-1]
    assert edge_widths(picture[None]).max() == 202
    assert_equals_the_package([picture])


def falling(*levels):
    """A picture bright on the left and dark on the right, and these levels between."""
    row = np.concatenate([np.full(30, levels[0]), levels, np.full(34 - len(levels), levels[-1])])
    return np.broadcast_to(row.astype(float), (64, 64))


@pytest.mark.parametrize(
    ("levels", "width", "sharpness"),
    [
        ((200, 125, 50), 2, 1),
        ((200, 190, 125, 50), 3, 1),
        ((200, 190, 125, 60, 50), 4, 0),
        ((100, 97, 75, 53, 50), 4, 1),  # contrast 50: up to 5 pixels are not seen as blurred
        ((100, 99, 97, 75, 53, 51, 50), 6, 0),
        ((101, 97, 75, 53, 50), 4, 0),  # contrast 51
    ],
)
def test_an_edge_computed_by_hand(levels, width, sharpness):
    picture = falling(*levels)
    widths = edge_widths(picture[None])[0]
    middle = 30 + len(levels) // 2
    assert (widths[1:-1, middle] == width).all() and np.count_nonzero(widths) == 62
    assert cpbd(picture[None]).tolist() == [sharpness]


def test_the_share_of_sharp_edges_computed_by_hand():
    picture = falling(200, 190, 125, 60, 50).copy()
    picture[:17] = falling(200, 200, 125, 50, 50)[:17]
    assert cpbd(picture[None])[0] == pytest.approx(16 / 62)  # the first and last row are not looked at


@pytest.mark.parametrize("just_noticeable", [3, 5])
def test_edges_no_wider_than_just_noticeable_are_those_seen_as_blurred_with_at_most_63_percent(just_noticeable):
    width = np.arange(2, 203)
    percent = np.round(100 * (1 - np.exp(-((width / just_noticeable) ** 3.6))))
    np.testing.assert_array_equal(percent <= 63, width <= just_noticeable)


@pytest.mark.parametrize("speaker", ["s1", "s22", "s26"])
def test_blur_lowers_it(crops, speaker):
    pictures = crops[speaker][::5].astype(float)
    values = [cpbd(gaussian_filter(pictures, (0, blur, blur))).mean() for blur in (0, 0.5, 1, 2, 3)]
    assert all(np.diff(values[:4]) < 0) and values[4] <= values[3] < 0.01 < 0.1 < values[0]


def test_a_picture_does_not_depend_on_its_neighbours_in_the_stack(crops):
    pictures = np.concatenate([some[:4] for some in crops.values()])
    flat = np.zeros((1, 64, 64), np.uint8)
    together = cpbd(np.concatenate([pictures, flat, pictures[::-1]]))
    np.testing.assert_array_equal(together, [*together[: len(pictures)], 0, *together[: len(pictures)][::-1]])
    np.testing.assert_array_equal(together[: len(pictures)], [cpbd(picture[None])[0] for picture in pictures])
