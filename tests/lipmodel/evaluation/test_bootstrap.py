"""Bootstrap intervals of means over clips."""

import numpy as np
import pytest

from lipmodel.evaluation.bootstrap import Mean, mean_over_clips


def test_interval_is_that_of_the_normal_law_for_many_clips():
    values = np.random.default_rng(0).normal(3, 2, 2000)
    found = mean_over_clips(values)
    error = values.std(ddof=1) / 2000**0.5
    assert found.mean == pytest.approx(values.mean())
    # 9999 resamples know a percentile to about 2 % of the standard error.
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.1 * error
    )


def test_clips_without_a_value_are_left_out_and_counted():
    found = mean_over_clips(np.array([1.0, np.nan, 3.0]))
    assert (found.mean, found.clips) == (2.0, 2)
    assert 1 <= found.low < 2 < found.high <= 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Mean(None, None, None, 0)),
        ([np.nan], Mean(None, None, None, 0)),
        ([2.0], Mean(2.0, None, None, 1)),
        ([2.0, 2.0], Mean(2.0, 2.0, 2.0, 2)),
        ([np.inf, 1.0], Mean(np.inf, None, None, 2)),
    ],
)
def test_where_there_is_no_interval(values, expected):
    assert mean_over_clips(np.array(values)) == expected


def test_same_values_give_the_same_interval():
    values = np.random.default_rng(1).random(30)
    assert mean_over_clips(values) == mean_over_clips(values)
