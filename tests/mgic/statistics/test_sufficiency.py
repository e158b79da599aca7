"""What suffices, by numbers worked out by hand, and by how often the answer is wrong where the truth is known."""

import math

import numpy as np
import pytest
import scipy

from mgic.statistics import proposal, sufficiency
from tests.cases import thorough

T95_2, T95_9 = 2.919986, 1.833113  # 95 % quantiles of Student's t, 2 and 9 degrees, from a table
OFF = (-0.1, 0.1, 0.0)


def grid(gains: list[float], rows: int = 2, seeds: int = 3, off=OFF) -> dict:
    """Column 0 is 90 + seed, and each further one so much more, with the same deviations in all rows."""
    base = {(row, 0): {seed: 90.0 + seed for seed in range(seeds)} for row in range(rows)}
    past = {
        (row, column): {seed: 90.0 + seed + gain + off[seed] for seed in range(seeds)}
        for row in range(rows)
        for column, gain in enumerate(gains, 1)
    }
    return base | past


def simulated(generator, gains: list[float], rows: int, seeds: int, sd: float = 0.2) -> dict:
    """Normal runs with a seed's own shift, and the gains of the columns past the first."""
    block = generator.normal(0, 1, seeds)
    return {
        (row, column): {seed: row + gain + block[seed] + generator.normal(0, sd) for seed in range(seeds)}
        for row in range(rows)
        for column, gain in enumerate([0.0, *gains])
    }


def test_small_gains_suffice_and_the_probability_is_students():
    found = sufficiency(grid([0.1, -0.2]), 0, (1, 2), 0.5, "max")
    assert (found.verdict, found.more) == ("suffices", None)
    assert [step.gain.mean for step in found.steps] == pytest.approx([0.1, -0.2])
    error = math.sqrt(4 * 0.01 / 4) / 2 * math.sqrt(2 / 3)  # squares 0.02 a row, 2 degrees a row
    assert found.steps[0].gain.error == pytest.approx(error)
    edge = 0.5 - 2.131847 * error  # the 95 % quantile of 4 degrees: a gain of so much has p = 0.05
    assert sufficiency(grid([edge]), 0, (1,), 0.5, "max").steps[0].p_less == pytest.approx(0.05, abs=1e-6)


def test_a_loss_past_it_does_not_make_it_insufficient():
    assert sufficiency(grid([-5.0]), 0, (1,), 0.5, "max").verdict == "suffices"


def test_one_large_gain_is_enough_to_say_no_and_is_corrected_for_all_steps():
    found = sufficiency(grid([0.0, 2.0]), 0, (1, 2), 0.5, "max")
    assert found.verdict == "does not suffice"
    small, large = found.steps
    assert large.p_more == pytest.approx(2 * large.gain.above(0.5))
    assert small.p_more > 0.5


def test_what_is_better_when_small_gains_by_falling():
    assert sufficiency(grid([-2.0]), 0, (1,), 0.5, "min").verdict == "does not suffice"
    assert sufficiency(grid([2.0]), 0, (1,), 0.5, "min").verdict == "suffices"


def test_an_open_answer_says_how_many_seeds_would_settle_it():
    """The gain is 0.4, the spread of a pair 0.1, of 0.5: by the noncentral t 8 seeds of one row see 0.1 in 4 of 5."""
    found = sufficiency(grid([0.4], rows=1), 0, (1,), 0.5, "max")
    assert (found.verdict, found.more) == ("not settled", 5)
    power = {n: 1 - scipy.stats.nct.cdf(scipy.stats.t.ppf(0.95, n - 1), n - 1, math.sqrt(n)) for n in (7, 8)}
    assert power[7] < 0.8 < power[8]


def test_two_steps_must_both_pass_so_that_each_needs_more_power():
    one, two = (sufficiency(grid([0.4] * steps, rows=1), 0, range(1, steps + 1), 0.5, "max") for steps in (1, 2))
    assert two.more > one.more


def test_a_gain_at_the_margin_is_settled_by_no_number_of_seeds():
    found = sufficiency(grid([0.5], rows=1), 0, (1,), 0.5, "max")
    assert (found.verdict, found.more) == ("not settled", None)


def test_one_seed_says_nothing_and_two_are_proposed():
    single = grid([0.1], rows=1, seeds=1)
    found = sufficiency(single, 0, (1,), 0.5, "max")
    assert (found.verdict, found.more, found.steps[0].p_less) == ("not settled", None, None)
    next_ = proposal(single, found, 0, 0.5)
    assert (next_.missing, next_.runs, next_.settled) == ({0: (1, 2), 1: (1, 2)}, 4, None)


def test_a_column_without_a_common_seed_is_open():
    apart = {(0, 0): {0: 1.0, 1: 1.0, 2: 1.0}, (0, 1): {5: 1.0}}
    found = sufficiency(apart, 0, (1,), 0.5, "max")
    assert (found.verdict, found.steps[0].gain) == ("not settled", None)
    assert proposal(apart, found, 0, 0.5).missing == {1: (0, 1)}  # a run each makes a pair of what is there


def test_the_row_with_the_fewest_seeds_is_proposed_since_it_weighs_as_much_as_the_others():
    given = grid([0.47], rows=3)
    del given[1, 1][2]
    found = sufficiency(given, 0, (1,), 0.5, "max")
    next_ = proposal(given, found, 0, 0.5)
    assert (next_.row, next_.column) == (1, 1)
    assert next_.missing[1][0] == 2  # which the column before it has
    assert next_.runs == 2 * 8 - 1  # eight seeds at once, of which one is there
    assert next_.error_then < next_.error


def test_a_row_that_was_never_asked_comes_first_and_an_impossible_one_not_at_all():
    given = grid([0.47], rows=2) | {(2, 0): {0: 95.0}}
    found = sufficiency(given, 0, (1,), 0.5, "max")
    assert (proposal(given, found, 0, 0.5).row, proposal(given, found, 0, 0.5).empty) == (2, True)
    assert proposal(given, found, 0, 0.5, impossible={(2, 1)}).row in (0, 1)


def test_nothing_is_proposed_where_it_is_settled():
    settled = sufficiency(grid([0.0]), 0, (1,), 0.5, "max")
    assert proposal(grid([0.0]), settled, 0, 0.5) is None


def test_bad_questions_are_errors():
    for past, margin, looks in (((1,), 0.0, 1), ((), 0.5, 1), ((1,), 0.5, 0)):
        with pytest.raises(ValueError, match="above 0"):
            sufficiency(grid([0.0]), 0, past, margin, "max", looks)


@pytest.mark.parametrize(("rows", "seeds"), [(3, 3), *thorough((1, 5), (5, 2))])
@pytest.mark.parametrize("gains", [[0.5], *thorough([0.5, 0.0, -1.0], [0.5, 0.5, 0.5])])
def test_what_gains_the_margin_is_called_sufficient_in_five_per_cent_at_most(gains, rows, seeds):
    told = outcomes(gains, rows, seeds)
    assert told.get("suffices", 0) < 0.05 + ERROR
    assert told.get("does not suffice", 0) < 0.05 + ERROR


@pytest.mark.parametrize("gain", [0.3, *thorough(0.7)])
def test_with_the_seeds_that_it_asks_for_it_is_settled_in_four_of_five_tries(gain):
    """Asked of a grid whose gain and spread are just the true ones."""
    sd = 0.2
    off = np.array([-1.0, 0.0, 1.0]) * sd * math.sqrt(2)  # the spread of a difference of two runs
    asked = sufficiency(grid([gain], rows=2, off=off), 0, (1,), 0.5, "max")
    assert asked.more > 0
    told = outcomes([gain], 2, 3 + asked.more, sd)
    assert told["suffices" if gain < 0.5 else "does not suffice"] > 0.8 - ERROR


def test_looking_again_shares_out_the_level():
    edge = 0.5 - 2.131847 * math.sqrt(0.01) / 2 * math.sqrt(2 / 3)  # p = 0.05, as above
    below = grid([edge - 0.001])
    assert sufficiency(below, 0, (1,), 0.5, "max").verdict == "suffices"
    assert sufficiency(below, 0, (1,), 0.5, "max", looks=2).verdict == "not settled"


@pytest.mark.thorough
def test_adding_seeds_until_it_is_settled_errs_in_five_per_cent_where_all_looks_are_told():
    """At 3 to 12 seeds, of a gain that is the margin."""
    generator = np.random.default_rng(4)
    wrong = dict.fromkeys((1, 10), 0)
    for _ in range(400):
        whole = simulated(generator, [0.5], 2, 12)
        for looks in wrong:
            parts = ({cell: {s: of[s] for s in range(n)} for cell, of in whole.items()} for n in range(3, 13))
            wrong[looks] += any(sufficiency(part, 0, (1,), 0.5, "max", looks).verdict == "suffices" for part in parts)
    print(f"\nof 400: {wrong}")
    assert wrong[10] / 400 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert wrong[1] / 400 > 0.1  # which is why it is asked


TRIALS = 600
ERROR = 3 * math.sqrt(0.05 * 0.95 / TRIALS)


def outcomes(gains: list[float], rows: int, seeds: int, sd: float = 0.2) -> dict[str, float]:
    """The shares of the verdicts."""
    generator, past = np.random.default_rng(2), range(1, len(gains) + 1)
    told = [
        sufficiency(simulated(generator, gains, rows, seeds, sd), 0, past, 0.5, "max").verdict for _ in range(TRIALS)
    ]
    print(f"\n{gains}, {rows} rows, {seeds} seeds: { {one: told.count(one) / TRIALS for one in set(told)} }")
    return {one: told.count(one) / TRIALS for one in set(told)}
