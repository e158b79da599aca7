"""Tests of differences against numbers worked out by hand, and against how often they may err."""

import math

import numpy as np
import pytest
import scipy

from mgic.statistics import equivalence, holm, paired, unpaired
from mgic.statistics.comparison import Difference, pooled

T2, T3 = 4.302653, 3.182446  # 97.5 % quantiles of Student's t, 2 and 3 degrees, from a table


def test_pairs_are_made_by_seed_and_the_interval_is_students():
    found = paired({0: 90.0, 1: 91.0, 2: 92.0, 7: 50.0}, {0: 91.0, 1: 92.0, 2: 94.0, 8: 0.0})
    assert (found.n, found.mean, found.degrees) == (3, pytest.approx(4 / 3), 2)
    half = T2 * np.std([1, 1, 2], ddof=1) / np.sqrt(3)
    assert found.interval == pytest.approx((4 / 3 - half, 4 / 3 + half), rel=1e-5)
    assert found.p == pytest.approx(0.0572, abs=1e-4)  # t = 4


def test_it_is_the_t_test_of_scipy():
    values = np.random.default_rng(3).normal(0.3, 1, 9)
    test, found = scipy.stats.ttest_1samp(values, 0.0), paired(dict.fromkeys(range(9), 0.0), dict(enumerate(values)))
    assert found.p == pytest.approx(float(test.pvalue))
    assert found.interval == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert found.above(0.1) == pytest.approx(float(scipy.stats.ttest_1samp(values, 0.1, alternative="greater").pvalue))
    assert found.below(0.1) == pytest.approx(float(scipy.stats.ttest_1samp(values, 0.1, alternative="less").pvalue))


def test_pairing_finds_what_two_unpaired_sets_hide():
    seeds = range(8)
    base = {seed: 80.0 + 3 * seed for seed in seeds}
    better = {seed: value + 0.5 + 0.01 * (seed % 3) for seed, value in base.items()}
    assert paired(base, better).p < 1e-6
    assert np.std(list(base.values())) > 10 * paired(base, better).mean  # which two means apart would drown in


def test_one_pair_says_a_difference_and_nothing_of_its_spread():
    found = paired({1: 2.0}, {1: 3.0})
    assert (found, found.p, found.interval, found.below(5.0)) == (Difference(1, 1.0), None, None, None)


def test_differences_without_spread_are_no_division_by_zero():
    assert paired(dict.fromkeys(range(3), 1.0), dict.fromkeys(range(3), 1.0)).p == 1.0
    found = paired({0: 1.0, 1: 2.0, 2: 3.0}, {0: 2.0, 1: 3.0, 2: 4.0})
    assert (found.p, found.interval, found.below(2.0), found.below(0.5)) == (0.0, (1.0, 1.0), 0.0, 1.0)


def test_two_seeds_that_tie_do_not_show_that_there_is_no_spread():
    assert paired({0: 1.0, 1: 2.0}, {0: 2.0, 1: 3.0}) == Difference(2, 1.0, None, 1)


def test_what_is_only_rounding_is_no_difference():
    assert paired({0: 0.1 + 0.2, 1: 0.3, 2: 0.3}, dict.fromkeys(range(3), 0.3)) == Difference(3, 0.0, 0.0, 2)


def test_no_common_seed_is_an_error():
    with pytest.raises(ValueError, match="no seed"):
        paired({0: 1.0}, {1: 1.0})


def test_parts_weigh_the_same_and_pool_their_spread_about_their_own_means():
    # means 2 and 5, squares 2 and 2 of 5 - 2 = 3 degrees
    found = pooled([[1.0, 3.0], [], [4.0, 5.0, 6.0]])
    error = math.sqrt(4 / 3) / 2 * math.sqrt(1 / 2 + 1 / 3)
    assert (found.n, found.degrees, found.mean) == (5, 3, 3.5)
    assert found.error == pytest.approx(error)
    assert found.interval == pytest.approx((3.5 - T3 * error, 3.5 + T3 * error), rel=1e-5)


def test_equivalence_is_claimed_from_evidence_and_not_from_its_lack():
    base = {seed: 90.0 for seed in range(5)}
    close = {seed: 90.0 + gap for seed, gap in enumerate((0.1, -0.1, 0.05, -0.05, 0.0))}
    wide = {seed: 90.0 + gap for seed, gap in enumerate((3.0, -3.0, 1.0, -1.0, 0.0))}
    assert equivalence(paired(base, close), margin=0.5).equivalent
    assert paired(base, wide).p > 0.9  # no difference is found,
    assert not equivalence(paired(base, wide), margin=0.5).equivalent  # which does not show that there is none
    assert equivalence(Difference(1, 0.0), margin=0.5).p is None


def test_equivalence_errs_at_the_edge_of_the_margin_in_about_five_per_cent():
    generator = np.random.default_rng(0)
    base = dict.fromkeys(range(6), 0.0)
    drawn = (dict(enumerate(generator.normal(1.0, 0.4, 6))) for _ in range(400))
    claims = sum(equivalence(paired(base, one), margin=1.0).equivalent for one in drawn)
    assert 0.02 < claims / 400 < 0.08


def test_a_margin_must_be_above_zero():
    with pytest.raises(ValueError, match="above 0"):
        equivalence(Difference(2, 1.0, 1.0, 1), 0.0)


def test_holm_multiplies_by_the_tests_that_are_left():
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03, "d": 0.5}) == pytest.approx(
        {"b": 0.04, "c": 0.09, "a": 0.09, "d": 0.5}  # 4 * .01, 3 * .03, no less than that, 1 * .5
    )


def test_sides_without_common_seeds_are_compared_by_welch():
    """By hand: means 2 and 5, variances 1 and 4, of 3 each; error sqrt(5/3), degrees (5/3)^2 / (1/18 + 16/18) = 2.9."""
    found = unpaired([1.0, 2.0, 3.0], [3.0, 5.0, 7.0])
    assert (found.n, found.mean) == (3, 3.0)
    assert found.degrees == pytest.approx(2.941, abs=0.001)
    low, high = scipy.stats.ttest_ind([3.0, 5.0, 7.0], [1.0, 2.0, 3.0], equal_var=False).confidence_interval(0.95)
    assert found.interval == pytest.approx((low, high))
    assert found.error == pytest.approx((5 / 3) ** 0.5)
    assert unpaired([1.0], [2.0, 3.0]).p is None
    assert unpaired([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]).p == 0.0
    assert unpaired([1.0, 1.0], [2.0, 2.0]).p is None, "two may agree by chance"
    with pytest.raises(ValueError, match="no value"):
        unpaired([], [1.0])
