"""Tests of differences against numbers worked out by hand, and against how often they may err."""

import numpy as np
import pytest

from mgic.statistics.comparison import equivalence, paired


def test_pairs_are_made_by_seed_and_the_interval_is_students():
    found = paired({0: 90.0, 1: 91.0, 2: 92.0, 7: 50.0}, {0: 91.0, 1: 92.0, 2: 94.0, 8: 0.0})
    assert (found.n, found.mean) == (3, pytest.approx(4 / 3))
    half = 4.302653 * np.std([1, 1, 2], ddof=1) / np.sqrt(3)  # t of 2 degrees at 97.5 %
    assert found.interval == pytest.approx((4 / 3 - half, 4 / 3 + half), rel=1e-5)
    assert found.p == pytest.approx(0.0572, abs=1e-4)  # t = 4


def test_pairing_finds_what_two_unpaired_sets_hide():
    seeds = range(8)
    base = {seed: 80.0 + 3 * seed for seed in seeds}
    better = {seed: value + 0.5 + 0.01 * (seed % 3) for seed, value in base.items()}
    assert paired(base, better).p < 1e-6
    assert np.std(list(base.values())) > 10 * paired(base, better).mean  # which two means apart would drown in


def test_one_pair_says_a_difference_and_nothing_of_its_spread():
    assert paired({1: 2.0}, {1: 3.0}) == type(paired({1: 2.0}, {1: 3.0}))(1, 1.0, None, None)


def test_differences_without_spread_are_no_division_by_zero():
    assert paired({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0}).p == 1.0
    assert paired({0: 1.0, 1: 2.0}, {0: 2.0, 1: 3.0}).p == 0.0


def test_no_common_seed_is_an_error():
    with pytest.raises(ValueError, match="no seed"):
        paired({0: 1.0}, {1: 1.0})


def test_equivalence_is_claimed_from_evidence_and_not_from_its_lack():
    base = {seed: 90.0 for seed in range(5)}
    close = {seed: 90.0 + gap for seed, gap in enumerate((0.1, -0.1, 0.05, -0.05, 0.0))}
    wide = {seed: 90.0 + gap for seed, gap in enumerate((3.0, -3.0, 1.0, -1.0, 0.0))}
    assert equivalence(base, close, margin=0.5).equivalent
    assert paired(base, wide).p > 0.9  # no difference is found,
    assert not equivalence(base, wide, margin=0.5).equivalent  # which does not show that there is none


def test_equivalence_errs_at_the_edge_of_the_margin_in_about_five_per_cent():
    generator = np.random.default_rng(0)
    base = dict.fromkeys(range(6), 0.0)
    claims = sum(
        equivalence(base, dict(enumerate(generator.normal(1.0, 0.4, 6))), margin=1.0).equivalent for _ in range(400)
    )
    assert claims / 400 < 0.08


def test_a_margin_must_be_above_zero():
    with pytest.raises(ValueError, match="above 0"):
        equivalence({0: 1.0, 1: 1.0}, {0: 1.0, 1: 1.0}, 0.0)
