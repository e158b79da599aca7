"""Do two sets of measurements differ, by how much, and is a difference small enough not to matter?"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from mgic.statistics.distributions import student, student_above

LEVEL = 0.05
MIN_TIED = 3  # runs that agree to the last digit say that there is no spread from so many on
ROUNDING = 1e-12  # share of two values that their difference may be wrong by

Key = TypeVar("Key", bound=Hashable)
Seed = Hashable


@dataclass(frozen=True)
class Difference:
    """`candidate` minus `baseline`, in their unit.

    Args:
        n: Pairs.
        mean: Of the difference.
        error: Standard error of the mean; None where there are too few pairs to know, 0 where all agree.
        degrees: Of freedom, of the error.
    """

    n: int
    mean: float
    error: float | None = None
    degrees: float = 0

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 %, by Student's t; None where there are too few pairs."""
        return self.within(LEVEL / 2)

    @property
    def p(self) -> float | None:
        """That there is no difference, two-sided; None where there are too few pairs."""
        if self.error is None:
            return None
        if self.error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return 2 * student_above(self.degrees, abs(self.mean) / self.error)

    def within(self, side: float) -> tuple[float, float] | None:
        """An interval that leaves out the share `side` at each end."""
        if self.error is None:
            return None
        half = student(self.degrees, 1 - side) * self.error if self.error else 0.0
        return self.mean - half, self.mean + half

    def below(self, bound: float) -> float | None:
        """How probable such a mean, or a smaller one, were if the true difference were `bound`; small: it is less."""
        if self.error is None:
            return None
        if self.error == 0:
            return 0.0 if self.mean < bound else 1.0
        return student_above(self.degrees, (bound - self.mean) / self.error)

    def above(self, bound: float) -> float | None:
        """The same of such a mean or a larger one; small: the true difference is more than `bound`."""
        return Difference(self.n, -self.mean, self.error, self.degrees).below(-bound)

    def times(self, factor: float) -> "Difference":
        error = None if self.error is None else abs(factor) * self.error
        return Difference(self.n, factor * self.mean, error, self.degrees)


def gaps(baseline: Mapping[Key, float], candidate: Mapping[Key, float]) -> dict[Key, float]:
    """Candidate minus baseline of each seed that both have; what is only rounding is 0."""
    both = [seed for seed in baseline if seed in candidate]
    found = {seed: candidate[seed] - baseline[seed] for seed in both}
    dust = {seed: ROUNDING * max(abs(candidate[seed]), abs(baseline[seed])) for seed in both}
    return {seed: 0.0 if abs(gap) <= dust[seed] else gap for seed, gap in found.items()}


def paired(baseline: Mapping[Key, float], candidate: Mapping[Key, float]) -> Difference:
    """By Student's t on the differences of runs with the same seed; seeds that only one side has are left out.

    Raises:
        ValueError: No seed is on both sides.
    """
    return pooled([list(gaps(baseline, candidate).values())])


def unpaired(baseline: Sequence[float], candidate: Sequence[float]) -> Difference:
    """By Welch's t-test: neither as many values on both sides nor the same spread is needed. Its degrees of freedom
    are those of Welch and Satterthwaite.

    Source: Welch 1947, https://doi.org/10.1093/biomet/34.1-2.28.

    Raises:
        ValueError: A side has no value.
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (baseline, candidate)]
    n = min(map(len, sides))
    if not n:
        raise ValueError("a side has no value")
    mean = float(sides[1].mean() - sides[0].mean())
    if n < 2:
        return Difference(n, mean)
    parts = [float(side.var(ddof=1)) / len(side) for side in sides]
    if not sum(parts):
        return Difference(n, mean, 0.0 if n >= MIN_TIED else None, n - 1)
    shares = sum(part**2 / (len(side) - 1) for part, side in zip(parts, sides, strict=True))
    return Difference(n, mean, math.sqrt(sum(parts)), sum(parts) ** 2 / shares)


def pooled(parts: Iterable[Sequence[float]]) -> Difference:
    """The mean of differences that were measured in several parts, each part with its own true difference.

    Every part weighs the same, however many pairs it has; the spread of the pairs about the mean of their part is
    taken to be the same in all, and has as many degrees of freedom as there are pairs beyond one a part. One
    part is the paired t-test.

    Args:
        parts: Of each, a difference a pair; parts without one are left out.

    Raises:
        ValueError: No part has a pair.
    """
    kept = [np.asarray(part, dtype=np.float64) for part in parts if len(part)]
    if not kept:
        raise ValueError("no seed is on both sides")
    n, means = sum(map(len, kept)), [float(part.mean()) for part in kept]
    mean, degrees = float(np.mean(means)), n - len(kept)
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in kept)
    largest = max(float(np.abs(part).max()) for part in kept)
    if squares <= (1e-9 * largest) ** 2:  # no spread: t would be 0/0 or infinite
        return Difference(n, mean, 0.0 if degrees >= MIN_TIED - 1 else None, degrees)
    return Difference(n, mean, standard_error(math.sqrt(squares / degrees), [len(part) for part in kept]), degrees)


def standard_error(sd: float, pairs: Sequence[int]) -> float:
    """Of the mean of parts that weigh the same, with so many pairs each: sd / parts * sqrt(sum of 1 / pairs)."""
    return sd / len(pairs) * math.sqrt(sum(1 / n for n in pairs))


@dataclass(frozen=True)
class Equivalence:
    """The outcome of two one-sided tests: `equivalent` if the difference is inside (-margin, margin) at level 5 %."""

    margin: float
    p: float | None  # None where there are too few pairs
    equivalent: bool


def equivalence(difference: Difference, margin: float) -> Equivalence:
    """TOST: is any gain, or loss, smaller than `margin`?

    Source: Schuirmann 1987, https://doi.org/10.1007/BF01068419. That a test for a difference finds none is no
    evidence that there is none; this is.

    Raises:
        ValueError: A margin that is not above 0.
    """
    if not margin > 0:
        raise ValueError(f"a margin of {margin}: it must be above 0")
    less, more = difference.below(margin), difference.above(-margin)
    if less is None or more is None:
        return Equivalence(margin, None, False)
    return Equivalence(margin, max(less, more), max(less, more) < LEVEL)


def holm(p: Mapping[Key, float]) -> dict[Key, float]:
    """Adjusted for as many tests: of those called significant, any is wrong in at most 5 % of such families.

    Source: Holm 1979, https://www.jstor.org/stable/4615733.
    """
    adjusted, least = dict[Key, float](), 0.0
    for place, (name, value) in enumerate(sorted(p.items(), key=lambda item: item[1])):
        least = max(least, min(1.0, (len(p) - place) * value))
        adjusted[name] = least
    return adjusted
