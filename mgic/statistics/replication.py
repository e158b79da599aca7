"""Do runs under several seeds agree with a figure that somebody else has printed?

docs/statistics.md derives the formulas and shows how often they hold.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from mgic.statistics.distributions import noncentrality, normal, student
from mgic.statistics.summary import MIN_FOR_INTERVAL, Summary, summary

CONFIDENCE = 0.95  # of the prediction interval
LEVEL = 0.05  # of each of the two tests that make an equivalence test
POWER = 0.8  # with which the smallest gap is seen
MARGIN = 1.0  # percentage points within which a figure counts as reproduced
RELATIVE_MARGIN = 0.03  # the same of a figure that is no percentage, as a share of it
MOST_SEEDS = 100  # more are not proposed

TestSet = Literal["same", "other"]


@dataclass(frozen=True)
class Replication:
    """How a printed figure stands to runs under several seeds.

    Args:
        verdict: `contradicts` if the figure lies outside the prediction interval; `reproduced` if it lies inside and
            an equivalence test finds both within the margin; `within noise` where the seeds cannot settle it. No
            judgement, however far off the figure is: `spread unknown` where the seeds show no spread, so that more
            are needed, and `other samples` where how much sets of samples differ is not known, whatever the seeds.
        why: The verdict's reason, in words.
        prediction: The prediction interval; None where there is none, which leaves it unbounded.
        smallest_gap: The gap that would have been called `contradicts` in 4 of 5 tries; None without an interval.
    """

    verdict: Literal["reproduced", "within noise", "contradicts", "spread unknown", "other samples"]
    why: str
    prediction: tuple[float, float] | None
    smallest_gap: float | None
    needs: int | None = None  # seeds; where the spread is unknown and that many may show it


def sampling_variance(percent: float, test_size: int) -> float:
    """Variance of a percentage of `test_size` samples, each right or wrong by itself: p (100 - p) / N, in points².

    p is Agresti and Coull's estimate, with two more samples right and two more wrong: a set on which every sample is
    right does not say that none can be wrong, and next to 0 and 100 % the plain share gives intervals too narrow.
    """
    share = (min(100.0, max(0.0, percent)) * test_size + 200) / (test_size + 4)
    return share * (100 - share) / test_size


def least_spread(test_size: int) -> float:
    """The least standard deviation between seeds that a percentage of `test_size` samples is credited with: 50 / N.

    Scores are 100 / N points apart. Seeds whose scores fall on two neighbours have a deviation of up to half of that,
    and a few of them may still tie.
    """
    return 50 / test_size


def default_margin(printed: float, percent: bool) -> float:
    """What counts as the same where nobody says otherwise: 1 point, or 3 % of a figure that is no percentage."""
    return MARGIN if percent else RELATIVE_MARGIN * abs(printed)


def prediction_interval(
    values: Sequence[float], between_sets: float = 0.0, confidence: float = CONFIDENCE, least: float = 0.0
) -> tuple[float, float] | None:
    """Where one more run would fall: mean -+ sqrt(t² s² (1 + 1/n) + z² between_sets); t has n - 1 degrees.

    **On the same test set** `between_sets` is 0. Our runs and the new one are then exchangeable, however the errors of
    two seeds correlate, and this is the textbook's interval, exact for normal values: what the seeds have in
    common on these images cancels.

    **On another test set** nothing cancels for certain, and `between_sets` is the sum of the sampling variances of the
    two sets. The variance of the gap is at most s² (1 + 1/n) + between_sets, which it is where all seeds are wrong on
    the same images. With t and z apart the interval holds at least what it says, for any share of the two: the
    coverage is the mean of a concave function of the share (Jensen's inequality), and is right at both ends.

    Args:
        values: One a seed, at least one.
        between_sets: Variance that two test sets add to the gap, in the squared unit of the values.
        confidence: Of the interval, two-sided.
        least: Standard deviation between seeds that is taken where the values show less: `least_spread`.

    Returns:
        The interval; None for one value, which says nothing about the spread between seeds.
    """
    of = summary(values)
    if of.sd is None:
        return None
    half = _half(max(of.sd, least), of.n, between_sets, confidence)
    return of.mean - half, of.mean + half


def _half(sd: float, n: int, between_sets: float, confidence: float) -> float:
    side = (1 + confidence) / 2
    t, z = student(n - 1, side), normal(side)
    return math.sqrt((t * sd) ** 2 * (1 + 1 / n) + z**2 * between_sets)


def smallest_gap(sd: float, n: int, between_sets: float = 0.0, power: float = POWER) -> float:
    """The gap that falls outside the prediction interval with this power, if `sd` is the true spread of the seeds.

    By the noncentral t on the same test set. With `between_sets` the two parts are added as the interval adds them.
    """
    t = student(n - 1, (1 + CONFIDENCE) / 2)
    shift = noncentrality(n - 1, 1 - power, t)
    z = normal((1 + CONFIDENCE) / 2) + normal(power)
    return math.sqrt((shift * sd) ** 2 * (1 + 1 / n) + z**2 * between_sets)


def seeds_needed(sd: float, allowed: float, between_sets: float = 0.0) -> int | None:
    """The fewest seeds with which an equivalence test could tell a gap from `allowed`; None if 100 are too few.

    Args:
        sd: Between seeds.
        allowed: The margin, less the gap that is there.
        between_sets: As in `prediction_interval`.
    """
    counts = range(2, MOST_SEEDS + 1)
    return next((n for n in counts if _half(sd, n, between_sets, 1 - 2 * LEVEL) < allowed), None)


def rounding(printed: float) -> float:
    """Half a unit of the last digit: 0.05 for 94.7 and for 93.0, 0.5 for 93.

    A figure printed without decimals is to be given as an integer. Of a float, `.0` is read as printed; other
    trailing zeros of a print are lost.
    """
    exponent = Decimal(repr(printed)).as_tuple().exponent
    return 0.5 * 10.0 ** int(exponent)


def replication(
    printed: float,
    values: Sequence[float],
    percent: bool,
    test_set: TestSet = "same",
    test_size: int | None = None,
    margin: float | None = None,
) -> Replication:
    """Judge a printed figure, which is taken to be of one run, by our values for it.

    Args:
        printed: As printed, in the unit of `values`; read as the interval that rounds to it.
        values: One a seed, at least one.
        percent: The figure is a percentage, and told in points.
        test_set: Whether the printed figure is of the samples that ours are tested on, or of as many others.
        test_size: Samples of which the percentage were right. None where it is no share of samples, as a mean
            intersection over union is none, or their number is not known: on another test set nothing can be said
            then, nor of seeds that tie.
        margin: Within which a figure counts as reproduced; None: `default_margin`.

    Raises:
        ValueError: No value.
    """
    if not values:
        raise ValueError("nothing to judge by: no value")
    of = summary(values)
    within = default_margin(printed, percent) if margin is None else margin
    unit = " points" if percent else ""
    margin_words = f"{within:.2g}{' point' if percent and within == 1 else unit}"
    unjudged = _unjudged(printed, of, test_set, test_size)
    if unjudged is not None:
        return unjudged
    sd = of.sd or 0.0
    sd = max(sd, least_spread(test_size)) if test_size is not None else sd
    between = 0.0 if test_set == "same" or test_size is None else 2 * sampling_variance(of.mean, test_size)
    half = _half(sd, of.n, between, CONFIDENCE)
    slack, gap = rounding(printed), abs(of.mean - printed)
    seen = slack + smallest_gap(sd, of.n, between)
    interval = (of.mean - half, of.mean + half)
    images = "the same samples" if test_set == "same" else "other samples"
    where = f"the 95 % prediction interval of {of.n} seeds on {images}, {interval[0]:.4g} to {interval[1]:.4g}"
    power = f"A gap of {seen:.2g}{unit} would have been seen in 4 of 5 tries"
    if gap - slack > half:
        side = "higher" if of.mean > printed else "lower"
        why = f"our mean {of.mean:.4g} is {gap:.2g}{unit} {side} than printed ({printed}), outside {where}. {power}"
        return Replication("contradicts", why, interval, seen)
    reach = gap + slack + _half(sd, of.n, between, 1 - 2 * LEVEL)
    test = f"the equivalence test, at 5 %, finds the two within {reach:.2g}{unit} of each other"
    if reach < within:
        why = f"printed {printed} lies in {where}, and {test}: less than the margin of {margin_words}. {power}"
        return Replication("reproduced", why, interval, seen)
    needed = seeds_needed(sd, within - gap - slack, between)
    why = f"printed {printed} lies in {where}, but {test}, and the margin is {margin_words}. {power}. "
    return Replication("within noise", why + _remedy(of.n, needed, gap + slack < within), interval, seen)


def _unjudged(printed: float, of: Summary, test_set: TestSet, test_size: int | None) -> Replication | None:
    """No verdict, and why, where no spread is known."""
    if test_set == "other" and test_size is None:
        why = (
            f"our mean is {of.mean:.4g}, printed {printed}, of other samples: how much such a figure differs"
            " from one set of samples to another is not known"
        )
        return Replication("other samples", why, None, None)
    if of.sd is None:
        why = f"one run gives {of.mean:.4g}, printed {printed}: one seed says nothing about the spread between seeds"
        return Replication("spread unknown", why, None, None, needs=2)
    if of.sd == 0 and (of.n < MIN_FOR_INTERVAL or test_size is None):
        why = (
            f"all {of.n} seeds give {of.mean:.4g}, printed {printed}: seeds that tie say too little about their spread"
        )
        return Replication("spread unknown", why, None, None, needs=max(MIN_FOR_INTERVAL, of.n + 1))
    return None


def _remedy(n: int, needed: int | None, inside: bool) -> str:
    if n < MIN_FOR_INTERVAL:
        return f"{n} seeds are too few to tell much"
    if not inside:
        return "Our mean is further off than the margin, and the seeds spread too far to contradict"
    if needed is None:
        return "With this spread between seeds no number of them can settle it: the printed figure is one run"
    return f"About {needed} seeds with this spread would settle it"
