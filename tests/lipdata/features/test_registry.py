"""A feature says what it is, and is held to it."""

from typing import Any

import numpy as np
import pytest

from lipdata.config import Pipeline
from lipdata.errors import ClipError, LipdataError
from lipdata.features.registry import BUILT_IN, Feature, Signals, axes_rank, find_feature

SIGNALS = Signals(np.zeros((20, 64, 64, 3), np.uint8), np.zeros(20 * 1764, np.float32), np.zeros((20, 20, 2)))
GOOD: dict[str, Any] = {
    "name": "level",
    "dtype": "float32",
    "shape": (2,),
    "axes": "N, (left, right)",
    "units": "dB",
    "compute": lambda signals, pipeline: np.zeros((len(signals.mouths), 2)),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_shapes_of_the_built_in_ones_are_what_they_compute(name: str, setup: Pipeline) -> None:
    feature = find_feature(name)
    assert callable(feature.shape)
    array = feature(SIGNALS, setup)
    assert array.shape == (20, *feature.shape(setup)) and array.dtype == feature.dtype
    assert array.ndim == axes_rank(feature.axes)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "Level"}, "lower case"),
        ({"name": "frames"}, "none of frames"),
        ({"dtype": "float33"}, "none of numpy's"),
        ({"dtype": "object"}, "integers, floats"),
        ({"axes": "y, x"}, "N first"),
        ({"shape": (2, 3)}, "N and its axes"),
    ],
)
def test_what_no_dataset_can_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    Feature(**GOOD)
    with pytest.raises(LipdataError, match=message):
        Feature(**GOOD | wrong)


@pytest.mark.parametrize("shape", [(19, 2), (20,), (20, 3)])
def test_an_array_of_another_shape_costs_the_clip(shape: tuple[int, ...], setup: Pipeline) -> None:
    feature = Feature(**GOOD | {"compute": lambda signals, pipeline: np.zeros(shape)})
    with pytest.raises(ClipError, match=r"it should be \(20, 2\)"):
        feature(SIGNALS, setup)
