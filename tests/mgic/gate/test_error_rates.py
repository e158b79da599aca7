"""A gate of both measurements is wrong as seldom as it says, over noise that is chosen; printed with `-s`."""

import math

import numpy as np
import pytest

from mgic.gate.sequential import LEAST_BLOCKS, LEAST_CONFIRMING, LEFT_OUT, SPENT, SPENT_CONFIRMING, smallest_seen
from mgic.statistics.signed_rank import centre
from tests.bench.gates.play import Block, played, shares
from tests.bench.gates.simulation import LIMIT_PERCENT, gates, noise
from tests.cases import thorough

LIMIT = math.log1p(LIMIT_PERCENT / 100)
TRIALS = 800


def error(share: float) -> float:
    """Three binomial standard errors."""
    return 3 * math.sqrt(share * (1 - share) / TRIALS)


def blocks(*effects: float) -> list[Block]:
    return [Block(effect, 0.0) for effect in effects]


def test_a_gate_ends_as_soon_as_it_is_settled_and_confirms_with_other_blocks():
    slower, same = blocks(*[0.1] * 20), blocks(*[0.0] * 20)
    ended = played(slower, LIMIT)
    assert (ended.verdict, ended.blocks, ended.suspected) == ("regression", LEAST_BLOCKS + LEAST_CONFIRMING, True)
    ended = played(same, LIMIT)
    assert (ended.verdict, ended.blocks, ended.suspected) == ("pass", LEAST_BLOCKS, False)
    ended = played([*slower[:6], *same], LIMIT)
    assert (ended.verdict, ended.blocks, ended.suspected) == ("inconclusive", 10, True), "it was not found again"
    assert played(slower[:9], LIMIT).verdict == "inconclusive", "no time to confirm"
    assert played([], LIMIT).verdict == "inconclusive"


def test_the_simulated_noise_has_the_spread_that_it_should():
    found = noise(np.random.default_rng(1), "normal", 0.05, 2000, 10)
    base, control, *head = np.moveaxis(found, 2, 0)
    assert (sum(head) / 2 - (base + control) / 2).std() == pytest.approx(0.05, rel=0.02)
    drifting = noise(np.random.default_rng(1), "drifting", 0.05, 2000, 10)
    assert drifting.std() == pytest.approx(0.05, rel=0.02)
    assert np.corrcoef(drifting[:, 4].ravel(), drifting[:, 5].ravel())[0, 1] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("shape", "spread"),
    [("normal", 0.05), *thorough(*((shape, spread) for shape in ("normal", "disturbed") for spread in (0.02, 0.1)))],
)
def test_same_code_is_no_regression_and_what_is_worse_by_the_limit_seldom_passes(shape, spread):
    same, at_limit = (shares(gates(shape, spread, rise, TRIALS)) for rise in (0, LIMIT_PERCENT))
    print(f"\n{shape}, {spread}: {same}, at the limit {at_limit}")
    assert same["regression"] / TRIALS <= SPENT * SPENT_CONFIRMING + error(SPENT * SPENT_CONFIRMING)
    assert at_limit["pass"] / TRIALS <= SPENT + error(SPENT)


def test_ten_per_cent_more_is_found_and_the_same_code_passes():
    """The spread that CPU time has on a busy machine."""
    assert shares(gates("normal", 0.05, 10, 400))["regression"] >= 0.93 * 400
    assert shares(gates("normal", 0.05, 0, 400))["pass"] >= 0.8 * 400


@pytest.mark.parametrize("spread", [0.07, *thorough(0.1)])
def test_the_change_that_is_said_to_be_visible_is_about_as_often_seen_as_it_says(spread):
    """In a measurement of 10 blocks that cannot be told from the limit, by what such measurements say on average."""
    rng, n = np.random.default_rng(3), 10
    measured = rng.normal(0, spread, (400, n))
    told = np.mean([smallest_seen(centre(one, LEFT_OUT[n]), one, LIMIT) for one in measured.tolist()])
    again = [centre(one, LEFT_OUT[n]) for one in rng.normal(told, spread, (1500, n)).tolist()]
    seen = np.mean([one.low > 0 and one.estimate > LIMIT for one in again])
    assert 0.72 < seen < 0.88
