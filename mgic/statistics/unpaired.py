"""How far two sets of samples without pairs lie apart, where their spreads may differ."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mgic.statistics.distributions import student

MIN_SAMPLES = 2


@dataclass(frozen=True)
class Gap:
    """Mean of the candidate minus that of the baseline, in their unit; `interval`: 95 %, None where too few tell."""

    mean: float
    interval: tuple[float, float] | None


def welch(baseline: Sequence[float], candidate: Sequence[float]) -> Gap:
    """By Welch's t, with the degrees of freedom of Welch and Satterthwaite.

    No interval where a side has fewer than 2 samples, or where neither has a spread.

    Source: Welch 1947, https://doi.org/10.1093/biomet/34.1-2.28.

    Raises:
        ValueError: A side has no sample.
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (baseline, candidate)]
    if not all(map(len, sides)):
        raise ValueError("a side has no sample")
    mean = float(sides[1].mean() - sides[0].mean())
    if min(map(len, sides)) < MIN_SAMPLES:
        return Gap(mean, None)
    shares = [float(side.var(ddof=1)) / len(side) for side in sides]
    error = math.sqrt(sum(shares))
    if not error:
        return Gap(mean, None)
    degrees = error**4 / sum(share**2 / (len(side) - 1) for share, side in zip(shares, sides, strict=True))
    half = student(degrees, 0.975) * error
    return Gap(mean, (mean - half, mean + half))
