"""How often do the statistics hold what they say? Simulated, with truths that are known because they were chosen.

Example: python -m tests.bench.calibration docs/statistics.md

writes the tables of that page anew, below the line that says so. Tests run the same simulations with fewer trials.
"""

import sys
from datetime import UTC, datetime
from itertools import pairwise, product
from pathlib import Path
from typing import Literal

import numpy as np

from mgic.statistics import (
    default_margin,
    front,
    front_probability,
    least_spread,
    prediction_interval,
    replication,
    sampling_variance,
    smallest_gap,
)

SEEDS = (2, 3, 5, 10)
CORRELATIONS = (0.0, 0.5, 1.0)
SPREADS = (0.05, 0.2, 0.5)  # points; of the true accuracies
IMAGES = 10_000
RIGHT = 0.9
GAPS = (0.0, 0.25, 0.5, 1.0, 2.0)
BINS = (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0 + 1e-9)
COARSE = (908, 1000)  # samples of small test sets
COARSE_SPREADS = (0.0, 0.02, 0.05, 0.2)  # points; down to far below one sample, which is 0.1
COARSE_RIGHT = (90.0, 99.5)  # per cent
COSTS = 5  # networks on a front
APART = (0.5, 1.0, 2.0, 4.0)  # how far apart they are, in standard errors of their means
MARK = "<!-- Below: written by `python -m tests.bench.calibration docs/statistics.md` -->"

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def accuracies(
    rng: np.random.Generator, seeds: int, spread: float, correlation: float, same: bool, trials: int
) -> tuple[Floats, Floats]:
    """Per cent right: ours (trials, seeds), and one more run's (trials,), of networks that are 90 % right.

    Images are easy, and every network is right, or hard, and each is right with one probability, by itself. The share
    of easy ones makes two networks' being right on an image correlate as asked: 0.9 (1 - 0.9) times the
    correlation is the variance of an image's probability.
    """
    ratio = correlation * RIGHT / (1 - RIGHT) if correlation < 1 else 0.0
    easy = ratio / (1 + ratio) if correlation < 1 else RIGHT
    chance = (RIGHT - easy) / (1 - easy)
    hard = rng.binomial(IMAGES, 1 - easy, trials)
    others = hard if same else rng.binomial(IMAGES, 1 - easy, trials)
    wrong = rng.binomial(hard[:, None], 1 - chance, (trials, seeds))
    wrong_there = rng.binomial(others, 1 - chance)
    ours, theirs = 100 * (1 - wrong / IMAGES), 100 * (1 - wrong_there / IMAGES)
    return ours + spread * rng.standard_normal(ours.shape), theirs + spread * rng.standard_normal(trials)


def coverage(seeds: int, spread: float, correlation: float, same: bool, trials: int) -> float:
    """How often the prediction interval holds one more run."""
    rng = np.random.default_rng((seeds, int(100 * spread), int(10 * correlation), same))
    held = 0
    for values, new in zip(*accuracies(rng, seeds, spread, correlation, same, trials), strict=True):
        between = 0.0 if same else 2 * sampling_variance(float(values.mean()), IMAGES)
        interval = prediction_interval(values.tolist(), between, least=least_spread(IMAGES))
        assert interval is not None
        held += interval[0] <= new <= interval[1]
    return held / trials


def coarse_coverage(seeds: int, spread: float, right: float, images: int, same: bool, trials: int) -> float:
    """How often the interval holds one more run, of scores that are whole samples of a small test set.

    All seeds find the same images hard, and differ from the set's own accuracy, which lies anywhere between two
    scores, by `spread`: that is where seeds tie. Seeds that tie and get no verdict have an interval without end.
    """
    rng = np.random.default_rng((seeds, int(100 * spread), int(10 * right), images, same))
    here = right + 100 / images * rng.random(trials)
    there = here
    if not same:
        here, there = 100 * rng.binomial(images, here / 100) / images, 100 * rng.binomial(images, here / 100) / images
        here, there = (centre + 100 / images * (rng.random(trials) - 0.5) for centre in (here, there))
    ours = here[:, None] + spread * rng.standard_normal((trials, seeds))
    theirs = there + spread * rng.standard_normal(trials)
    ours, theirs = (100 / images * np.round(score.clip(0, 100) * images / 100) for score in (ours, theirs))
    held = 0
    for values, new in zip(ours, theirs, strict=True):
        found = replication(float(new), values.tolist(), True, "same" if same else "other", images).prediction
        held += found is None or found[0] - 1e-9 <= new <= found[1] + 1e-9
    return held / trials


def verdicts(seeds: int, gap: float, margin: float, trials: int, same: bool = True) -> dict[str, float]:
    """How often each verdict is given where the printed run is worse by `gap` points, spread 0.2, correlation 1/2."""
    rng = np.random.default_rng((seeds, int(100 * gap), same))
    found = dict.fromkeys(("reproduced", "within noise", "contradicts"), 0)
    set_: Literal["same", "other"] = "same" if same else "other"
    for values, new in zip(*accuracies(rng, seeds, 0.2, 0.5, same, trials), strict=True):
        printed = round(float(new) - gap, 1)
        found[replication(printed, values.tolist(), True, set_, IMAGES, margin).verdict] += 1
    return {name: count / trials for name, count in found.items()}


def power(seeds: int, between: float, trials: int) -> float:
    """How often a gap as large as `smallest_gap` falls outside the interval, of normal values with a spread of 1."""
    rng = np.random.default_rng(seeds)
    ours = rng.standard_normal((trials, seeds))
    theirs = rng.standard_normal(trials) + np.sqrt(between) * rng.standard_normal(trials)
    theirs += smallest_gap(1.0, seeds, between)
    outside = 0
    for values, new in zip(ours, theirs, strict=True):
        interval = prediction_interval(values.tolist(), between)
        assert interval is not None
        outside += not interval[0] <= new <= interval[1]
    return outside / trials


def fronts(seeds: int, apart: float, trials: int, draws: int = 400) -> tuple[Floats, Floats]:
    """The told probability of being on the front, and whether it is so, of all networks but the cheapest."""
    rng = np.random.default_rng((seeds, int(10 * apart)))
    costs = {str(place): float(place) for place in range(COSTS)}
    told, true = [], []
    for trial in range(trials):
        means = apart * rng.standard_normal(COSTS) / np.sqrt(seeds)
        values = {name: rng.normal(mean, 1.0, seeds).tolist() for name, mean in zip(costs, means, strict=True)}
        found = front_probability(costs, values, draws, trial)
        told += [float(one.probability or 0.0) for one in found.values()][1:]
        true += front(list(costs.values()), means.tolist())[1:]
    return np.array(told), np.array(true, dtype=np.float64)


def page(trials: int, few: int) -> str:
    """The tables, as Markdown."""
    parts = [
        f"Made on {datetime.now(UTC).date()}: {trials:,} trials a cell of the first and the third table, {few:,} of the"
        f" second and the fourth, and {few // 5:,} fronts a row of the last.",
        _coverage_table(trials),
        _coarse_table(few),
        _power_table(trials),
        _verdict_table(few),
        _front_table(few // 5),
    ]
    return "\n\n".join(parts) + "\n"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _coverage_table(trials: int) -> str:
    rows = [
        [
            f"{'same' if same else 'other'}, {correlation:g}, {spread:g}",
            *(f"{100 * coverage(seeds, spread, correlation, same, trials):.1f}" for seeds in SEEDS),
        ]
        for same, correlation, spread in product((True, False), CORRELATIONS, SPREADS)
    ]
    error = 100 * np.sqrt(0.95 * 0.05 / trials)
    title = f"### Coverage of the 95 % prediction interval, per cent (binomial error {error:.2f})"
    return f"{title}\n\n" + _table(["test set, correlation, spread", *(f"n = {n}" for n in SEEDS)], rows)


def _coarse_table(trials: int) -> str:
    rows = [
        [
            f"{'same' if same else 'other'}, {images}, {right:g}, {spread:g}",
            *(f"{100 * coarse_coverage(seeds, spread, right, images, same, trials):.1f}" for seeds in SEEDS),
        ]
        for same, images, right, spread in product((True, False), COARSE, COARSE_RIGHT, COARSE_SPREADS)
    ]
    title = "### The same of scores as coarse as small test sets make them, wholly correlated (two that tie: no end)"
    return f"{title}\n\n" + _table(["test set, samples, per cent right, spread", *(f"n = {n}" for n in SEEDS)], rows)


def _power_table(trials: int) -> str:
    rows = [
        [f"{between:g}", *(f"{100 * power(seeds, between, trials):.1f}" for seeds in SEEDS)]
        for between in (0.0, 1.0, 10.0)
    ]
    title = "### How often a gap of the told smallest size is seen, per cent (told: 80)"
    head = "variance of the test sets, in that of the seeds"
    return f"{title}\n\n" + _table([head, *(f"n = {n}" for n in SEEDS)], rows)


def _verdict_table(trials: int) -> str:
    rows = []
    for margin, gap in product((default_margin(RIGHT, True), 0.5), GAPS):
        found = [verdicts(seeds, gap, margin, trials) for seeds in SEEDS]
        rows.append(
            [f"{margin:g}, {gap:g}", *(" / ".join(f"{100 * share:.0f}" for share in of.values()) for of in found)]
        )
    title = "### Verdicts by the true gap, per cent: reproduced / within noise / contradicts"
    return f"{title}\n\n" + _table(["margin, true gap, points", *(f"n = {n}" for n in SEEDS)], rows)


def _front_table(trials: int) -> str:
    heads = ["seeds, apart", *(f"{low:g} to {min(high, 1.0):g}" for low, high in pairwise(BINS))]
    rows = []
    for seeds in (5, 10):
        found = [fronts(seeds, apart, trials) for apart in APART]
        named = [*map(str, APART), "all of them"]
        found.append((np.concatenate([told for told, _ in found]), np.concatenate([true for _, true in found])))
        for name, (told, true) in zip(named, found, strict=True):
            rows.append([f"{seeds}, {name}", *(_bin(told, true, low, high) for low, high in pairwise(BINS))])
    title = "### On the front: told -> true (how many), by what was told"
    return f"{title}\n\n" + _table(heads, rows)


def _bin(told: Floats, true: Floats, low: float, high: float) -> str:
    inside = (told >= low) & (told < high)
    if not inside.any():
        return "-"
    return f"{told[inside].mean():.3f} -> {true[inside].mean():.3f} ({inside.sum()})"


def main(path: Path) -> None:
    kept = path.read_text("utf-8").partition(MARK)[0]
    path.write_text(f"{kept}{MARK}\n\n{page(20_000, 5_000)}", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"{__doc__}")
    main(Path(sys.argv[1]))
