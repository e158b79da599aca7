"""The exact interval of the centre of a few values, against printed tables, enumeration and hand-worked numbers."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgic.statistics import signed_rank
from mgic.statistics.signed_rank import centre, chance, left_out, walsh_averages

PRINTED = {6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 12: 13, 15: 25, 20: 52, 25: 89}  # critical values, 5 %, of any textbook


def test_the_null_distribution_is_that_of_the_printed_tables():
    assert {n: left_out(n, 0.025) for n in PRINTED} == PRINTED
    assert chance(8, 3) == 5 / 256, "no sum of ranks, or 1, 2, 3, or 1 + 2"


@pytest.mark.parametrize("n", [1, 3, 7])
def test_it_is_what_all_signs_give(n):
    sums = [sum(rank for rank, sign in enumerate(signs, 1) if sign) for signs in product((0, 1), repeat=n)]
    for rank_sum in range(n * (n + 1) // 2 + 1):
        assert chance(n, rank_sum) == np.mean(np.array(sums) <= rank_sum)


def test_the_means_of_pairs_by_hand():
    assert walsh_averages([1, 3, 8]).tolist() == [1, 2, 3, 4.5, 5.5, 8]
    found = signed_rank([1, 3, 8])
    assert (found.estimate, found.low, found.high, found.confidence) == (3.75, 1, 8, 0.75)


def test_a_published_example():
    """Nine patients before and after a tranquilizer: Hollander and Wolfe, the example of R's wilcox.test."""
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    found = signed_rank(np.subtract(before, after).tolist())
    assert (found.estimate, found.low, found.high) == pytest.approx((0.46, 0.01, 0.786))
    assert found.confidence == pytest.approx(1 - 2 * 10 / 512), "10 sets of ranks add up to 5 or less"


def test_a_confidence_that_so_few_values_cannot_have_is_said():
    sides = {2: 0.25, 5: 0.05, 6: 0.025, 8: 0.005}
    assert [left_out(n, side) is not None for n, side in sides.items()] == [True] * 4
    assert [left_out(n - 1, side) for n, side in sides.items()] == [None] * 4
    found = signed_rank([4, 1, 2, 3, 5])
    assert (found.low, found.high, found.confidence) == (1, 5, 1 - 2 / 32)
    assert left_out(5, 0.025) is None


def test_equal_values_have_an_interval_without_width():
    found = signed_rank([0.1] * 7)
    assert found.low == found.high == found.estimate == 0.1


@pytest.mark.parametrize("values", [[], [float("nan"), 1.0], [float("inf")]])
def test_no_value_or_one_that_is_no_number_is_refused(values):
    with pytest.raises(ValueError, match="finite numbers"):
        signed_rank(values)


def test_more_left_out_than_there_are_is_refused():
    with pytest.raises(ValueError, match="cannot be left out"):
        centre([1, 2], 2)


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=15), st.integers(-100, 100))
def test_it_moves_with_the_values_and_turns_with_them(values, by):
    found, moved = signed_rank(values), signed_rank([value + by for value in values])
    assert (moved.low, moved.estimate, moved.high) == (found.low + by, found.estimate + by, found.high + by)
    turned = signed_rank([-value for value in values])
    assert (turned.low, turned.estimate, turned.high) == (-found.high, -found.estimate, -found.low)
    assert min(values) <= found.low <= found.estimate <= found.high <= max(values)


def test_the_interval_holds_the_centre_as_often_as_it_says_whatever_the_distribution():
    rng, trials = np.random.default_rng(1), 4000
    for draw in (rng.standard_normal, rng.standard_cauchy, lambda size: rng.uniform(-1, 1, size)):
        found = [signed_rank(values.tolist()) for values in draw((trials, 8))]
        held = np.mean([one.low <= 0 <= one.high for one in found])
        assert held == pytest.approx(found[0].confidence, abs=0.011), "3 binomial standard errors"
