"""A table of results: a row a config, each number the mean over its seeds, the best in bold where that is shown."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from statistics import median
from typing import Any

from mgic.errors import BadConfig
from mgic.figures.columns import Goal, goal_of, is_result, short_title, unit_of
from mgic.figures.samples import SEED, Group, differing, groups, is_number, samples
from mgic.figures.words import NO_NUMBER, value
from mgic.records import ExperimentInfo, Run
from mgic.statistics import MIN_FOR_INTERVAL, holm, paired, unpaired
from mgic.statistics.comparison import LEVEL

PREFIXES = {9: "G", 6: "M", 3: "k", 0: "", -3: "1e-3", -6: "1e-6"}


@dataclass(frozen=True)
class Column:
    """A result; its numbers are printed in units of 10 to the `power`."""

    name: str
    title: str
    goal: Goal | None
    power: int = 0


@dataclass(frozen=True)
class Cell:
    """`mean` is None where no run has a number, `half` of the 95 % interval below 3 seeds."""

    mean: float | None
    half: float | None = None
    n: int = 0
    best: bool = False


@dataclass(frozen=True)
class Row:
    keys: tuple[str, ...]
    n: int  # seeds
    cells: tuple[Cell, ...]

    @property
    def mark(self) -> str:
        """What finds the row again when its words were changed in the paper."""
        return hashlib.sha256(json.dumps(self.keys).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Asked:
    """What a table is of.

    Args:
        of: Ids of sweeps and runs.
        by: Fields that make a row; none: all that differ.
        columns: Results, and the power of ten of their units, or None to choose one; none: those of the views.
        table: Of the results.
        at: The address it was made from.
    """

    of: tuple[str, ...]
    by: tuple[str, ...] = ()
    columns: Mapping[str, int | None] | None = None
    table: str | None = None
    at: str = ""


@dataclass(frozen=True)
class ResultTable:
    asked: Asked  # with all that was left to be chosen
    heads: tuple[str, ...]  # of the fields that make a row
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def result_table(runs: Sequence[Run], info: ExperimentInfo, asked: Asked) -> ResultTable:
    """The rows in the order of the runs.

    Raises:
        BadConfig: A field or a column that there is not, or a row that would mix configs that differ otherwise.
    """
    of = info.tables.get(asked.table) if asked.table else None
    if asked.table and of is None:
        raise BadConfig(f"the results of {info.name} have no table {asked.table}; they have {_listed(info.tables)}")
    found = groups(samples(runs, of, asked.by))
    by = asked.by or differing([group.config for group in found]) or _name_of(found)
    _check_by(by, found)
    names = list(asked.columns) if asked.columns else _usual(info, asked.table, found)
    _check_columns(names, found)
    powers = asked.columns or {}
    columns = tuple(_column(info, name, found, powers.get(name)) for name in names)
    cells = [[_cell(group, column.name) for column in columns] for group in found]
    best = [_best(found, column) for column in columns]
    rows = tuple(
        Row(
            tuple(_key(group, name) for name in by),
            len(group.samples),
            tuple(Cell(c.mean, c.half, c.n, number == best[at]) for at, c in enumerate(line)),
        )
        for number, (group, line) in enumerate(zip(found, cells, strict=True))
    )
    chosen = Asked(asked.of, tuple(by), {one.name: one.power for one in columns}, asked.table, asked.at)
    heads = tuple(short_title(info, name) for name in by)
    return ResultTable(chosen, heads, columns, rows, _notes(rows, columns))


def decimals(column: Column, rows: Sequence[Row], at: int) -> int:
    """Of all numbers of a column: two digits of the usual interval, or four of the largest number without one."""
    unit = 10.0**column.power
    halves = [cell.half / unit for row in rows if (cell := row.cells[at]).half]
    if halves:
        return min(6, max(0, 1 - math.floor(math.log10(median(halves)))))
    means = [abs(cell.mean) / unit for row in rows if (cell := row.cells[at]).mean]
    if not means or (column.power == 0 and all(mean == int(mean) for mean in means)):
        return 0
    return min(6, max(0, 3 - math.floor(math.log10(max(means)))))


def _key(group: Group, name: str) -> str:
    """A dash for an option that the model does not have."""
    return value(group.value(name)) if name in group.config else NO_NUMBER


def _name_of(found: Sequence[Group]) -> tuple[str, ...]:
    """Of a single config: its model, or its first field."""
    fields = dict.fromkeys(name for group in found for name in group.config)
    return tuple(name for name in fields if name == "model")[:1] or tuple(fields)[:1]


def _check_by(by: Sequence[str], found: Sequence[Group]) -> None:
    known = dict.fromkeys(name for group in found for name in group.config)
    for name in by:
        if found and name not in known:
            raise BadConfig(f"--by: no run has a field {name[:60]}; {_near(name, known)}")
    seen: dict[tuple[Any, ...], Group] = {}
    for group in found:
        other = seen.setdefault(tuple(value(group.config.get(name)) for name in by), group)
        if other is not group:
            apart = ", ".join(differing([other.config, group.config]))
            raise BadConfig(f"--by: a row of {', '.join(by)} would mix runs that differ in {apart}; name that too")


def _check_columns(names: Sequence[str], found: Sequence[Group]) -> None:
    known = dict.fromkeys(name for group in found for one in group.samples for name in one.values)
    for name in names:
        if found and name not in known:
            raise BadConfig(f"--columns: no result has {name[:60]}; {_near(name, known)}")


def _near(name: str, known: Mapping[str, Any]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {_listed(known)}"


def _listed(known: Mapping[str, Any]) -> str:
    return ", ".join(list(known)[:20]) or "none"


def _usual(info: ExperimentInfo, table: str | None, found: Sequence[Group]) -> list[str]:
    """What the views of the experiment draw, in their order."""
    views = [view for view in info.views if view.table == table and view.kind != "images"]
    drawn = dict.fromkeys(name for view in views for name in (view.y, view.z, view.x) if name)
    names = [name for name in drawn if is_result(info, name)] or list(info.result_schema.get("properties", {}))
    return [name for name in names if any(group.numbers(name) for group in found)]


def _column(info: ExperimentInfo, name: str, found: Sequence[Group], power: int | None) -> Column:
    if power is None:
        means = [abs(one.mean) for group in found if (one := group.summary(name)).n]
        largest = max(means, default=0.0)
        natural = 3 * math.floor(math.log10(largest) / 3) if largest else 0
        power = min(9, max(-6, natural)) if largest >= 10_000 or 0 < largest < 1e-3 else 0
    unit = " ".join(filter(None, [PREFIXES[power], unit_of(info, name)]))
    title = short_title(info, name)
    return Column(name, f"{title} ({unit})" if unit else title, goal_of(info, name), power)


def _cell(group: Group, name: str) -> Cell:
    of = group.summary(name)
    if not of.n:
        return Cell(None)
    half = (of.interval[1] - of.interval[0]) / 2 if of.interval else None
    return Cell(of.mean, half or None, of.n)


def _best(found: Sequence[Group], column: Column) -> int | None:
    """The row whose mean is better than that of every other one, at 5 % by Holm's rule; None where none is shown to be.

    Rows with common seeds are compared pair by pair, others by Welch's test.
    """
    means = {at: group.summary(column.name).mean for at, group in enumerate(found) if group.numbers(column.name)}
    if column.goal is None or len(means) < 2:
        return None
    best = (max if column.goal == "max" else min)(means, key=means.__getitem__)
    given = {other: _p(found[other], found[best], column.name) for other in means if other != best}
    ps = {other: p for other, p in given.items() if p is not None}
    return best if len(ps) == len(given) and all(p < LEVEL for p in holm(ps).values()) else None


def _p(one: Group, other: Group, name: str) -> float | None:
    """That there is no difference; None below 3 seeds, of which two may agree by chance."""
    pairs = [_by_seed(group, name) for group in (one, other)]
    if len(pairs[0].keys() & pairs[1].keys()) >= MIN_FOR_INTERVAL:
        return paired(*pairs).p
    sides = [group.numbers(name) for group in (one, other)]
    return unpaired(*sides).p if min(map(len, sides)) >= MIN_FOR_INTERVAL else None


def _by_seed(group: Group, name: str) -> dict[int, float]:
    return {
        one.values[SEED]: float(number)
        for one in group.samples
        if isinstance(one.values.get(SEED), int) and is_number(number := one.values.get(name))
    }


def _notes(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[str, ...]:
    """What the numbers are."""
    cells = [cell for row in rows for cell in row.cells]
    notes = ["Means over seeds"]
    if any(cell.half for cell in cells):
        notes[0] += " ± half of the 95 % t-interval, from 3 seeds on"
    if any(cell.best for cell in cells):
        notes.append("bold: better than every other row (t-test, paired where seeds are shared, Holm, 5 %)")
    fewer = [
        f"{column.name} of {', '.join(row.keys)}: {row.cells[at].n} of {row.n} seeds"
        for at, column in enumerate(columns)
        for row in rows
        if 0 < row.cells[at].n < row.n
    ]
    if any("macs" in column.name for column in columns):
        notes.append("MACs are multiply-accumulates of one sample, R and P included; FLOPs are twice that")
    return (*notes, *fewer)
