"""Do two classifiers differ in how many of the same samples they are right on?

Only the samples on which one of the two is right tell: those that the second `lost` and those that it `gained`.
"""

import math
from dataclasses import dataclass

from mgic.statistics.comparison import LEVEL
from mgic.statistics.distributions import binomial_to, normal
from mgic.statistics.replication import POWER


@dataclass(frozen=True)
class PairedShares:
    """The second classifier against the first, on n samples; shares of 1.

    Args:
        n: Samples.
        lost: On which the first alone is right.
        gained: On which the second alone is.
        low, high: 95 % interval of `difference`.
        p: That neither is better, two-sided, exact.
        mid_p: The same with half the probability of what was observed: nearer to the level, and not held to it.
        smallest_loss: That a test at 5 % sees in 4 of 5 tries with so many samples that tell.
    """

    n: int
    lost: int
    gained: int
    low: float
    high: float
    p: float
    mid_p: float
    smallest_loss: float

    @property
    def discordant(self) -> int:
        return self.lost + self.gained

    @property
    def difference(self) -> float:
        """Of the shares that are right."""
        return (self.gained - self.lost) / self.n


def mcnemar(n: int, lost: int, gained: int) -> PairedShares:
    """Test by the signs of the samples that tell, and the interval of the difference.

    Sources: McNemar 1947, https://doi.org/10.1007/BF02295996; of mid-p, Fagerland, Lydersen and Laake 2013,
    https://doi.org/10.1186/1471-2288-13-91.

    Raises:
        ValueError: No sample, a count below 0, or more that tell than there are.
    """
    if n < 1 or min(lost, gained) < 0 or lost + gained > n:
        raise ValueError(f"{lost} lost and {gained} gained of {n} samples")
    fewer, discordant = min(lost, gained), lost + gained
    to, below = (binomial_to(count, discordant, 0.5) for count in (fewer, fewer - 1))
    low, high = bonett_price(n, lost, gained)
    return PairedShares(
        n, lost, gained, low, high, min(1.0, 2 * to), min(1.0, to + below), smallest_loss(n, discordant)
    )


def bonett_price(n: int, lost: int, gained: int, level: float = LEVEL) -> tuple[float, float]:
    """An interval of the difference of two shares of the same samples: Wald's, with one sample more of either kind.

    Source: Bonett and Price 2012, https://doi.org/10.3102/1076998611411915.
    """
    less, more = (lost + 1) / (n + 2), (gained + 1) / (n + 2)
    half = normal(1 - level / 2) * math.sqrt((less + more - (more - less) ** 2) / (n + 2))
    return max(-1.0, more - less - half), min(1.0, more - less + half)


def smallest_loss(n: int, discordant: int, level: float = LEVEL, power: float = POWER) -> float:
    """The smallest loss that the exact test sees this often if so many samples tell, as a share of n; 1 at most.

    Fewer than 6 can never be told from chance at 5 %: then it is 6, all of them lost.
    """
    discordant = max(discordant, math.ceil(1 - math.log2(level)))
    least = next(lost for lost in range(discordant // 2, discordant + 1) if _two_sided(lost, discordant) <= level)
    for loss in range(2 * least - discordant, discordant):
        if 1 - binomial_to(least - 1, discordant, (1 + loss / discordant) / 2) >= power:
            return min(1.0, loss / n)
    return min(1.0, discordant / n)


def _two_sided(lost: int, discordant: int) -> float:
    return 2 * binomial_to(discordant - lost, discordant, 0.5)
