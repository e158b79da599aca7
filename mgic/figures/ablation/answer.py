"""Does a value of a field suffice? The answer in a sentence, its steps, and the runs that would settle it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from mgic.figures.ablation.fields import MOST_LEVELS
from mgic.figures.ablation.part import Part
from mgic.figures.ablation.reference import signed
from mgic.figures.heatmap import At
from mgic.figures.samples import SEED, is_number
from mgic.figures.words import number, seconds, value
from mgic.records import Grid, Reason, Run, RunStatus, Value
from mgic.statistics import Proposal, Step, Sufficiency, Verdict, equivalence, proposal, sufficiency, turned
from mgic.statistics.factorial import Grid as Values


@dataclass(frozen=True)
class Runs:
    """Runs to submit: why, what they cost, and as grids."""

    why: str
    count: int
    seconds: float | None  # all of them one after another, by what such runs took
    grids: tuple[Grid, ...]

    @property
    def cost(self) -> str:
        """`8 runs, 3 min`."""
        time = f", {seconds(self.seconds)}" if self.seconds is not None else ""
        return f"{self.count} run{'s' if self.count > 1 else ''}{time}"


@dataclass(frozen=True)
class Answer:
    """To whether a value of a field suffices.

    Args:
        field: Of the columns or the rows.
        verdict: In a word or two.
        sentence: The answer.
        numbers: Those that it rests on, and what is lacking.
        steps: A row a step past it.
        next: The runs that would tell most, where it is open.
        all: The seeds that would settle it, where it is open and some number would.
    """

    field: str
    verdict: Verdict
    sentence: str
    numbers: str
    steps: tuple[dict[str, Any], ...]
    next: Runs | None = None
    all: Runs | None = None


@dataclass(frozen=True)
class Axis:
    """One field of a part as the columns of a grid, whichever way it is drawn."""

    part: Part
    across: bool  # the field of x, and not of y

    @property
    def field(self) -> str:
        return self.part.x if self.across else self.part.y

    @property
    def other(self) -> str:
        return self.part.y if self.across else self.part.x

    @property
    def title(self) -> str:
        return self.part.title(self.field)

    @property
    def others(self) -> str:
        """The title of the other field."""
        return self.part.title(self.other)

    @property
    def levels(self) -> list[Value]:
        return self.part.map.xs if self.across else self.part.map.ys

    @property
    def rows(self) -> list[Value]:
        return self.part.map.ys if self.across else self.part.map.xs

    @property
    def grid(self) -> Values:
        return self.part.grid if self.across else turned(self.part.grid)

    @property
    def asked(self) -> dict[At, set[int]]:
        asked = self.part.asked
        return asked if self.across else {(x, y): seeds for (y, x), seeds in asked.items()}

    @property
    def ordered(self) -> bool:
        return 1 < len(self.levels) <= MOST_LEVELS and all(is_number(one) for one in self.levels)

    def runs(self, row: int, column: int) -> tuple[Run, ...]:
        y, x = (row, column) if self.across else (column, row)
        return self.part.map.cells[y][x].runs

    def hopeless(self) -> set[At]:
        """Cells that cannot be made, or of which every run has failed."""
        every = [(row, column) for row in range(len(self.rows)) for column in range(len(self.levels))]
        return {at for at in every if (runs := self.runs(*at)) and all(_failed(run) for run in runs)}


def _failed(run: Run) -> bool:
    return run.status is RunStatus.FAILED or run.reason is Reason.INVALID


def axes(part: Part) -> list[Axis]:
    return [Axis(part, True), Axis(part, False)]


def answer(axis: Axis, level: Value, margin: float, looks: int) -> Answer | None:
    """None where nothing lies past the value, or neither end of the metric is good."""
    goal = axis.part.goal
    base = axis.levels.index(level)
    past = range(base + 1, len(axis.levels))
    if not axis.ordered or not past or goal is None or not axis.grid:
        return None
    judged = sufficiency(axis.grid, base, past, margin, goal, looks)
    steps = tuple(_row(axis, judged, step, level, margin) for step in judged.steps)
    told = _sentence(axis, judged, level, margin)
    if judged.verdict != "not settled":
        return Answer(axis.field, *told, steps)
    found = proposal(axis.asked, judged, base, margin, axis.hopeless())
    return Answer(
        axis.field, *told, steps,
        _next(axis, found) if found else None,
        _all(axis, judged, base) if judged.more else None,
    )  # fmt: skip


def _row(axis: Axis, judged: Sufficiency, step: Step, level: Value, margin: float) -> dict[str, Any]:
    gain = step.gain
    both = equivalence(gain, margin) if gain else None
    interval = gain.interval if gain else None
    return {
        "step": f"{axis.title} {value(level)} to {value(axis.levels[step.column])}",
        "gain": gain.mean if gain else None,
        "low": interval[0] if interval else None,
        "high": interval[1] if interval else None,
        "n": gain.n if gain else 0,
        "over": f"{axis.others} {', '.join(value(axis.rows[row]) for row in step.pairs)}",
        "p (gain under the margin)": step.p_less,
        "p (gain over the margin, Holm)": step.p_more,
        "p (equivalent, TOST)": both.p if both else None,
        "told": _told(step, judged.level),
    }


def _told(step: Step, level: float) -> str:
    if step.p_less is not None and step.p_less < level:
        return "less than the margin"
    if step.p_more is not None and step.p_more < level:
        return "more than the margin"
    return "open" if step.gain is not None else "no common seed"


def _sentence(axis: Axis, judged: Sufficiency, level: Value, margin: float) -> tuple[Verdict, str, str]:
    """The verdict, the answer, and the numbers behind it."""
    metric, within = axis.part.title(axis.part.metric), within_words(axis.part, margin)
    told = f"{axis.title} = {value(level)}"
    gains = _gains(axis, judged, judged.steps)
    lost = axis.part.lost(axis.levels.index(level), not axis.across)
    open_ = f"Whether {told} suffices is not settled."
    if judged.verdict == "suffices" and lost:
        runs = f"{lost} run{'s' if lost > 1 else ''} at {value(level)} failed or learnt nothing"
        return "not settled", open_, f"{runs}. Of the others, {metric} gains less than {within} past it: {gains}."
    if judged.verdict == "suffices":
        return "suffices", f"{told} suffices.", f"Past it {metric} gains less than {within} at every step: {gains}."
    if judged.verdict == "does not suffice":
        large = [step for step in judged.steps if step.p_more is not None and step.p_more < judged.level]
        gains = _gains(axis, judged, large)
        return "does not suffice", f"{told} does not suffice.", f"Past it {metric} gains more than {within}: {gains}."
    return "not settled", open_, f"Gains of {metric} past it: {gains}. The margin is {within}. {_needed(judged)}"


def _gains(axis: Axis, judged: Sufficiency, steps: Sequence[Step]) -> str:
    """With the intervals whose upper ends are what the tests read: of 90 % at a level of 5 %."""
    told = "; ".join(_gain(axis, step, judged.level) for step in steps)
    return f"{told} ({100 - 200 * judged.level:.3g} % intervals)" if "[" in told else told


def _gain(axis: Axis, step: Step, level: float) -> str:
    to = f"at {value(axis.levels[step.column])}:"
    if step.gain is None:
        return f"{to} no run has the same seed"
    interval = step.gain.within(level)
    if interval is None:
        return f"{to} {signed(step.gain.mean)}, n = {step.gain.n}, too few for an interval"
    low, high = (signed(end) for end in interval)
    return f"{to} {signed(step.gain.mean)} [{low}, {high}], n = {step.gain.n}"


def _needed(judged: Sufficiency) -> str:
    if judged.more is not None:
        many = "seed" if judged.more == 1 else "seeds"
        return f"About {judged.more} {many} more in every cell would settle it, in 4 of 5 tries."
    if any(step.gain is None or step.gain.error is None for step in judged.steps):
        return "How far seeds spread is not known yet: at least 2 more in every cell."
    return "The gain lies so near the margin that 100 seeds would not settle it."


def _next(axis: Axis, found: Proposal) -> Runs:
    """Which cell, with its partner, and why this one."""
    row, step = value(axis.rows[found.row]), f"the step to {value(axis.levels[found.column])}"
    if found.empty:
        why = f"nothing is known there of {step}, and the answer is of all values of {axis.others}"
    elif found.error is None or found.error_then is None:
        why = f"{step} has too few pairs for a spread"
    else:
        errors = f"{number(found.error, 2)} to {number(found.error_then, 2)}{axis.part.unit}"
        why = f"for a run, nothing else lowers the error of {step} as much, from {errors}"
        why += f"; it is settled then in {found.settled:.0%} of tries" if found.settled is not None else ""
    cells = " and ".join(value(axis.levels[column]) for column in sorted(found.missing))
    seeds = max((seeds for seeds in found.missing.values()), key=len)
    what = f"{axis.others} {row} at {axis.title} {cells}, {_seeds(seeds)}: {why}"
    return Runs(what, found.runs, _time(axis, found.runs), _grids(axis, found.row, found.missing))


def within_words(part: Part, margin: float) -> str:
    return "1 point" if margin == 1 and part.unit == " points" else f"{number(margin)}{part.unit}"


def _seeds(seeds: Sequence[int]) -> str:
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    whole = len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return f"seeds {seeds[0]} to {seeds[-1]}" if whole else f"seeds {', '.join(map(str, seeds))}"


def _all(axis: Axis, judged: Sufficiency, base: int) -> Runs:
    """As many new seeds in every cell from the value in question on."""
    new = judged.more or 0
    asked = [seed for seeds in axis.asked.values() for seed in seeds]
    first = max(asked, default=-1) + 1
    seeds = list(range(first, first + new))
    columns = [base, *(step.column for step in judged.steps)]
    rows = [row for row in range(len(axis.rows)) if any(axis.runs(row, column) for column in columns)]
    fields = {
        axis.other: [axis.rows[row] for row in rows],
        axis.field: [axis.levels[column] for column in columns],
        SEED: seeds,
    }
    count = len(rows) * len(columns) * new
    grid: Grid = {**_constants(axis, next(iter(rows), 0)), **fields}  # type: ignore[dict-item]
    return Runs(f"{new} seed{'s' if new > 1 else ''} more in every cell", count, _time(axis, count), (grid,))


def _grids(axis: Axis, row: int, missing: Mapping[int, Sequence[int]]) -> tuple[Grid, ...]:
    """Cells that lack the same seeds share a grid."""
    by_seeds: dict[tuple[int, ...], list[int]] = {}
    for column, seeds in missing.items():
        by_seeds.setdefault(tuple(seeds), []).append(column)
    constants = _constants(axis, row)
    return tuple(
        {
            **constants,
            axis.other: [axis.rows[row]],
            axis.field: [axis.levels[column] for column in sorted(columns)],
            SEED: list(seeds),
        }
        for seeds, columns in by_seeds.items()
    )


def _constants(axis: Axis, row: int) -> Grid:
    """What a run of this row was asked for, or one of another row, besides what varies."""
    near = [run for column in range(len(axis.levels)) for run in axis.runs(row, column)]
    chosen = next(iter([*near, *axis.part.runs]))
    return {name: [one] for name, one in chosen.requested.items() if name not in (axis.field, axis.other, SEED)}


def _time(axis: Axis, count: int) -> float | None:
    took = [run.seconds for run in axis.part.runs if run.seconds is not None and run.whole]
    return count * median(took) if took else None


def default_level(axis: Axis) -> Value | None:
    """The paper's 16 and 8 where something lies past them; else the last but one."""
    paper = {"coarsest_size": 16, "group_size": 8}.get(axis.field)
    inner = axis.levels[:-1]
    if not axis.ordered or not inner:
        return None
    return paper if paper in inner else inner[-1]


def default_margin(part: Part) -> float:
    """Half a point; of what is no percentage a hundredth of its usual size, in one digit."""
    if part.unit == " points":
        return 0.5
    found = [abs(one) for values in part.grid.values() for one in values.values()]
    return float(f"{0.01 * median(found):.0e}") if found and median(found) else 0.01
