"""Is a network less accurate than it may be? By answers to the same samples, or by trainings under several seeds.

Answers tell of two sets of weights: what quantising, folding, exporting or rewriting does to one that is there.
Networks that were trained anew differ by their seeds besides, and only seeds tell how much.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from mgic.gate.predictions import Paired
from mgic.records import MetricVerdict, RowVerdict
from mgic.records.limits import allowance
from mgic.statistics import MIN_FOR_INTERVAL, Difference, paired, summary, unpaired
from mgic.statistics.comparison import LEVEL
from mgic.statistics.distributions import student
from mgic.statistics.mcnemar import PairedShares, mcnemar

PREDICTIONS_LIMIT = "-0.2pp"  # of answers, where none is named: half a point is for another seed, and here is none
FAR = 0.001  # how seldom two runs of the same code may be as far apart as one run a side must be to count
MOST_SEEDS = 100  # more are not proposed


class Seeds(NamedTuple):
    """The difference over seeds, in points, and how the runs were compared."""

    of: Difference
    how: str


def of_predictions(model: str, found: Paired, limit: str, from_base: bool) -> MetricVerdict:
    """The row of `top1` by answers to the same samples; its interval is in points.

    `pass` where no sample is lost, or the interval's lower end is above the limit; `regression` where the exact test
    at 5 % and the interval find a loss, and the loss is more than the limit; else `inconclusive`.

    Args:
        model: Its spec.
        found: The two networks, sample by sample.
        limit: Such as -0.2pp.
        from_base: Whether the head's weights are made of the base's. If nothing says so, it is `shown` and not judged.
    """
    told = mcnemar(found.n, found.lost, found.gained)
    points = allowance("top1", limit).amount
    verdict: RowVerdict = "shown"
    note = _answers(found, told)
    if not (from_base or found.same_weights):
        note = f"it is not said that the head's weights are made of the base's, so it is not judged: {note}"
    elif not found.lost or 100 * told.low > -points:
        verdict = "pass"
    elif told.p <= LEVEL and told.high < 0 and 100 * (found.lost - found.gained) > points * found.n:
        verdict = "regression"
    else:
        verdict = "inconclusive"
    before, after = (100 * right / found.n for right in (found.base_right, found.head_right))
    return _row(model, limit, verdict, before, after, note, 100 * told.low, 100 * told.high, found.n)


def _answers(found: Paired, told: PairedShares) -> str:
    same, seen = 100 * found.same / found.n, 100 * told.smallest_loss
    return (
        f"{found.lost} of {found.n} samples are lost and {found.gained} gained, {100 * told.difference:+.2f} points"
        f" ({100 * told.low:+.2f} to {100 * told.high:+.2f}), exact McNemar p = {told.p:.2g}, mid-p = {told.mid_p:.2g};"
        f" {same:.4g} % of the answers are the same; a loss of {seen:.2g} points would have been seen in 4 of 5 tries"
    )


def of_seeds(
    model: str, base: Mapping[int, float], head: Mapping[int, float], limit: str, known: Sequence[float] = ()
) -> MetricVerdict:
    """The row of `top1` by trainings under several seeds; its interval is in points.

    `pass` where a one-sided test at 5 % finds the loss smaller than the limit (half of an equivalence test: a gain may
    be of any size); `regression` where the 95 % interval finds a loss, and the mean loss is more than the limit; else
    `inconclusive`. One run a side is a `regression` only where it lost more than two runs of the same code lose in
    one of 1,000 cases, by the spread of known runs.

    Args:
        model: Its spec.
        base: Test accuracy by seed, per cent; one at least.
        head: The same of the other side.
        limit: Such as -0.5pp.
        known: Accuracies of runs of the base's code under other seeds, such as those of a store.

    Raises:
        ValueError: A side has no run.
    """
    seeds = _compared(base, head)
    points, of = float(allowance("top1", limit).amount), seeds.of
    interval = of.interval
    below = of.above(-points)  # small: the loss is smaller than the limit
    verdict: RowVerdict = "inconclusive"
    if interval is None or below is None:
        lost, note = _far(of.mean, len(base), len(head), points, known)
        verdict = "regression" if lost else "inconclusive"
    elif below < LEVEL or (not of.error and -of.mean <= points):  # without spread the loss is known
        verdict, note = "pass", f"{seeds.how}, {_spread(of)}"
    elif interval[1] < 0 and -of.mean > points:
        verdict, note = "regression", f"{seeds.how}, {_spread(of)}"
    else:
        note = f"{seeds.how}, {_spread(of)}: {_more(of, points)}"
    low, high = interval or (None, None)
    before, after = (sum(side.values()) / len(side) for side in (base, head))
    return _row(model, limit, verdict, before, after, note, low, high, of.n)


def _compared(base: Mapping[int, float], head: Mapping[int, float]) -> Seeds:
    """By seed where all seeds of the side that has fewer are on the other as well, and there are two; else as they are.

    Pairs take out what a seed does to both sides; of what only one side has they make nothing.
    """
    shared = base.keys() & head.keys()
    if len(shared) >= 2 and len(shared) == min(len(base), len(head)):
        return Seeds(paired(base, head), f"{len(shared)} pairs of the same seed")
    found = unpaired(list(base.values()), list(head.values()))
    return Seeds(found, f"{len(base)} and {len(head)} runs of different seeds")


def _far(mean: float, before: int, after: int, points: float, known: Sequence[float]) -> tuple[bool, str]:
    """Whether so few runs are further apart than the noise known allows, and in words."""
    of = summary(known)
    runs = "one run a side" if before == after == 1 else f"{before} and {after} runs"
    if of.sd is None or of.n < MIN_FOR_INTERVAL:
        return False, f"{runs}, {mean:+.2f} points: that may be the seed; 3 seeds a side would tell more"
    reach = student(of.n - 1, 1 - FAR / 2) * of.sd * math.sqrt(1 / before + 1 / after)
    far = -mean > max(points, reach)
    noise = f"runs of the same code are up to {reach:.2g} points apart in 999 of 1,000 cases ({of.n} known runs)"
    return far, f"{runs}, {mean:+.2f} points: {noise}{'' if far else '; 3 seeds a side would tell more'}"


def _spread(of: Difference) -> str:
    low, high = of.interval or (of.mean, of.mean)
    return f"{of.mean:+.2f} points ({low:+.2f} to {high:+.2f})"


def _more(of: Difference, points: float) -> str:
    """How many seeds would settle it, if mean and spread stay: an interval narrows with the root of their number."""
    low, high = of.interval or (of.mean, of.mean)
    gap = of.mean + points if of.mean > -points else -of.mean
    needed = math.ceil(of.n * ((high - low) / 2 / gap) ** 2) if gap > 0 else MOST_SEEDS + 1
    if needed > MOST_SEEDS:
        return f"more than {MOST_SEEDS} seeds a side would be needed to tell it from the limit"
    return f"about {max(needed, of.n + 1)} seeds a side would settle it"


def _row(
    model: str,
    limit: str,
    verdict: RowVerdict,
    before: float,
    after: float,
    note: str,
    low: float | None,
    high: float | None,
    n: int,
) -> MetricVerdict:
    change = float(Decimal(str(after)) - Decimal(str(before)))
    return MetricVerdict(
        model=model,
        base_model=model,
        metric="top1",
        base=before,
        head=after,
        change=change,
        change_percent=None,
        limit=limit,
        verdict=verdict,
        improved=low is not None and low > 0,
        note=note[:1000],
        low_percent=low,
        high_percent=high,
        n=n,
    )
