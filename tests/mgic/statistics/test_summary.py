"""Numbers worked out by hand or taken from a table of Student's t."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgic.statistics import summary


def test_three_values_have_the_interval_of_the_t_table():
    found = summary([1.0, 2.0, 3.0])
    half = 4.302653 / math.sqrt(3)  # t(0.975, 2 degrees) from a table, sd = 1
    assert (found.n, found.mean, found.low, found.high, found.sd) == (3, 2.0, 1.0, 3.0, 1.0)
    assert found.interval == pytest.approx((2 - half, 2 + half), abs=1e-5)


def test_five_values_use_four_degrees_of_freedom():
    found = summary([2.0, 4.0, 4.0, 4.0, 6.0])
    half = 2.776445 * math.sqrt(2) / math.sqrt(5)  # t(0.975, 4 degrees); variance (4 + 4) / 4
    assert found.interval == pytest.approx((4 - half, 4 + half), abs=1e-5)


def test_two_values_have_a_range_but_no_interval():
    found = summary([90.0, 94.0])
    assert (found.mean, found.low, found.high, found.interval) == (92.0, 90.0, 94.0, None)
    assert found.sd == pytest.approx(math.sqrt(8))


def test_one_value_has_no_spread():
    found = summary([7.5])
    assert (found.n, found.mean, found.sd, found.interval) == (1, 7.5, None, None)


def test_missing_values_are_left_out_and_not_counted():
    assert summary([1.0, None, math.nan, 3.0, math.inf]) == summary([1.0, 3.0])


def test_nothing_left_is_said_with_n_0():
    found = summary([None, math.nan])
    assert found.n == 0
    assert math.isnan(found.mean)
    assert math.isnan(found.low)
    assert found.interval is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=20))
def test_the_mean_lies_in_the_range_and_in_the_middle_of_the_interval(values):
    found = summary(values)
    slack = 1e-9 * max(1.0, abs(found.mean))
    assert found.low - slack <= found.mean <= found.high + slack
    assert found.interval is not None
    assert sum(found.interval) / 2 == pytest.approx(found.mean, abs=1e-6)
