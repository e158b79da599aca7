"""The levels of the looks of a gate: that an end of its interval is ever wrong has a bounded chance over all of them.

Where the centre is 0 each value is as likely to be above as below, and a further one is as likely to have any rank of
size as any other, whatever the distributions. So the chance of every way to have gone on so far can be counted: there
are 2^n of them after n blocks, in the order of size. Beyond 16 blocks it is drawn, 1,500,000 times.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from mgic.gate.sequential import LEFT_OUT, LEFT_OUT_CONFIRMING, SPENT, SPENT_CONFIRMING
from mgic.statistics.signed_rank import chance

COUNTED = 16
DRAWN = (18, 20, 24, 28, 32, 40)
MOST_A_LOOK = 0.025  # of the first measurement


@dataclass(frozen=True)
class Spending:
    """How the chance to be wrong is shared out over the looks of a measurement.

    Args:
        looks: How many means of pairs are left out at each.
        total: Over all looks.
        begin: Blocks at which nothing is spent.
        most: At one look.
    """

    looks: Mapping[int, int]
    total: float
    begin: float
    most: float

    def until(self, n: int) -> float:
        """Of the total, up to n blocks."""
        return self.total * (1 - (self.begin / n) ** 1.5)


FIRST = Spending(LEFT_OUT, SPENT, 4, MOST_A_LOOK)
CONFIRMING = Spending(LEFT_OUT_CONFIRMING, SPENT_CONFIRMING, 1.8, SPENT_CONFIRMING)

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Whole = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def rank_sums(n: int) -> Whole:
    """Of the negative values, by the way: bit r is set where the value of rank r + 1 is negative."""
    ways = np.arange(2**n)
    return sum(((ways >> rank) & 1) * (rank + 1) for rank in range(n))


def with_another(chances: Floats) -> Floats:
    """The chances of the ways with one more value, which may have any rank and either sign."""
    n = len(chances).bit_length() - 1
    ways, longer = np.arange(2**n), np.zeros(2 ** (n + 1))
    for rank in range(n + 1):
        smaller, larger = ways & ((1 << rank) - 1), ways >> rank << (rank + 1)
        longer[smaller | larger] += chances
        longer[smaller | larger | 1 << rank] += chances
    return longer / (2 * (n + 1))


def crossed(looks: Mapping[int, int], most: int = COUNTED) -> dict[int, float]:
    """The chance that an end was wrong up to each look, counted."""
    found, chances, first = dict[int, float](), np.array([1.0]), min(looks)
    for n in range(1, most + 1):
        chances = with_another(chances)
        if n in looks:
            chances[rank_sums(n) <= looks[n]] = 0
        if n >= first:
            found[n] = 1 - float(chances.sum())
    return found


def largest(by_sum: Iterable[float], n: int, before: float, plan: Spending) -> int:
    """The largest rank sum that may be left out at a look."""
    reached, last = before, -1
    for rank_sum, more in enumerate(by_sum):
        reached += more
        if reached > plan.until(n) + 1e-12 or chance(n, rank_sum) > plan.most + 1e-12:
            break
        last = rank_sum
    return last


def counted(plan: Spending) -> dict[int, int]:
    """The table up to 16 blocks."""
    first = min(plan.looks)
    table, chances = dict[int, int](), np.full(2**first, 0.5**first)
    for n in range(first, COUNTED + 1):
        chances = with_another(chances) if n > first else chances
        sums = rank_sums(n)
        table[n] = largest(np.bincount(sums, weights=chances), n, 1 - float(chances.sum()), plan)
        chances[sums <= table[n]] = 0
    return table


def drawn_sums(looks: Iterable[int], trials: int, seed: int) -> dict[int, Whole]:
    """Rank sums of the negative ones of the first n normal values, of so many sequences."""
    rng, wanted = np.random.default_rng(seed), sorted(looks)
    found: dict[int, list[Whole]] = {n: [] for n in wanted}
    for begin in range(0, trials, 50_000):
        values = rng.standard_normal((min(50_000, trials - begin), wanted[-1]))
        for n in wanted:
            ranks = np.abs(values[:, :n]).argsort(axis=1).argsort(axis=1) + 1
            found[n].append((ranks * (values[:, :n] < 0)).sum(axis=1))
    return {n: np.concatenate(parts) for n, parts in found.items()}


def drawn(table: Mapping[int, int], plan: Spending, trials: int = 1_500_000) -> dict[int, int]:
    """The table beyond 16 blocks."""
    sums = drawn_sums((*table, *DRAWN), trials, 1)
    going = np.logical_and.reduce([sums[n] > left_out for n, left_out in table.items()])
    further = dict[int, int]()
    for n in DRAWN:
        by_sum = np.bincount(sums[n][going]) / trials
        further[n] = largest(by_sum, n, 1 - float(going.mean()), plan)
        going &= sums[n] > further[n]
    return further


def main() -> None:
    for name, plan in (("LEFT_OUT", FIRST), ("LEFT_OUT_CONFIRMING", CONFIRMING)):
        table = counted(plan)
        print(name, table | drawn(table, plan))
