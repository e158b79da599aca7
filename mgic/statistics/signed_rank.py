"""Where is the centre of a few symmetric values, whatever their distribution? Wilcoxon's signed ranks, exactly.

Assumed is that the values are independent, and each as likely to lie as far above the centre as below it; the spread
may differ from value to value. A few wild values then widen the interval and do not move it far.

Sources: Wilcoxon 1945, https://doi.org/10.2307/3001968, for the test; Hodges and Lehmann 1963,
https://doi.org/10.1214/aoms/1177704172, for the estimate and the interval.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Centre:
    """Of `n` values, in their unit.

    Args:
        n: Values.
        estimate: Hodges and Lehmann's: the median of the means of all pairs, each value with itself too.
        low, high: An interval of the centre.
        confidence: Of that interval, exactly; less than was asked for where so few values cannot reach it.
    """

    n: int
    estimate: float
    low: float
    high: float
    confidence: float


def walsh_averages(values: Sequence[float]) -> NDArray[np.float64]:
    """The means of all pairs of values, each with itself too, from the smallest: n (n + 1) / 2."""
    of = np.asarray(values, dtype=np.float64)
    first, second = _pairs(len(of))
    return np.sort((of[first] + of[second]) / 2)


@cache
def _pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    first, second = np.triu_indices(n)
    return first, second


@cache
def _sign_vectors(n: int) -> tuple[int, ...]:
    """How many of the 2^n ways to give the ranks 1 to n a sign have each sum of the positive ones, from 0 on."""
    ways = [1]
    for rank in range(1, n + 1):
        shifted = [0] * rank + ways
        ways = [more + less for more, less in zip(shifted, ways + [0] * rank, strict=True)]
    return tuple(ways)


@cache
def chance(n: int, rank_sum: int) -> float:
    """How probable it is that the positive ranks of n values add up to `rank_sum` or less, if their centre is 0."""
    return math.ldexp(sum(_sign_vectors(n)[: rank_sum + 1]), -n)


def left_out(n: int, side: float) -> int | None:
    """The largest rank sum whose chance is at most `side`; None where n values cannot have so small a chance.

    An interval leaves out so many of the means of pairs at either end.
    """
    reached = 0.0
    for rank_sum, ways in enumerate(_sign_vectors(n)):
        reached += ways / 2**n
        if reached > side * (1 + 1e-9):
            return rank_sum - 1 if rank_sum else None
    return len(_sign_vectors(n)) - 1


def centre(values: Sequence[float], leave_out: int) -> Centre:
    """Estimate, and the interval that leaves out so many of the means of pairs at either end.

    Raises:
        ValueError: No value, one that is no finite number, or more left out than there are.
    """
    averages = walsh_averages(values)
    if not len(averages) or not np.isfinite(averages).all():
        raise ValueError(f"{len(values)} values, all of which must be finite numbers, and one at least")
    if not 0 <= leave_out < len(averages) / 2:
        raise ValueError(f"{leave_out} of {len(averages)} means of pairs cannot be left out at either end")
    low, high = averages[leave_out], averages[len(averages) - 1 - leave_out]
    median = (averages[(len(averages) - 1) // 2] + averages[len(averages) // 2]) / 2
    confidence = 1 - 2 * chance(len(values), leave_out)
    return Centre(len(values), float(median), float(low), float(high), confidence)


def signed_rank(values: Sequence[float], confidence: float = CONFIDENCE) -> Centre:
    """Estimate, and the narrowest interval of at least this confidence; the widest there is where none has it.

    Raises:
        ValueError: As `centre`.
    """
    return centre(values, left_out(len(values), (1 - confidence) / 2) or 0)
