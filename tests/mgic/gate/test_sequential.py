"""The rule by which a gate of two versions ends: verdicts by hand, what it refuses, and the chances it promises."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgic.gate.sequential import (
    LEAST_BLOCKS,
    LEAST_CONFIRMING,
    LEFT_OUT,
    MOST_BLOCKS,
    Decision,
    confirm,
    decide,
)
from mgic.statistics.signed_rank import chance
from tests.bench.gates.levels import CONFIRMING, FIRST, counted, crossed, drawn_sums, rank_sums, with_another
from tests.cases import thorough

LIMIT = math.log(1.05)
STILL = [0.01, -0.01, 0.0, 0.02, -0.02, 0.0]  # a base that does not differ from itself


def judged(effects: list[float], controls: list[float] = STILL, limit: float = LIMIT, last: bool = False) -> Decision:
    return decide(effects, controls, limit, last)


def test_six_blocks_below_the_limit_pass_and_one_above_it_is_not_enough():
    """The interval of six is from the smallest to the largest."""
    found = judged([0.01, -0.02, 0.03, 0.0, 0.02, 0.048])
    assert (found.outcome, found.low, found.high, found.n) == ("pass", -0.02, 0.048, 6)
    assert found.confidence == 1 - 2 / 64
    assert judged([0.01, -0.02, 0.03, 0.0, 0.02, 0.049]).outcome == "go on"


def test_six_slower_blocks_are_suspect_if_the_estimate_is_above_the_limit():
    assert judged([0.1, 0.09, 0.11, 0.12, 0.08, 0.001]).outcome == "suspect"
    assert judged([0.1, 0.09, 0.11, 0.12, 0.08, -0.001]).outcome == "go on"
    assert judged([0.04, 0.03, 0.05, 0.04, 0.05, 0.04]).outcome == "go on", "slower for certain, but by less"


def test_seven_blocks_leave_out_the_smallest_and_the_largest_mean_of_pairs():
    found = judged([0.0, 0.01, 0.02, 0.03, 0.04, 0.045, 0.0487], [*STILL, 0.0])
    assert (found.low, found.high) == pytest.approx((0.005, 0.04685))
    assert found.outcome == "pass"
    assert found.confidence == 1 - 2 * 2 / 128


@pytest.mark.parametrize("blocks", range(LEAST_BLOCKS))
def test_too_few_blocks_say_nothing_however_clear(blocks):
    effects, controls = [0.2] * blocks, [0.0] * blocks
    assert judged(effects, controls).outcome == "go on"
    found = judged(effects, controls, last=True)
    assert (found.outcome, found.n) == ("inconclusive", blocks)
    assert "6 are needed" in found.why


def test_a_base_that_differs_from_itself_by_more_than_the_limit_settles_nothing():
    unsteady = [0.06] * 6
    for effects in ([0.0] * 6, [0.2] * 6):
        assert judged(effects, unsteady).outcome == "go on"
        found = judged(effects, unsteady, last=True)
        assert found.outcome == "inconclusive"
        assert "the base differs from itself by 6.18 %" in found.why
        assert confirm(effects, unsteady, LIMIT, True).outcome == "inconclusive"


def test_what_is_not_settled_says_the_interval_what_was_visible_and_what_it_takes():
    found = judged([0.0, 0.02, 0.04, 0.06, -0.02, 0.08], last=True)
    assert found.outcome == "inconclusive"
    assert found.why.startswith("3.05 % (-1.98 to 8.33) worse, where 5 % is allowed: it may be more than that")
    # by hand: half the interval is 0.05, above the limit, and the standard error 0.03742 / sqrt(6)
    assert f"about {100 * math.expm1(0.05 + 0.84 * 0.0374166 / 6**0.5):.3g} % would have been seen" in found.why
    assert "more than 40 blocks" in found.why, "6 * (0.05 / 0.0188) ** 2 is 42"
    found = judged([0.0, 0.0, 0.01, 0.06, -0.01, 0.0], last=True)
    assert "about 10 blocks" in found.why, "6 * (0.06 / 0.04879) ** 2 is 9.07, rounded up"


def test_equal_blocks_are_certain():
    """Instructions and memory may be the same in every block."""
    assert judged([0.0] * 6, [0.0] * 6, 0.0).outcome == "pass"
    assert judged([1e-9] * 6, [0.0] * 6, 0.0).outcome == "suspect"
    assert judged([LIMIT] * 6, [0.0] * 6).outcome == "pass", "as much as is allowed"
    assert judged([LIMIT + 1e-9] * 6, [0.0] * 6).outcome == "suspect"
    assert confirm([0.1] * 4, [0.0] * 4, LIMIT, False).outcome == "regression"


def test_with_a_limit_of_nothing_noise_passes_only_if_it_is_faster_for_certain():
    noise = [0.01, -0.01, 0.02, -0.02, 0.005, -0.004]
    assert judged(noise, limit=0.0, last=True).outcome == "inconclusive"
    assert judged([value - 0.05 for value in noise], limit=0.0).outcome == "pass"
    assert judged([value + 0.05 for value in noise], limit=0.0).outcome == "suspect"
    assert judged([0.05] * 6, [0.01] * 6, limit=0.0).outcome == "go on", "the base is slower than itself"


def test_a_second_measurement_confirms_contradicts_or_goes_on_and_never_passes():
    still = STILL[:4]
    found = confirm([0.1, 0.08, 0.12, 0.01], still, LIMIT, False)
    assert (found.outcome, found.confidence) == ("regression", 1 - 2 / 16)
    assert confirm([0.1, 0.08, 0.12, -0.01], still, LIMIT, False).outcome == "go on"
    assert confirm([0.1, 0.08, 0.12, -0.01], still, LIMIT, True).outcome == "inconclusive"
    found = confirm([0.01, 0.0, 0.02, -0.01], still, LIMIT, False)
    assert found.outcome == "inconclusive"
    assert "the first measurement found more" in found.why
    assert confirm([], [], LIMIT, True).why == f"no block was measured, and {LEAST_CONFIRMING} are needed at least"


def test_between_looks_only_the_last_block_is_judged_and_by_the_level_of_the_next_look():
    effects = [0.1 + 0.001 * place for place in range(17)]
    assert judged(effects, [0.0] * 17).outcome == "go on"
    found = judged(effects, [0.0] * 17, last=True)
    assert found.outcome == "suspect"
    assert found.confidence is not None
    assert found.confidence >= 1 - 2 * chance(18, LEFT_OUT[18])


def test_there_is_no_block_beyond_the_fortieth():
    rng = np.random.default_rng(2)
    effects = rng.normal(0.0, 0.5, MOST_BLOCKS).tolist()
    assert judged(effects, [0.0] * MOST_BLOCKS).outcome == "inconclusive"
    with pytest.raises(ValueError, match="41 blocks: 40 at most"):
        judged([*effects, 0.0], [0.0] * 41)


@pytest.mark.parametrize(
    ("effects", "controls", "limit", "words"),
    [
        ([0.0], [], 0.1, "one of each a block"),
        ([math.nan], [0.0], 0.1, "finite"),
        ([0.0], [math.inf], 0.1, "finite"),
        ([0.0], [0.0], -0.1, "not below 0"),
        ([0.0], [0.0], math.nan, "not below 0"),
    ],
)
def test_what_is_wrong_is_refused(effects, controls, limit, words):
    for rule in (decide, confirm):
        with pytest.raises(ValueError, match=words):
            rule(effects, controls, limit, False)


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-0.1, 0.1)), max_size=MOST_BLOCKS), st.floats(0, 0.5))
def test_a_verdict_never_says_what_its_interval_does_not(blocks, limit):
    effects, controls = [effect for effect, _ in blocks], [control for _, control in blocks]
    for rule in (decide, confirm):
        found = rule(effects, controls, limit, True)
        assert found.outcome != "go on"
        if found.outcome == "pass":
            assert found.high is not None
            assert found.high <= limit + 1e-12
        if found.outcome in ("suspect", "regression"):
            assert found.low is not None
            assert found.estimate is not None
            assert found.low > 0
            assert found.estimate > limit


@given(st.lists(st.floats(-0.2, 0.2), min_size=6, max_size=20), st.floats(0, 0.2))
def test_a_head_that_is_slower_in_every_block_never_fares_better(effects, by):
    order = ["pass", "inconclusive", "suspect"]
    controls = [0.0] * len(effects)
    before = decide(effects, controls, LIMIT, True).outcome
    after = decide([effect + by for effect in effects], controls, LIMIT, True).outcome
    assert order.index(after) >= order.index(before)


def test_every_way_of_three_values_by_hand():
    """One value more has any rank: of two with the smaller one negative, it is the smallest in a third of the cases."""
    after = with_another(np.array([0.0, 1.0, 0.0, 0.0]))
    expected = {0b010: 1, 0b011: 1 + 1, 0b001: 1 + 1, 0b101: 1}  # of 6: rank from below, sign of the new one
    assert after.tolist() == [expected.get(way, 0) / 6 for way in range(8)]
    assert rank_sums(3).tolist() == [0, 1, 2, 3, 3, 4, 5, 6]


@pytest.mark.parametrize("plan", [FIRST, *thorough(CONFIRMING)])
def test_the_tables_spend_what_they_may_and_no_more(plan):
    assert counted(plan) == {n: left for n, left in plan.looks.items() if n <= 16}
    for n, share in crossed(plan.looks).items():
        assert share <= plan.until(n) + 1e-12


@pytest.mark.parametrize("plan", thorough(FIRST, CONFIRMING))
def test_over_all_looks_an_end_is_wrong_no_more_often_than_promised(plan):
    sums = drawn_sums(plan.looks, 200_000, 7)
    wrong = np.logical_or.reduce([sums[n] <= left_out for n, left_out in plan.looks.items()])
    assert wrong.mean() < plan.total, "0.0484 and 0.1485: 3 and 2 standard errors below"
