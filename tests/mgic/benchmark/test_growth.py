"""Exponents over the width."""

import math

import pytest
import scipy

from mgic.benchmark.growth import growth

WIDTHS = [64, 128, 256, 512, 1024]


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_a_power_is_found_exactly(power):
    found = growth(WIDTHS, [3 * width**power for width in WIDTHS])
    assert (found.exponent, found.low, found.high) == pytest.approx((power, power, power))


def test_the_interval_is_that_of_a_regression():
    values = [1.1, 1.9, 4.4, 7.5, 17.0]
    found = growth(WIDTHS, values)
    wanted = scipy.stats.linregress([math.log(w) for w in WIDTHS], [math.log(v) for v in values])
    half = scipy.stats.t.ppf(0.975, 3) * wanted.stderr
    assert found.exponent == pytest.approx(wanted.slope)
    assert (found.low, found.high) == pytest.approx((wanted.slope - half, wanted.slope + half))


def test_two_widths_say_nothing_of_a_power():
    assert growth(WIDTHS[:2], [1.0, 2.0]) is None
