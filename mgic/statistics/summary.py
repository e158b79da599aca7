"""Mean, range and interval of a few repeated measurements, such as one result over seeds."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mgic.statistics.distributions import student

MIN_FOR_INTERVAL = 3


@dataclass(frozen=True)
class Summary:
    """What `n` values say about the quantity they are drawn from, in its unit.

    Args:
        n: Values that are finite numbers; the others are left out.
        mean: NaN where n is 0; so are `low` and `high`, the smallest and the largest value.
        sd: Sample standard deviation (n - 1); None below 2 values.
        interval: 95 % confidence interval of the mean, by Student's t; None below 3 values, where it
            says less than the values themselves.
    """

    n: int
    mean: float
    low: float
    high: float
    sd: float | None
    interval: tuple[float, float] | None


def summary(values: Iterable[float | None]) -> Summary:
    """Summarise; None, NaN and infinities count as missing: they are left out and not in `n`."""
    kept = np.array([value for value in values if value is not None and math.isfinite(value)], dtype=np.float64)
    n = len(kept)
    if n == 0:
        return Summary(0, math.nan, math.nan, math.nan, None, None)
    mean = float(kept.mean())
    sd = float(kept.std(ddof=1)) if n > 1 else None
    interval = t_interval(mean, sd, n) if sd is not None and n >= MIN_FOR_INTERVAL else None
    return Summary(n, mean, float(kept.min()), float(kept.max()), sd, interval)


def t_interval(mean: float, sd: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """mean -+ t * sd / sqrt(n), with t the two-sided quantile of Student's distribution of n - 1 degrees."""
    half = student(n - 1, (1 + confidence) / 2) * sd / math.sqrt(n)
    return mean - half, mean + half
