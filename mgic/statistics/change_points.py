"""Where the level of a series changes for good: PELT (Killick, Fearnhead, Eckley 2012) on logarithms."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, inf, sqrt

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

FEWEST_POINTS = 12  # points, or no change is looked for
SHORTEST = 3  # points of a level: a single odd one is none
PENALTY = 5.0  # times the variance and log n; of 2,000 series of noise 3.6 % had a change at n = 12, 1.2 % at 30
FAR, AROUND = 3.0, 2  # standard deviations, and neighbours on each side
TO_SIGMA = 0.6744897501960817  # the median of |z| of a standard normal


@dataclass(frozen=True)
class Change:
    """The first point of a new level, and what the levels before and after it are."""

    at: int
    before: float
    after: float

    @property
    def percent(self) -> float:
        return 100 * (self.after / self.before - 1) if self.before else inf


def value_steps(values: Sequence[float]) -> list[Change]:
    """Of what is counted exactly: each change of value."""
    return [Change(at, values[at - 1], values[at]) for at in range(1, len(values)) if values[at] != values[at - 1]]


def change_points(values: Sequence[float], noise: float) -> list[Change]:
    """Of what was measured; levels are geometric means.

    The cost is the squared distance from the mean of the level. Its unit is the variance, found from the
    differences of neighbours, which a change of level hardly moves. A single point far off would cost more than a
    level of its own does: it is first drawn to within `FAR` of the median of its neighbours (Hampel).

    Args:
        values: Above 0, in order, at least `FEWEST_POINTS`.
        noise: Of the logarithms: what the standard error of a point is at least.
    """
    import ruptures

    logs = np.log(np.asarray(values, dtype=float))
    sigma = max(noise, float(np.median(np.abs(np.diff(logs)))) / (TO_SIGMA * sqrt(2)))
    if sigma == 0:
        return value_steps(values)
    near = np.median(sliding_window_view(np.pad(logs, AROUND, mode="edge"), 2 * AROUND + 1), axis=1)
    logs = near + np.clip(logs - near, -FAR * sigma, FAR * sigma)
    search = ruptures.KernelCPD(kernel="linear", min_size=SHORTEST)  # the linear kernel is that squared distance
    *ends, _ = map(int, search.fit(logs[:, None]).predict(pen=PENALTY * sigma**2 * np.log(len(logs))))
    bounds = [0, *ends, len(logs)]
    means = [exp(float(logs[start:end].mean())) for start, end in pairwise(bounds)]
    return [Change(at, before, after) for at, (before, after) in zip(ends, pairwise(means), strict=True)]
