"""Changes of level are found where they were put, and not in noise."""

import math

import numpy as np
import pytest
import ruptures

from mgic.statistics import FEWEST_POINTS, change_points, value_steps
from mgic.statistics.change_points import PENALTY, SHORTEST
from tests.cases import thorough


def series(seed: int, levels: list[tuple[int, float]], spread: float = 0.02) -> list[float]:
    """So many points of each level, with noise of that standard deviation in the logarithm."""
    random = np.random.default_rng(seed)
    middles = [level for n, level in levels for _ in range(n)]
    return [level * math.exp(random.normal(0, spread)) for level in middles]


def test_a_level_that_changes_twice_is_found_twice_with_its_size():
    values = series(1, [(15, 8.0), (20, 8.8), (10, 8.0)])
    first, second = change_points(values, 0.0)
    assert (first.at, second.at) == (15, 35)
    assert first.before == pytest.approx(8, rel=0.02)
    assert first.percent == pytest.approx(10, abs=1.5)
    assert second.percent == pytest.approx(-9.1, abs=1.5)


def test_a_single_odd_point_is_no_level():
    values = series(2, [(30, 8.0)])
    values[14] *= 1.5
    assert change_points(values, 0.0) == []


@pytest.mark.parametrize("n", [30, *thorough(FEWEST_POINTS, 100)])
def test_of_a_thousand_series_of_noise_few_have_a_change(n):
    """At 12 points 3.6 % of 2,000 had one, at 30 1.2 %; twice that would be another penalty."""
    false = sum(bool(change_points(series(seed, [(n, 8.0)]), 0.0)) for seed in range(1000))
    assert false <= (72 if n == FEWEST_POINTS else 24)


def test_the_noise_of_the_points_is_a_floor():
    values = [8.0 + 0.0001 * (at % 2) for at in range(20)] + [8.01 + 0.0001 * (at % 2) for at in range(20)]
    assert [one.at for one in change_points(values, 0.0)] == [20]
    assert change_points(values, 0.01) == []


def test_what_is_exact_changes_where_its_value_does():
    assert [(one.at, one.percent) for one in value_steps([100, 100, 110, 110, 55])] == [
        (2, pytest.approx(10)),
        (4, -50),
    ]
    assert [one.at for one in change_points([5.0] * 10 + [6.0] * 10, 0.0)] == [10]
    assert value_steps([0, 5])[0].percent == math.inf


def test_it_is_pelt_with_the_squared_error():
    values = series(3, [(12, 8.0), (12, 8.3), (12, 9.0)])
    logs = np.log(values)
    sigma = float(np.median(np.abs(np.diff(logs)))) / (0.6744897501960817 * math.sqrt(2))
    penalty = PENALTY * sigma**2 * math.log(len(logs))
    *ends, _ = ruptures.Pelt(model="l2", min_size=SHORTEST, jump=1).fit(logs[:, None]).predict(pen=penalty)
    assert [one.at for one in change_points(values, 0.0)] == ends != []
