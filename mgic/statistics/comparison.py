"""Do two sets of measurements differ, by how much, and is a difference small enough not to matter?

Here scipy.stats is loaded, which costs 60 MB: `mgic.statistics` itself does not import this module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MIN_PAIRS = 2


@dataclass(frozen=True)
class Difference:
    """`candidate` minus `baseline`, in their unit.

    Args:
        n: Pairs, or samples of the smaller side.
        mean: Of the difference.
        interval: 95 %; None where there are too few.
        p: That there is no difference, two-sided; None where there are too few.
    """

    n: int
    mean: float
    interval: tuple[float, float] | None
    p: float | None


def paired(baseline: Mapping[int, float], candidate: Mapping[int, float]) -> Difference:
    """By Student's t on the differences of runs with the same seed; seeds that only one side has are left out.

    Raises:
        ValueError: No seed is on both sides.
    """
    seeds = sorted(baseline.keys() & candidate.keys())
    if not seeds:
        raise ValueError("no seed is on both sides")
    gaps = np.array([candidate[seed] - baseline[seed] for seed in seeds], dtype=np.float64)
    mean = float(gaps.mean())
    if len(gaps) < MIN_PAIRS:
        return Difference(len(gaps), mean, None, None)
    if not gaps.std(ddof=1):  # no spread: t is 0/0 or infinite
        return Difference(len(gaps), mean, (mean, mean), 1.0 if mean == 0 else 0.0)
    from scipy import stats

    test = stats.ttest_1samp(gaps, 0.0)
    low, high = test.confidence_interval(0.95)
    return Difference(len(gaps), mean, (float(low), float(high)), float(test.pvalue))


@dataclass(frozen=True)
class Equivalence:
    """The outcome of two one-sided tests: `equivalent` if the difference is inside (-margin, margin) at level 5 %."""

    n: int
    mean: float
    margin: float
    p: float
    equivalent: bool


def equivalence(baseline: Mapping[int, float], candidate: Mapping[int, float], margin: float) -> Equivalence:
    """TOST on the differences of runs with the same seed: is any gain, or loss, smaller than `margin`?

    Source: Schuirmann 1987, https://doi.org/10.1007/BF01068419. That a test for a difference finds none is no
    evidence that there is none; this is.

    Raises:
        ValueError: Fewer than 2 seeds on both sides, or a margin that is not above 0.
    """
    seeds = sorted(baseline.keys() & candidate.keys())
    if len(seeds) < MIN_PAIRS or not margin > 0:
        raise ValueError(f"{len(seeds)} common seeds and a margin of {margin}: at least 2 and above 0 are needed")
    gaps = np.array([candidate[seed] - baseline[seed] for seed in seeds], dtype=np.float64)
    mean = float(gaps.mean())
    if not gaps.std(ddof=1):
        inside = abs(mean) < margin
        return Equivalence(len(gaps), mean, margin, 0.0 if inside else 1.0, inside)
    from scipy import stats

    above = stats.ttest_1samp(gaps, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(gaps, margin, alternative="less").pvalue
    p = float(max(above, below))
    return Equivalence(len(gaps), mean, margin, p, p < 0.05)


def unpaired(baseline: Sequence[float], candidate: Sequence[float]) -> Difference:
    """By Welch's t-test: neither as many values on both sides nor the same spread is needed.

    Raises:
        ValueError: A side has no value.
    """
    sides = [np.array(side, dtype=np.float64) for side in (baseline, candidate)]
    n = min(map(len, sides))
    if not n:
        raise ValueError("a side has no value")
    mean = float(sides[1].mean() - sides[0].mean())
    if n < MIN_PAIRS:
        return Difference(n, mean, None, None)
    if not any(side.std(ddof=1) for side in sides):
        return Difference(n, mean, (mean, mean), 1.0 if mean == 0 else 0.0)
    from scipy import stats

    test = stats.ttest_ind(sides[1], sides[0], equal_var=False)
    low, high = test.confidence_interval(0.95)
    return Difference(n, mean, (float(low), float(high)), float(test.pvalue))


def holm(ps: Sequence[float], level: float) -> list[bool]:
    """Which hypotheses are rejected, so that one is rejected wrongly in a share of at most `level` of all cases.

    Source: Holm 1979, https://www.jstor.org/stable/4615733.
    """
    rejected = [False] * len(ps)
    for rank, at in enumerate(sorted(range(len(ps)), key=lambda at: ps[at])):
        if ps[at] > level / (len(ps) - rank):
            break
        rejected[at] = True
    return rejected
