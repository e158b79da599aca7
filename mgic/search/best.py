"""Which trials of a search no other one beats. Without torch: the store asks it."""

from collections.abc import Iterable
from math import inf
from typing import NamedTuple

from mgic.records import Search


class Scored(NamedTuple):
    """A trial that came to its end."""

    number: int
    value: float  # of the metric
    macs: int | None


def best_of(search: Search, scored: Iterable[Scored]) -> list[Scored]:
    """The best one, of equal ones the first; of two goals the front, fewest multiply-accumulates first."""

    def loss(one: Scored) -> float:
        return -one.value if search.goal == "max" else one.value

    if search.sampler != "nsga2":
        return sorted(scored, key=lambda one: (loss(one), one.number))[:1]
    front, least = [], inf
    for one in sorted(scored, key=lambda one: (one.macs or 0, loss(one), one.number)):
        if loss(one) < least:
            front.append(one)
            least = loss(one)
    return front
