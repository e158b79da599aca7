"""The levels of the looks of a gate: that an end of its interval is ever wrong has a bounded chance over all of them.

Where the centre is 0 each value is as likely to be above as below, and a further one is as likely to have any rank of
size as any other, whatever the distributions. So the chance of every way to have gone on so far can be counted: there
are 2^n of them after n blocks, in the order of size. Beyond 16 blocks it is drawn, 1,500,000 times.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from mgic.gate.sequential import SPENT, SPENT_CONFIRMING
from mgic.statistics.signed_rank import chance

COUNTED = 16
DRAWN = (18, 20, 24, 28, 32, 40)
MOST_A_LOOK = 0.025

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Whole = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def spent(n: int, total: float, begin: int) -> float:
    """Of the total, up to n blocks; nothing at `begin`."""
    return total * (1 - (begin / n) ** 1.5)


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


def largest(by_sum: Iterable[float], n: int, before: float, allowed: float, most: float) -> int:
    """The largest rank sum that may be left out at a look."""
    reached, last = before, -1
    for rank_sum, more in enumerate(by_sum):
        reached += more
        if reached > allowed + 1e-12 or chance(n, rank_sum) > most + 1e-12:
            break
        last = rank_sum
    return last


def counted(first: int, total: float, begin: int, most: float) -> dict[int, int]:
    """The table up to 16 blocks."""
    table, chances = dict[int, int](), np.full(2**first, 0.5**first)
    for n in range(first, COUNTED + 1):
        chances = with_another(chances) if n > first else chances
        sums = rank_sums(n)
        by_sum = np.bincount(sums, weights=chances)
        table[n] = largest(by_sum, n, 1 - float(chances.sum()), spent(n, total, begin), most)
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


def drawn(table: Mapping[int, int], total: float, begin: int, most: float, trials: int = 1_500_000) -> dict[int, int]:
    """The table beyond 16 blocks."""
    sums = drawn_sums((*table, *DRAWN), trials, 1)
    going = np.logical_and.reduce([sums[n] > left_out for n, left_out in table.items()])
    further = dict[int, int]()
    for n in DRAWN:
        by_sum = np.bincount(sums[n][going]) / trials
        further[n] = largest(by_sum, n, 1 - float(going.mean()), spent(n, total, begin), most)
        going &= sums[n] > further[n]
    return further


def main() -> None:
    for name, first, total, begin, most in (
        ("LEFT_OUT", 6, SPENT, 4, MOST_A_LOOK),
        ("LEFT_OUT_CONFIRMING", 4, SPENT_CONFIRMING, 2, SPENT_CONFIRMING),
    ):
        table = counted(first, total, begin, most)
        print(name, table, drawn(table, total, begin, most))
