"""Verdicts on accuracy: by answers to the same samples, and over seeds."""

import numpy as np
import pytest

from mgic.gate.accuracy import PREDICTIONS_LIMIT, of_predictions, of_seeds
from mgic.gate.predictions import Paired
from tests.cases import thorough


def counted(n: int, lost: int, gained: int, same_weights: bool = True) -> Paired:
    both = n // 2
    same = n - lost - gained
    return Paired(n, both + lost, both + gained, lost, gained, same, same_weights)


def verdict(n: int, lost: int, gained: int, limit: str = PREDICTIONS_LIMIT) -> str:
    return of_predictions("m", counted(n, lost, gained), limit, False).verdict


def test_a_planted_loss_of_half_a_point_is_found_where_two_per_cent_tell():
    row = of_predictions("m", counted(10_000, 125, 75), PREDICTIONS_LIMIT, False)
    assert (row.verdict, row.metric, row.n) == ("regression", "top1", 10_000)
    assert (row.change, row.base, row.head) == (-0.5, 51.25, 50.75)
    assert (row.low_percent, row.high_percent) == pytest.approx((-0.778, -0.222), abs=0.001), "points"
    assert "p = 0.0005, mid-p = 0.00039" in row.note
    assert "98 % of the answers are the same" in row.note
    assert "a loss of 0.41 points would have been seen" in row.note


def test_where_a_tenth_tells_the_same_loss_is_not_settled():
    row = of_predictions("m", counted(10_000, 525, 475), PREDICTIONS_LIMIT, False)
    assert row.verdict == "inconclusive"
    assert "p = 0.12" in row.note
    assert "0.9 points would have been seen" in row.note


@pytest.mark.parametrize(
    ("n", "lost", "gained", "limit", "expected"),
    [
        (10_000, 0, 0, "-0.2pp", "pass"),
        (360, 0, 0, "-0.2pp", "pass"),  # no sample is lost, however wide the interval of so few
        (360, 0, 0, "-0pp", "pass"),
        (10_000, 5, 5, "-0.2pp", "pass"),
        (10_000, 1, 0, "-0pp", "inconclusive"),
        (10_000, 6, 0, "-0pp", "regression"),
        (10_000, 125, 75, "-0.5pp", "inconclusive"),  # as much as is allowed, and it may be more
        (10_000, 125, 75, "-1pp", "pass"),
        (10_000, 126, 75, "-0.5pp", "regression"),
        (10_000, 75, 125, "-0.2pp", "pass"),
    ],
)
def test_verdicts_of_answers(n, lost, gained, limit, expected):
    assert verdict(n, lost, gained, limit) == expected


def test_answers_of_a_network_that_was_trained_anew_are_shown_and_not_judged():
    found = counted(10_000, 500, 100, same_weights=False)
    row = of_predictions("m", found, PREDICTIONS_LIMIT, False)
    assert row.verdict == "shown"
    assert row.note.startswith("it is not said that the head's weights are made of the base's")
    assert of_predictions("m", found, PREDICTIONS_LIMIT, True).verdict == "regression"


@pytest.mark.parametrize("seed", range(3))
def test_a_loss_that_is_drawn_sample_by_sample_is_found(seed):
    """60 % of 2 % of 10,000 samples flip to wrong more than to right: 0.5 points on average."""
    rng = np.random.default_rng(seed)
    lost, gained, _ = rng.multinomial(10_000, [0.0125, 0.0075, 0.98]).tolist()
    row = of_predictions("m", counted(10_000, lost, gained), PREDICTIONS_LIMIT, False)
    assert row.verdict == "regression", row.note


# Over seeds

BASE = {0: 90.1, 1: 90.4, 2: 89.9, 3: 90.2}


def test_one_seed_a_side_is_never_settled_without_known_noise():
    row = of_seeds("m", {0: 95.0}, {1: 20.0}, "-0.5pp")
    assert (row.verdict, row.n, row.low_percent) == ("inconclusive", 1, None)
    assert "3 seeds a side" in row.note


def test_one_seed_a_side_counts_if_it_is_far_outside_the_noise_known():
    """sd 0.2 of 5 runs: t of 4 degrees at 0.9995 is 8.61, and sqrt(2) * 0.2 * 8.61 is 2.44."""
    known = [89.8, 90.0, 90.2, 90.0 + 0.2 * 2**0.5, 90.0 - 0.2 * 2**0.5]
    spread = np.std(known, ddof=1)
    reach = 8.6103 * 2**0.5 * spread
    near = of_seeds("m", {0: 90.0}, {1: 90.0 - reach + 0.01}, "-0.5pp", known)
    far = of_seeds("m", {0: 90.0}, {1: 90.0 - reach - 0.01}, "-0.5pp", known)
    assert (near.verdict, far.verdict) == ("inconclusive", "regression")
    assert f"up to {reach:.2g} points" in near.note
    assert of_seeds("m", {0: 90.0}, {1: 99.0}, "-0.5pp", known).verdict == "inconclusive", "one seed never passes"
    assert of_seeds("m", {0: 90.0}, {1: 80.0}, "-0.5pp", known[:2]).verdict == "inconclusive", "two are no spread"


def test_seeds_of_both_sides_are_paired():
    """Differences -0.1, 0, 0.1, 0: by themselves the sides spread by 0.2."""
    head = {0: 90.0, 1: 90.4, 2: 90.0, 3: 90.2}
    row = of_seeds("m", BASE, head, "-0.5pp")
    assert (row.verdict, row.n) == ("pass", 4)
    assert "4 pairs of the same seed" in row.note
    half = 3.1824 * 0.081650 / 2
    assert (row.low_percent, row.high_percent) == pytest.approx((-half, half), abs=1e-4)


def test_other_seeds_are_two_samples():
    row = of_seeds("m", BASE, {seed + 10: value - 2 for seed, value in BASE.items()}, "-0.5pp")
    assert row.verdict == "regression"
    assert "4 and 4 runs of different seeds" in row.note
    assert row.change == pytest.approx(-2)


def test_a_loss_within_the_limit_passes_and_one_that_may_be_more_is_not_settled():
    small = {seed: value - 0.2 + 0.01 * seed for seed, value in BASE.items()}
    assert of_seeds("m", BASE, small, "-0.5pp").verdict == "pass"
    wide = {0: 89.6, 1: 90.6, 2: 89.0, 3: 90.6}
    row = of_seeds("m", BASE, wide, "-0.5pp")
    assert row.verdict == "inconclusive"
    assert "seeds a side would" in row.note


def test_equal_runs_are_certain():
    assert of_seeds("m", BASE, dict(BASE), "-0pp").verdict == "pass"
    assert of_seeds("m", BASE, {seed: value - 1 for seed, value in BASE.items()}, "-0.5pp").verdict == "regression"


@pytest.mark.parametrize(("seeds", "shared"), [(3, True), *thorough((2, True), (5, True), (3, False), (5, False))])
def test_the_same_code_is_seldom_a_regression_and_a_loss_of_the_limit_seldom_passes(seeds, shared):
    rng, trials = np.random.default_rng(seeds), 1500
    names = range(seeds), range(0 if shared else 100, seeds + (0 if shared else 100))
    found = {0.0: [], 0.5: []}
    for loss, verdicts in found.items():
        for before, after in zip(*rng.normal(90, 0.2, (2, trials, seeds)), strict=True):
            sides = dict(zip(names[0], before, strict=True)), dict(zip(names[1], after - loss, strict=True))
            verdicts.append(of_seeds("m", *sides, "-0.5pp").verdict)
    assert found[0.0].count("regression") / trials < 0.025 + 0.012, "one side of 5 %, and 3 standard errors"
    assert found[0.5].count("pass") / trials < 0.05 + 0.017
    if seeds >= 3:
        assert found[0.0].count("pass") / trials > 0.4, "and the test can say yes"
