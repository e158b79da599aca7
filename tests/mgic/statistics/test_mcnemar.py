"""Two classifiers on the same samples: by published and hand-worked numbers, and how often the interval holds."""

import numpy as np
import pytest

from mgic.statistics.mcnemar import bonett_price, mcnemar, smallest_loss
from mgic.statistics.proportions import binomial_interval
from tests.cases import thorough


def test_the_same_loss_is_seen_or_not_by_how_many_samples_tell():
    """50 of 10,000 lost: it takes an exact test, two-sided, to get these."""
    few, many = mcnemar(10_000, 125, 75), mcnemar(10_000, 525, 475)
    assert few.difference == many.difference == -0.005
    assert (few.discordant, many.discordant) == (200, 1000)
    assert few.p == pytest.approx(0.0005, abs=0.00001)
    assert many.p == pytest.approx(0.12, abs=0.002)
    assert few.high < 0 < many.high


def test_by_hand():
    """9 of 11 lost: of 2^11 ways, 1 + 11 + 55 have at most two gains; mid-p counts half of the 55."""
    found = mcnemar(100, 9, 2)
    assert found.p == pytest.approx(2 * 67 / 2048)
    assert found.mid_p == pytest.approx(2 * (12 + 55 / 2) / 2048)
    assert mcnemar(100, 2, 9).p == found.p
    assert (mcnemar(10, 3, 3).p, mcnemar(10, 3, 3).mid_p) == (1, 1)
    assert (mcnemar(10, 0, 0).p, mcnemar(10, 0, 0).mid_p) == (1, 1)


def test_the_interval_of_a_published_example():
    """The example of `ci.prop.ps` of R's statpsych, by the authors of the method: 4 and 26 of 48."""
    assert bonett_price(48, 4, 26) == pytest.approx((0.2548067, 0.6251933), abs=1e-7)
    low, high = bonett_price(48, 26, 4)
    assert (low, high) == pytest.approx((-0.6251933, -0.2548067), abs=1e-7)
    assert bonett_price(1, 1, 0) == pytest.approx((-1, 2 / 3), abs=0.2)


@pytest.mark.parametrize("share", [0.02, *thorough(0.002, 0.1, 0.4)])
def test_the_interval_holds_the_difference(share):
    rng, n, trials = np.random.default_rng(1), 1000, 4000
    lost, gained = 0.7 * share, 0.3 * share
    counts = rng.multinomial(n, [lost, gained, 1 - share], trials)
    found = [bonett_price(n, *pair) for pair in counts[:, :2].tolist()]
    held = np.mean([low <= gained - lost <= high for low, high in found])
    assert held > 0.95 - 0.0104, "3 binomial standard errors"


@pytest.mark.parametrize(("n", "discordant"), [(10_000, 200), *thorough((10_000, 1000), (500, 40))])
def test_the_smallest_loss_is_seen_in_four_of_five_tries(n, discordant):
    loss = smallest_loss(n, discordant)
    lost = np.random.default_rng(2).binomial(discordant, (1 + loss * n / discordant) / 2, 4000)
    seen = np.mean([mcnemar(n, count, discordant - count).p <= 0.05 for count in lost.tolist()])
    assert 0.8 - 0.019 < seen < 0.87, "a test of whole samples sees a little more than was asked"


def test_six_samples_are_the_fewest_that_can_tell():
    assert [mcnemar(100, lost, 0).p <= 0.05 for lost in (5, 6)] == [False, True]
    assert smallest_loss(100, 0) == smallest_loss(100, 5) == 0.06


@pytest.mark.parametrize(("n", "lost", "gained"), [(0, 0, 0), (10, -1, 0), (10, 6, 5)])
def test_counts_that_cannot_be_are_refused(n, lost, gained):
    with pytest.raises(ValueError, match="lost and"):
        mcnemar(n, lost, gained)


def test_the_interval_of_a_share():
    """Clopper and Pearson's: 0 of n has the upper end 1 - 0.025^(1/n), and any textbook has 3 of 10."""
    assert binomial_interval(0, 30) == pytest.approx((0, 1 - 0.025 ** (1 / 30)))
    assert binomial_interval(30, 30) == pytest.approx((0.025 ** (1 / 30), 1))
    assert binomial_interval(3, 10) == pytest.approx((0.0667, 0.6525), abs=1e-4)
    with pytest.raises(ValueError, match="4 of 3"):
        binomial_interval(4, 3)
