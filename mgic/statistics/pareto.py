"""Which of several networks is worth its cost: the Pareto front, and how sure one can be of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MIN_SEEDS = 5  # below that the probability of being on the front is not claimed


def front(cost: Sequence[float], value: Sequence[float]) -> list[bool]:
    """Which points no other one dominates: costs no more, and is worth no less, and better in one of the two.

    Args:
        cost: The smaller the better.
        value: The larger the better; a point with a NaN in either is not on the front.

    Ties: equal points are on the front together, or none of them.
    """
    x, y = np.asarray(cost, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"as many costs as values are needed, not {x.shape} and {y.shape}")
    no_worse = (x[:, None] <= x) & (y[:, None] >= y)  # [i, j]: i is no worse than j
    better = (x[:, None] < x) | (y[:, None] > y)
    dominated = (no_worse & better).any(axis=0)
    return [bool(on) for on in ~dominated & np.isfinite(x) & np.isfinite(y)]


@dataclass(frozen=True)
class OnFront:
    """Whether a network is on the front of the means, and in what share of bootstrap samples.

    `probability` is None where it, or a network it is held against, has fewer than 5 seeds.
    """

    on_front: bool
    probability: float | None
    n: int


def front_probability(
    cost: Mapping[str, float], values: Mapping[str, Sequence[float]], draws: int = 2000, seed: int = 0
) -> dict[str, OnFront]:
    """The front of the means over seeds, and by the bootstrap how often each network is on it.

    In each draw every network's seeds are drawn anew with replacement, and the front of the new means is taken.

    Args:
        cost: Of each network, known exactly (MACs, parameters).
        values: Of each network, one a seed.
        draws: Bootstrap samples; the probability is known to about 1 / sqrt(draws).
        seed: Of the drawing.

    Raises:
        ValueError: A network without a value, or with values and no cost.
    """
    names = list(values)
    if missing := [name for name in names if name not in cost or not len(values[name])]:
        raise ValueError(f"no cost or no value of {', '.join(missing)}")
    costs = [cost[name] for name in names]
    samples = [np.asarray(values[name], dtype=np.float64) for name in names]
    of_means = front(costs, [float(sample.mean()) for sample in samples])
    enough = all(len(sample) >= MIN_SEEDS for sample in samples)
    share: list[float | None] = [None] * len(names)
    if enough:
        generator = np.random.default_rng(seed)
        means = np.stack(
            [sample[generator.integers(0, len(sample), (draws, len(sample)))].mean(axis=1) for sample in samples], 1
        )  # (draws, networks)
        share = list(np.mean([front(costs, row) for row in means.tolist()], axis=0).tolist())
    return {
        name: OnFront(on, probability, len(sample))
        for name, on, probability, sample in zip(names, of_means, share, samples, strict=True)
    }
