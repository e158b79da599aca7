"""Fronts drawn by hand, ties and gaps included, and the probabilities against what must come out."""

import math

import numpy as np
import pytest

from mgic.statistics.pareto import CostError, front, front_probability, true_costs


def test_a_front_by_hand():
    cost = [1, 2, 3, 4, 2]
    value = [50, 70, 60, 80, 65]
    assert front(cost, value) == [True, True, False, True, False]


def test_equal_points_are_on_it_together():
    assert front([1, 1, 2], [5, 5, 5]) == [True, True, False]


def test_the_cheaper_of_two_equally_good_ones_dominates():
    assert front([2, 1], [7, 7]) == [False, True]


def test_what_is_no_number_is_not_on_it_and_dominates_nobody():
    assert front([1, 2], [math.nan, 3]) == [False, True]
    assert front([math.nan, 2], [9, 3]) == [False, True]


def test_as_many_costs_as_values():
    with pytest.raises(ValueError, match="as many"):
        front([1, 2], [1])


def test_far_apart_networks_are_on_it_or_not_for_certain():
    values = {"a": [50, 51, 50, 49, 50], "b": [70, 71, 69, 70, 70], "c": [60, 61, 59, 60, 60]}
    found = front_probability({"a": 1, "b": 2, "c": 3}, values)
    assert [found[name].probability for name in "abc"] == pytest.approx([1.0, 1.0, 0.0], abs=0.005)
    assert [found[name].on_front for name in "abc"] == [True, True, False]


def test_a_dearer_network_of_the_same_mean_is_on_it_half_of_the_time():
    values = {"cheap": [1.0, 2, 3, 4, 5, 6], "dear": [1.0, 2, 3, 4, 5, 6]}
    found = front_probability({"cheap": 1, "dear": 2}, values, draws=4000)
    assert found["cheap"].probability == pytest.approx(1.0)
    assert found["dear"].probability == pytest.approx(0.5, abs=0.05)


def test_the_spread_of_few_seeds_is_not_taken_for_known():
    """Means 2.1 standard errors of the gap apart: by Student's t of about 4 degrees 0.95, by the normal 0.982."""
    values = {"cheap": [0.0, 1, 2, 3, 4], "dear": [2.1, 3.1, 4.1, 5.1, 6.1]}
    assert 0.88 < front_probability({"cheap": 1, "dear": 2}, values, draws=20_000)["dear"].probability < 0.955


def test_the_best_of_many_alike_is_not_told_to_be_as_good_as_it_looks():
    alone = {"cheap": [0.0, 1, 2, 3, 4], "dear": [1.5, 2.5, 3.5, 4.5, 5.5]}
    crowd = {f"other{n}": [value + n / 50 for value in (0.0, 1, 2, 3, 4)] for n in range(10)}
    costs = {name: float(place) for place, name in enumerate([*alone, *crowd])}
    one = front_probability({"cheap": 0, "dear": 1}, alone, draws=8000)["dear"].probability
    among = front_probability(costs, alone | crowd, draws=8000)["dear"].probability
    assert among < one - 0.05


def test_networks_without_any_spread_are_what_they_are():
    found = front_probability({"a": 1, "b": 2, "c": 3}, {"a": [1.0] * 5, "b": [1.0] * 5, "c": [1.0] * 5})
    assert [found[name].probability for name in "abc"] == pytest.approx([1.0, 0.0, 0.0])
    assert front_probability({"a": 1}, {"a": [1.0, 2, 3, 4, 5]})["a"].probability == pytest.approx(1.0)


def test_below_five_seeds_no_probability_is_claimed():
    found = front_probability({"a": 1, "b": 2}, {"a": [1.0] * 4, "b": [2.0] * 9})
    assert (found["a"].probability, found["b"].probability) == (None, None)
    assert found["b"].on_front


def test_no_network_has_no_front():
    assert front_probability({}, {}) == {}


def test_a_probability_is_never_above_one():
    values = {"a": [1.0, 2, 3, 4, 5], "b": [0.0, 1, 2, 3, 4]}
    found = [front_probability({"a": 1, "b": 2}, values, seed=seed)["a"].probability for seed in range(20)]
    assert max(found) <= 1
    assert min(found) == pytest.approx(1)


def test_a_value_that_is_no_number_is_missing_and_spoils_no_other_network():
    costs = {"a": 1, "b": 2}
    whole = {"a": [1.0, 2, 3, 4, 5], "b": [9.0, 8, 7, 6, 5]}
    with_nan = {"a": [math.nan, 1.0, 2, 3, 4, 5], "b": [9.0, 8, math.inf, 7, 6, 5]}
    assert front_probability(costs, with_nan) == front_probability(costs, whole)
    few = front_probability(costs, {"a": [1.0, 2, 3, 4, math.nan], "b": whole["b"]})
    assert (few["a"].n, few["a"].probability, few["b"].on_front) == (4, None, True)
    with pytest.raises(ValueError, match="of a"):
        front_probability(costs, {"a": [math.nan], "b": [1.0]})
    with pytest.raises(ValueError, match="of b"):
        front_probability({"a": 1, "b": math.nan}, whole)


def test_a_network_without_a_cost_is_refused_by_name():
    with pytest.raises(ValueError, match="of b"):
        front_probability({"a": 1}, {"a": [1.0], "b": [2.0]})


def test_a_cost_that_was_measured_is_not_known_exactly():
    """Two of equal cost and equal true mean but for 0.1: the worse one is on the front where it is cheaper in truth."""
    values = {"a": [90.0, 90.1, 89.9, 90.05, 89.95], "b": [89.0, 89.1, 88.9, 89.05, 88.95]}
    cost = {"a": 10.0, "b": 10.0}
    assert front_probability(cost, values)["b"].probability == pytest.approx(0, abs=0.01)
    measured = {name: CostError(0.1, 4) for name in cost}
    found = front_probability(cost, values, measured=measured)
    assert found["b"].probability == pytest.approx(0.5, abs=0.05)
    assert found["a"].probability == pytest.approx(1, abs=0.01)
    assert front_probability(cost, values, measured={"b": CostError(1e-9, 4)})["b"].probability < 0.6


def test_drawn_costs_spread_as_student_s_t_says():
    drawn = true_costs([5.0, 7.0], [None, CostError(0.2, 4)], 20_000, np.random.default_rng(0))
    assert set(drawn[:, 0]) == {5.0}
    low, high = np.quantile(np.log(drawn[:, 1] / 7.0), [0.025, 0.975])
    assert (low, high) == pytest.approx((-0.2 * 2.776445, 0.2 * 2.776445), rel=0.1)  # t(0.975, 4 degrees) from a table
