"""Is a value of a field enough, so that going past it gains less than a margin? And which runs would settle it?

The sentence behind it is the paper's: "no significant gain past s_c = 16 or s_g = 8".
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

from mgic.statistics.comparison import LEVEL, Difference, Seed, holm, standard_error
from mgic.statistics.distributions import student_power
from mgic.statistics.factorial import Cell, Grid, effect, pairs
from mgic.statistics.replication import MOST_SEEDS, POWER

MOST_PROPOSED = 8  # seeds at once: look again after those

Verdict = Literal["suffices", "does not suffice", "not settled"]


@dataclass(frozen=True)
class Step:
    """From the value in question to one past it.

    Args:
        column: The one it leads to.
        gain: Over the value in question, positive where it is better; None where no run can be compared.
        pairs: By row, how many seeds both have.
        p_less: That the gain is the margin or more; small: it is less.
        p_more: That it is the margin or less, adjusted for all steps (Holm); small: it is more.
    """

    column: int
    gain: Difference | None
    pairs: Mapping[int, int]
    p_less: float | None
    p_more: float | None


@dataclass(frozen=True)
class Sufficiency:
    """The answer to all steps together.

    Args:
        verdict: `suffices` where every gain is less than the margin, each tested at the level: a claim of all of them
            needs no correction (an intersection-union test; Berger 1982,
            https://doi.org/10.1080/00401706.1982.10487790). `does not suffice` where any is more, at the level for all
            tests together.
        steps: One for each column past the one in question.
        level: Of the tests.
        more: Seeds a cell, beyond those that are there, with which it were settled in 4 of 5 tries if the gains
            and their spread stay as they are; None where it is settled, where 100 seeds would not do, or nothing is
            known of the spread.
    """

    verdict: Verdict
    steps: tuple[Step, ...]
    level: float = LEVEL
    more: int | None = None


@dataclass(frozen=True)
class Proposal:
    """Runs that would make the answer surer than as many others.

    Args:
        row, column: The cell past the value in question, which is compared with the one before it.
        missing: The seeds that each cell lacks, by column.
        error: Standard error of the gain now, None where it is not known, and with these runs.
        settled: How probable it then is that this step is settled, if gain and spread stay as they are.
        empty: Whether this row says nothing of the step yet.
    """

    row: int
    column: int
    missing: Mapping[int, tuple[int, ...]]
    error: float | None
    error_then: float | None
    settled: float | None
    empty: bool

    @property
    def runs(self) -> int:
        return sum(map(len, self.missing.values()))


def sufficiency(
    grid: Grid, base: int, past: Collection[int], margin: float, goal: Literal["min", "max"], looks: int = 1
) -> Sufficiency:
    """Judge the column `base` against all of `past`.

    Args:
        grid: Rows by columns; what holds for their mean over rows is asked.
        base: The column in question.
        past: Columns beyond it.
        margin: A gain below it does not count, in the unit of the values; above 0.
        goal: Whether larger or smaller values are the better ones.
        looks: How often it is judged in all while seeds are added until it is settled. The level of 5 % is shared out
            between them, since the chance that one of them errs grows with their number.

    Raises:
        ValueError: A margin that is not above 0, no column past the base, or no look.
    """
    if not margin > 0 or not past or looks < 1:
        raise ValueError(f"a margin of {margin}, {len(past)} steps, {looks} looks: all of them must be above 0")
    level = LEVEL / looks
    found = {column: _step(grid, base, column, margin, 1.0 if goal == "max" else -1.0) for column in past}
    more = holm({column: step.p_more for column, step in found.items() if step.p_more is not None})
    steps = tuple(replace(step, p_more=more.get(column)) for column, step in found.items())
    if all(step.p_less is not None and step.p_less < level for step in steps):
        return Sufficiency("suffices", steps, level)
    if any(step.p_more is not None and step.p_more < level for step in steps):
        return Sufficiency("does not suffice", steps, level)
    return Sufficiency("not settled", steps, level, _more(steps, margin, level))


def _step(grid: Grid, base: int, column: int, margin: float, sign: float) -> Step:
    """Not yet corrected."""
    found = effect(grid, base, column)
    gain = found.times(sign) if found is not None else None
    counts = {row: len(part) for row, part in pairs(grid, base, column).items()}
    if gain is None:
        return Step(column, None, counts, None, None)
    return Step(column, gain, counts, gain.below(margin), gain.above(margin))


def _more(steps: tuple[Step, ...], margin: float, level: float) -> int | None:
    """Seeds a cell beyond the fewest there are; all gains must be seen to be small, or one to be large."""
    if any(step.gain is None or step.gain.error is None for step in steps):
        return None
    large = [step for step in steps if step.gain is not None and step.gain.mean >= margin]
    if large:
        needed = [_seeds(step, margin, level / len(steps), POWER) for step in large]
        found = min((n for n in needed if n is not None), default=None)
    else:
        needed = [_seeds(step, margin, level, 1 - (1 - POWER) / len(steps)) for step in steps]
        found = None if None in needed else max(n for n in needed if n is not None)
    if found is None:
        return None
    there = min(count for step in large or steps for count in step.pairs.values())
    return max(1, found - there)


def _seeds(step: Step, margin: float, level: float, power: float) -> int | None:
    """A cell, at least two, with which the step is told from the margin."""
    rows = len(step.pairs)
    for n in range(2, MOST_SEEDS + 1):
        if _power(step, margin, level, [n] * rows) >= power:
            return n
    return None


def _power(step: Step, margin: float, level: float, counts: list[int]) -> float:
    """How probably a step is told from the margin with so many pairs in each row."""
    spread = _spread(step)
    if step.gain is None or spread is None:
        return 0.0
    off, degrees = abs(margin - step.gain.mean), sum(counts) - len(counts)
    if degrees < 1 or off == 0:
        return 0.0
    error = standard_error(spread, counts)
    return student_power(degrees, off / error, level) if error else 1.0


def _spread(step: Step) -> float | None:
    """Standard deviation of a pair, from the error of the mean."""
    if step.gain is None or step.gain.error is None:
        return None
    return step.gain.error * len(step.pairs) / sqrt(sum(1 / n for n in step.pairs.values()))


def proposal(
    asked: Mapping[Cell, Collection[Seed]],
    judged: Sufficiency,
    base: int,
    margin: float,
    impossible: Collection[Cell] = (),
) -> Proposal | None:
    """The runs that bring an answer that is not settled furthest, for as many runs; None where there are none.

    The step is the one that holds up the answer: of gains below the margin the one that is least sure to be, or the
    one that is surest to be above it. In it a row that says nothing yet comes first, since the answer is of all rows;
    then the row that lowers the error of the gain most for a run.

    Args:
        asked: The seeds of each cell that have been submitted, whatever became of them.
        judged: What came of it.
        base: The column in question.
        margin: As judged.
        impossible: Cells that cannot be run.
    """
    if judged.verdict != "not settled":
        return None
    step = _in_the_way(judged.steps, margin)
    rows = sorted({row for row, _ in asked} - {row for row, column in impossible if column in (base, step.column)})
    candidates = [_candidate(row, step, base, asked, judged, margin) for row in rows]
    ranked = sorted(candidates, key=lambda one: (not one.empty, -_worth(one)))
    return next((one for one in ranked if one.runs), None)


def _in_the_way(steps: tuple[Step, ...], margin: float) -> Step:
    unknown = [step for step in steps if step.gain is None or step.gain.error is None]
    if unknown:
        return unknown[0]
    large = [step for step in steps if step.gain is not None and step.gain.mean >= margin]
    if large:
        return min(large, key=lambda step: 1.0 if step.p_more is None else step.p_more)
    return max(steps, key=lambda step: 1.0 if step.p_less is None else step.p_less)


def _worth(one: Proposal) -> float:
    if one.error is None or one.error_then is None:
        return 1 / one.runs if one.runs else 0.0
    return (one.error - one.error_then) / one.runs if one.runs else 0.0


def _candidate(
    row: int, step: Step, base: int, asked: Mapping[Cell, Collection[Seed]], judged: Sufficiency, margin: float
) -> Proposal:
    """So many more pairs in this row: first the seeds that one of the two cells has, then new ones."""
    here, there = set(asked.get((row, base), ())), set(asked.get((row, step.column), ()))
    more = min(judged.more or 2, MOST_PROPOSED)
    lone = sorted(seed for seed in here ^ there if isinstance(seed, int))
    fresh = (seed for seed in range(len(here | there) + more + MOST_SEEDS) if seed not in here | there)
    chosen = (lone + [next(fresh) for _ in range(more)])[:more]
    missing = {
        base: tuple(seed for seed in chosen if seed not in here),
        step.column: tuple(seed for seed in chosen if seed not in there),
    }
    counts = dict(step.pairs)
    counts[row] = counts.get(row, 0) + len(chosen)
    spread, gain = _spread(step), step.gain
    then = standard_error(spread, list(counts.values())) if spread is not None else None
    large = gain is not None and gain.mean >= margin
    level = judged.level / len(judged.steps) if large else judged.level
    settled = _power(step, margin, level, list(counts.values())) if spread is not None else None
    error = gain.error if gain is not None else None
    return Proposal(
        row, step.column, {c: s for c, s in missing.items() if s}, error, then, settled, row not in step.pairs
    )
