"""A result over two fields of the config: a cell a pair, with its mean; a cell without a number says why."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mgic.figures.choice import guesses
from mgic.figures.columns import Goal
from mgic.figures.samples import (
    Group,
    Sample,
    differing,
    groups,
    is_number,
    label,
    samples,
    seed_words,
    spread,
    told,
    without_seeds,
)
from mgic.figures.words import ICONS, plain, value
from mgic.records import Config, Reason, Run, Table, Value, stopped_early
from mgic.statistics import rivals

NOT_ASKED = "not in this sweep"

At = tuple[int, int]  # row and column


@dataclass(frozen=True)
class Entry:
    """A run, or a row of its result, at its place; without a sample it has nothing to show, and `why` says so."""

    config: Config
    run: Run
    sample: Sample | None = None
    why: str = ""


@dataclass(frozen=True)
class Cell:
    """`mean` is None where there is no number; then `missing` says why."""

    mean: float | None
    half: float | None = None  # of the interval from 3 values on, else of the range; None for one value
    n: int = 0
    missing: str = ""
    hover: str = ""
    text: str | None = None  # written in the cell; None: mean and spread
    lost: int = 0  # seeds without a number that could be in the mean
    choice: float | None = None  # the mean of what is chosen by, where that is another column
    values: Mapping[str, float] = field(default_factory=dict)  # by seed, as it stands in JSON
    chosen_by: Mapping[str, float] = field(default_factory=dict)  # the same of what is chosen by
    runs: tuple[Run, ...] = ()  # all that were asked for


@dataclass(frozen=True)
class Heatmap:
    """Args:
    goal: Which end is the good one; None: neither, and no cell is the best.
    chosen: The cell to outline in place of the best.
    limits: Of the colours; None: the least and the largest mean.
    diverging: The means are differences, with a colour for each side of 0.
    """

    xs: list[Value]
    ys: list[Value]
    cells: list[list[Cell]]  # [y][x]
    chosen: At | None = None
    goal: Goal | None = None
    limits: tuple[float, float] | None = None
    diverging: bool = False

    def found(self) -> dict[At, Cell]:
        """The cells that have a number."""
        every = ((cell, y, x) for y, row in enumerate(self.cells) for x, cell in enumerate(row))
        return {(y, x): cell for cell, y, x in every if cell.mean is not None}

    @property
    def best(self) -> At | None:
        """The best mean of what is chosen by, the first of equals; None where neither end is good."""
        if self.goal is None:
            return None
        sign = -1 if self.goal == "max" else 1
        worth = {at: cell.mean if cell.choice is None else cell.choice for at, cell in self.found().items()}
        known = [(sign * mean, at) for at, mean in worth.items() if mean is not None]
        return min(known)[1] if known else None

    @cached_property
    def tied(self) -> frozenset[At]:
        """The cells that nothing tells apart from the best: not a t-test on runs of the same seed."""
        best = self.best
        if best is None or self.chosen is not None:
            return frozenset()
        grid = {at: cell.chosen_by or cell.values for at, cell in self.found().items()}
        return frozenset(at for at, rival in rivals(grid, best).items() if rival.tied)

    @property
    def all_tied(self) -> bool:
        """Whether no cell can be told from the best: to outline all of them says nothing."""
        return bool(self.tied) and len(self.tied) + 1 == len(self.found())


def entries(
    runs: Sequence[Run],
    table: Table | None = None,
    shown: Sequence[str] = (),
    leave_out: Callable[[Sample], str] | None = None,
) -> list[Entry]:
    """All that may stand in a grid: the samples of runs that succeeded, and the runs that did not.

    Args:
        runs: Those of a sweep.
        table: Of the result, a sample a row of it; None: a sample a run.
        shown: The columns of the plot.
        leave_out: Why a sample is not to be in a mean, empty if it may; None: all may.
    """
    by_id = {str(run.id): run for run in runs}
    measured = [(one, leave_out(one) if leave_out else "") for one in samples(runs, table, shown)]
    found = [Entry(one.config, by_id[one.run_id], None if why else one, why) for one, why in measured]
    rest = [run for run in runs if not run.whole]
    retried = {run.retry_of for run in runs}
    return found + [Entry(run.config, run, None, _why(run)) for run in rest if run.id not in retried]


def facets(given: Sequence[Entry], x: str, y: str) -> dict[str, list[Entry]]:
    """Entries that have both fields, apart by all else but the seed, under what sets each part apart."""
    rest: dict[str, list[Entry]] = {}
    for entry in given:
        if x in entry.config and y in entry.config:
            key = {name: one for name, one in without_seeds(entry.config).items() if name not in (x, y)}
            rest.setdefault(json.dumps(key, sort_keys=True), []).append(entry)
    fields = differing([json.loads(key) for key in rest])
    return {label(json.loads(key), fields) or "all runs": part for key, part in rest.items()}


def heatmap_info(
    given: Sequence[Entry], x: str, y: str, z: str, unit: str = "", goal: Goal | None = None, by: str | None = None
) -> Heatmap:
    """One cell for each pair of values that occur, in ascending order; the best is chosen by `by`, or else by `z`."""
    xs, ys = _values(given, x), _values(given, y)
    at: dict[tuple[str, str], list[Entry]] = {}
    for entry in given:
        at.setdefault((value(entry.config[x]), value(entry.config[y])), []).append(entry)
    cells = [[_cell(at.get((value(one), value(other)), []), (x, y), z, unit, by or z) for one in xs] for other in ys]
    return Heatmap(xs, ys, cells, goal=goal)


def best_note(info: Heatmap, by: str) -> str:
    """What the outlines of a map are."""
    best = f"Solid line: the {'highest' if info.goal == 'max' else 'lowest'} mean of {by}."
    test = "a paired t-test, with Holm's correction"
    if info.all_tied:
        return f"{best} No other cell can be told from it by {test}."
    return f"{best} Dashed: {len(info.tied)} that cannot be told from it by {test}." if info.tied else best


def _cell(given: Sequence[Entry], names: tuple[str, str], z: str, unit: str, by: str) -> Cell:
    if not given:
        return Cell(None, missing=NOT_ASKED)
    where = ", ".join(f"{name}={value(given[0].config[name])}" for name in names)
    left = [entry.why for entry in given if entry.sample is None]
    runs = tuple(entry.run for entry in given)
    why = "<br>".join(plain(reason) for reason in dict.fromkeys(left))
    found = groups(entry.sample for entry in given if entry.sample is not None)
    of = found[0].summary(z) if found else None
    if of is None or of.n == 0:
        return Cell(None, missing=why or f"no {z}", hover=f"{plain(where)}<br>{why}", runs=runs)
    below, above = spread(of)
    said = [where, told(found[0], z, unit), told(found[0], by, unit) if by != z else "", guesses(found[0])]
    hover = "<br>".join([*(plain(line) for line in said if line), *([why] if why else [])])
    values, chosen_by = _by_seed(found[0], z), _by_seed(found[0], by) if by != z else {}
    return Cell(
        of.mean,
        (below + above) / 2 if of.n > 1 else None,
        of.n,
        why,
        hover,
        lost=max(len(found[0].lost), len({_seed(one.config) for one in given if one.sample is None} - values.keys())),
        choice=found[0].summary(by).mean if by != z else None,
        values=values,
        chosen_by=chosen_by,
        runs=runs,
    )


def _by_seed(group: Group, column: str) -> dict[str, float]:
    found = {_seed(sample.config): sample.values.get(column) for sample in group.samples}
    return {seed: float(one) for seed, one in found.items() if one is not None and is_number(one)}


def _seed(config: Config) -> str:
    return seed_words(config)


def _why(run: Run) -> str:
    """A run that cannot be made at all is impossible; the others say how far they came."""
    if run.reason is Reason.INVALID:
        return "⊘ impossible"
    if stopped_early(run.result):
        return "◑ stopped early"
    return f"{ICONS[run.status]} {f'failed: {run.reason.value}' if run.reason else run.status.value}"


def _values(given: Sequence[Entry], name: str) -> list[Value]:
    found = {value(entry.config[name]): entry.config[name] for entry in given}
    return sorted(found.values(), key=lambda one: (0, one, "") if isinstance(one, (int, float)) else (1, 0, value(one)))
