"""Samples without pairs, against SciPy and by hand."""

import pytest
from scipy import stats

from mgic.statistics.unpaired import welch


def test_the_interval_is_that_of_scipy():
    first, other = [90.1, 90.9, 89.7], [91.2, 93.0, 91.9, 92.4]
    gap = welch(first, other)
    low, high = stats.ttest_ind(other, first, equal_var=False).confidence_interval(0.95)
    assert gap.mean == pytest.approx(sum(other) / 4 - sum(first) / 3)
    assert gap.interval == pytest.approx((low, high))


@pytest.mark.parametrize(("first", "other"), [([1.0], [2.0, 3.0]), ([1.0, 2.0], [3.0]), ([1.0, 1.0], [2.0, 2.0])])
def test_nothing_is_claimed_of_one_sample_nor_without_a_spread(first, other):
    assert welch(first, other).interval is None


def test_a_side_without_a_sample_is_an_error():
    with pytest.raises(ValueError, match="no sample"):
        welch([], [1.0])
