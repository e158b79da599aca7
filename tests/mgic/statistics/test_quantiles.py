"""Counts from the table of MLPerf Inference, and percentiles worked out by hand."""

import pytest

from mgic.statistics import percentile, samples_needed


@pytest.mark.parametrize(("share", "count"), [(0.9, 64), (0.95, 130), (0.99, 662)])
def test_a_percentile_needs_so_many_samples(share, count):
    assert samples_needed(share) == count


@pytest.mark.parametrize(("share", "same"), [(0.05, 0.95), (0.25, 0.75), (0.01, 0.99)])
def test_a_small_share_needs_as_many_as_its_mirror_image(share, same):
    assert samples_needed(share) == samples_needed(same)


def test_the_median_needs_two_samples_above_it_nearly_always():
    # 1 - P(0 or 1 of n above) = 1 - (1 + n) / 2^n: 0.9893 for 10, 0.9941 for 11
    assert samples_needed(0.5) == 11


def test_below_that_count_there_is_none():
    values = [float(value) for value in range(64)]
    assert percentile(values[:63], 0.9) is None
    assert percentile(values, 0.9) == pytest.approx(56.7)  # 0.9 of the way from the 1st, 0, to the 64th, 63
    assert percentile(values, 0.95) is None


def test_the_order_of_the_samples_is_no_matter():
    values = [float(value) for value in range(130)]
    assert percentile(values[::-1], 0.95) == percentile(values, 0.95) == pytest.approx(0.95 * 129)
