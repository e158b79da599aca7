"""Which of several networks is worth its cost: the Pareto front, and how sure one can be of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

MIN_SEEDS = 5  # below that the probability of being on the front is not claimed
STEPS = 24  # of the grid over how far apart the networks are
REACH = 4  # of that grid, in standard deviations of the means

Array = NDArray[np.float64]


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
    """Whether a network is on the front of the means, and how probably on that of the true means.

    `probability` is None where it, or a network it is held against, has fewer than 5 seeds.
    """

    on_front: bool
    probability: float | None
    n: int


@dataclass(frozen=True)
class CostError:
    """A cost that was measured: the standard error of its logarithm, and how many degrees of freedom that has."""

    error: float
    degrees: int


def front_probability(
    cost: Mapping[str, float],
    values: Mapping[str, Sequence[float]],
    draws: int = 2000,
    seed: int = 0,
    measured: Mapping[str, CostError] | None = None,
) -> dict[str, OnFront]:
    """The front of the means over seeds, and how probably each network is on that of the true means.

    The true means are drawn, given the seeds, from a model of two levels (Gelman et al., Bayesian Data Analysis,
    chapter 5): a network's values are normal about its true mean with a variance of its own, of which they say no
    more than n values can, and the true means are normal about a common one, as far apart as the networks show.
    The second level matters: of networks that are much alike the one with the best mean owes it to luck, and
    resampling the seeds, by the bootstrap or by Student's t, does not know that. docs/statistics.md has what is
    told against what is true.

    Args:
        cost: Of each network, known exactly (MACs, parameters) unless it is among `measured`.
        values: Of each network, one a seed; NaN and infinities count as missing, as in `summary`, and not as seeds.
        draws: Of the true means; the probability is known to about 1 / sqrt(draws).
        seed: Of the drawing.
        measured: Of costs that are no more than a measurement, such as a latency, each above 0: their true logarithms
            are drawn by Student's t about those of `cost`, each network by itself.

    Raises:
        ValueError: A network without a finite value, or with values and no finite cost.
    """
    if not values:
        return {}
    names = list(values)
    every = [np.asarray(values[name], dtype=np.float64) for name in names]
    samples = [of[np.isfinite(of)] for of in every]
    missing = [n for n, of in zip(names, samples, strict=True) if not len(of) or not isfinite(cost.get(n, nan))]
    if missing:
        raise ValueError(f"no cost or no value of {', '.join(missing)}")
    costs = [cost[name] for name in names]
    of_means = front(costs, [float(sample.mean()) for sample in samples])
    share: list[float | None] = [None] * len(names)
    if all(len(sample) >= MIN_SEEDS for sample in samples):
        generator = np.random.default_rng(seed)
        means, weights = true_means(samples, draws, generator)
        drawn = true_costs(costs, [(measured or {}).get(name) for name in names], draws, generator)
        on = np.array([front(*rows) for rows in zip(drawn.tolist(), means.tolist(), strict=True)], dtype=np.float64)
        share = list((weights @ on).clip(0, 1).tolist())  # weights sum to 1 but for rounding
    return {
        name: OnFront(on, probability, len(sample))
        for name, on, probability, sample in zip(names, of_means, share, samples, strict=True)
    }


def true_costs(
    costs: Sequence[float], measured: Sequence[CostError | None], draws: int, generator: np.random.Generator
) -> Array:
    """Draws of what each network costs (draws, networks); None is known exactly."""
    drawn = np.tile(np.asarray(costs, dtype=np.float64), (draws, 1))
    for column, known in enumerate(measured):
        if known is not None:
            drawn[:, column] *= np.exp(known.error * generator.standard_t(known.degrees, draws))
    return drawn


def true_means(samples: Sequence[Array], draws: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Draws of the true means (draws, networks), and the weight of each draw; the weights sum to 1.

    Flat priors: on the common mean, on the spread of the true means (up to 4 times that of the means), and on the
    logarithm of each network's variance. The variances are drawn by what their own network says of them, and a
    draw weighs as much as the means make it likely.

    Args:
        samples: Of each network, at least 2 values.
        draws: How many.
        generator: Of the drawing.
    """
    mean = np.array([sample.mean() for sample in samples])
    degrees = np.array([len(sample) - 1 for sample in samples])
    squares = np.array([sample.var(ddof=1) / len(sample) for sample in samples])
    error = squares * degrees / generator.chisquare(degrees, (draws, len(samples)))  # variance of each mean
    top = REACH * max(float(mean.std()), float(np.sqrt(squares.mean())))
    if top == 0:  # all values are equal
        return np.tile(mean, (draws, 1)), np.full(draws, 1 / draws)
    spreads = np.linspace(0, top, STEPS + 1)[1:]
    precision, centre, likely = (np.empty((draws, STEPS)) for _ in range(3))
    for step, spread in enumerate(spreads):
        weight = 1 / (error + spread**2)
        precision[:, step] = weight.sum(axis=1)
        centre[:, step] = weight @ mean / precision[:, step]
        off = (weight * (mean - centre[:, step, None]) ** 2).sum(axis=1)
        likely[:, step] = (np.log(weight).sum(axis=1) - np.log(precision[:, step]) - off) / 2
    likely = np.exp(likely - likely.max())
    chosen = (generator.random((draws, 1)) * likely.sum(axis=1, keepdims=True) > likely.cumsum(axis=1)).sum(axis=1)
    rows, chosen = np.arange(draws), chosen.clip(0, STEPS - 1)
    common = centre[rows, chosen] + generator.standard_normal(draws) / np.sqrt(precision[rows, chosen])
    pull = error / (error + spreads[chosen, None] ** 2)  # towards the common mean
    drawn = mean + (common[:, None] - mean) * pull
    drawn += np.sqrt(error * (1 - pull)) * generator.standard_normal(error.shape)
    return drawn, likely.sum(axis=1) / likely.sum()
