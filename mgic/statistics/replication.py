"""Do runs under several seeds agree with a figure that somebody else has printed?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from scipy.special import stdtrit  # scipy.stats would cost the dashboard 60 MB

from mgic.statistics.summary import MIN_FOR_INTERVAL, summary

QUANTILE = 0.975  # of Student's t: both sides leave out 2.5 %
RESOLUTION = 1.0  # percentage points; an interval that reaches further to a side cannot tell agreement from chance
RELATIVE_RESOLUTION = 0.03  # the same where the figure is no percentage, as a share of it


@dataclass(frozen=True)
class Replication:
    """How a printed figure stands to runs under several seeds.

    Args:
        verdict: `reproduced` if the figure lies in the interval and that is narrow enough to mean something;
            `within noise` if it lies in a wider one; `contradicts` if it lies outside.
        why: The verdict's reason, in words.
        prediction: The 95 % prediction interval; None with one value, which leaves it unbounded.
    """

    verdict: Literal["reproduced", "within noise", "contradicts"]
    why: str
    prediction: tuple[float, float] | None


def sampling_variance(percent: float, test_size: int) -> float:
    """Variance of a percentage of `test_size` samples, each right or wrong by itself: p (100 - p) / N, in points²."""
    share = min(100.0, max(0.0, percent))
    return share * (100 - share) / test_size


def prediction_interval(values: Sequence[float], sampling: float = 0.0) -> tuple[float, float] | None:
    """Where one more run, tested on other samples, would fall (95 %): mean -+ t * sqrt(s² (1 + 1/n) + sampling).

    t is Student's quantile. Its degrees of freedom are Welch and Satterthwaite's,
    (n - 1) (1 + sampling / (s² (1 + 1/n)))²: n - 1 where the spread is all between the seeds, more where most
    of it is the test set's, which is known and not estimated. With two values they are 1, for there that
    approximation is too hopeful.

    `sampling` counts the error of one test set. All of our runs share one as well, so the coverage is the stated one
    if whether two seeds are right on an image correlates by about 1/2. It is higher if the figure was measured
    on our test set, as with a public one, and the error is common to both; and lower, down to 83 % with very many
    seeds, if all seeds are wrong on the same images and the figure is from others.

    Args:
        values: One a seed, at least one.
        sampling: Variance that the choice of the test set adds, in the squared unit of the values.

    Returns:
        The interval; None for one value, which says nothing about the spread between seeds.
    """
    of = summary(values)
    if of.sd is None:
        return None
    between = of.sd**2 * (1 + 1 / of.n)
    degrees = float(of.n - 1)
    if of.n >= MIN_FOR_INTERVAL:
        degrees = degrees * (1 + sampling / between) ** 2 if between > 1e-12 * sampling else math.inf
    half = float(stdtrit(degrees, QUANTILE)) * math.sqrt(between + sampling)
    return of.mean - half, of.mean + half


def rounding(printed: float) -> float:
    """Half a unit of the last digit: 0.05 for 94.7 and for 93.0, 0.5 for 93.

    A figure printed without decimals is to be given as an integer. Of a float, `.0` is read as printed; other
    trailing zeros of a print are lost.
    """
    exponent = Decimal(repr(printed)).as_tuple().exponent
    return 0.5 * 10.0 ** int(exponent)


def replication(printed: float, values: Sequence[float], percent: bool, test_size: int | None = None) -> Replication:
    """Judge a printed figure by our values for it, one a seed.

    Args:
        printed: As printed, in the unit of `values`; read as the interval that rounds to it.
        values: One a seed, at least one.
        percent: The figure is a percentage, and told in points.
        test_size: Samples of which the percentage were right. None where it is no share of samples, as a mean
            intersection over union is none, or their number is not known: then no sampling error is counted.

    Raises:
        ValueError: No value.
    """
    if not values:
        raise ValueError("nothing to judge by: no value")
    mean = summary(values).mean
    sampling = 0.0 if test_size is None else sampling_variance(mean, test_size)
    interval = prediction_interval(values, sampling)
    unit = " points" if percent else ""
    if interval is None:
        why = f"one run gives {mean:.4g}, printed {printed}: one seed says nothing about the spread between seeds"
        return Replication("within noise", why, None)
    low, high = interval
    half = (high - low) / 2
    of = f"95 % prediction interval of {len(values)} seeds{' alone' if test_size is None else ' and the test set'}"
    told = f"{of}: {low:.4g} to {high:.4g}"
    if printed + rounding(printed) < low or printed - rounding(printed) > high:
        side = "higher" if mean > printed else "lower"
        why = f"our mean {mean:.4g} is {abs(mean - printed):.2g}{unit} {side} than printed ({printed}); {told}"
        return Replication("contradicts", why, interval)
    resolution = RESOLUTION if percent else RELATIVE_RESOLUTION * abs(printed)
    told = f"printed {printed} lies in the {told}, ± {half:.2g}{unit}"
    if half <= resolution:
        return Replication("reproduced", told, interval)
    return Replication("within noise", f"{told}: too wide to tell, ± {resolution:.2g}{unit} would do", interval)
