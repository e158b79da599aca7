"""How sure is a share of cases that were counted?"""

from mgic.statistics.comparison import LEVEL
from mgic.statistics.distributions import beta


def binomial_interval(count: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Of the share that `count` of `n` independent cases show: at least 95 %, whatever the true share is.

    Source: Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404.

    Raises:
        ValueError: No case, or a count outside 0 to n.
    """
    if not 0 <= count <= n or n < 1:
        raise ValueError(f"{count} of {n}: a count from 0 to n, and at least one case are wanted")
    low = beta(count, n - count + 1, level / 2) if count else 0.0
    high = beta(count + 1, n - count, 1 - level / 2) if count < n else 1.0
    return low, high
