"""To which power of the width does something grow?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mgic.statistics.distributions import student

FEWEST = 3


@dataclass(frozen=True)
class Growth:
    """The exponent, with the ends of its 95 % interval."""

    exponent: float
    low: float
    high: float


def growth(widths: Sequence[float], values: Sequence[float]) -> Growth | None:
    """Least squares over the logarithms; None below three widths.

    The interval is that of the slope by Student's t with n - 2 degrees. It says how well one power describes all of
    these widths, not how it would be with others.

    Args:
        widths: Positive, not all the same.
        values: As many, positive.
    """
    if len(widths) < FEWEST:
        return None
    x, y = [math.log(width) for width in widths], [math.log(value) for value in values]
    n = len(x)
    mean_x, mean_y = sum(x) / n, sum(y) / n
    spread = sum((a - mean_x) ** 2 for a in x)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    left = sum((b - mean_y - slope * (a - mean_x)) ** 2 for a, b in zip(x, y, strict=True))
    half = student(n - 2, 0.975) * math.sqrt(left / (n - 2) / spread)
    return Growth(slope, slope - half, slope + half)
