"""Runs that are held against each other: a side is a run, or all seeds of a config, and its label says what differs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Any

from mgic.figures.columns import goal_of, headlines
from mgic.figures.samples import SEED, config_of, differing, is_number, label, seed_words, without_seeds
from mgic.figures.words import value
from mgic.records import Config, ExperimentInfo, Run, RunStatus, telling_keys

BY_RUN, BY_CONFIG = "run", "config"
MOST_SIDES = 8
ID = "run"  # stands where nothing else tells two sides apart


@dataclass(frozen=True)
class Side:
    """One of those that are compared.

    Args:
        letter: By which tables and plots name it; A is what the others are held against.
        label: What sets it apart.
        runs: One, or the seeds of a config.
        config: What all its runs have, with the experiment; see `config_of`.
    """

    letter: str
    label: str
    runs: tuple[Run, ...]
    config: Config

    @property
    def title(self) -> str:
        return f"{self.letter}: {self.label}"

    @property
    def seeds(self) -> list[str]:
        return [words for run in self.runs if (words := seed_words(config_of(run)))]

    def numbers(self, read: "Metric") -> dict[str, float]:
        """By seed, of the runs that have one; of the same seed twice, the later one counts."""
        found = {}
        for run in self.runs:
            one = read.of(run)
            if one is not None:
                found[seed_words(config_of(run)) or str(run.id)] = one
        return found


@dataclass(frozen=True)
class Metric:
    """A number of a result: a scalar field, or a column of a table at one key.

    Args:
        name: Of the field or the column.
        table: Of the result; None of a scalar.
        key: The columns that tell the row, with their values.
    """

    name: str
    table: str | None = None
    key: tuple[tuple[str, Any], ...] = ()

    @property
    def title(self) -> str:
        at = ", ".join(f"{name} {value(one)}" for name, one in self.key)
        return f"{self.name}, {at}" if at else self.name

    def of(self, run: Run) -> float | None:
        if run.status is not RunStatus.SUCCEEDED:
            return None
        rows = [run.result or {}] if self.table is None else (run.result or {}).get(self.table) or []
        found = (row.get(self.name) for row in rows if all(row.get(name) == one for name, one in self.key))
        one = next(found, None)
        return float(one) if is_number(one) else None


def has_seeds(runs: Sequence[Run]) -> bool:
    """Whether some of them differ in the seed only, and others in more."""
    return 1 < len({_key(run) for run in runs}) < len(runs)


def sides(runs: Sequence[Run], by: str) -> list[Side]:
    """In the order of their first runs; no more than `MOST_SIDES`."""
    parts: dict[str, list[Run]] = {}
    for run in runs:
        parts.setdefault(_key(run) if by == BY_CONFIG else str(run.id), []).append(run)
    made = [_side(part, by) for part in list(parts.values())[:MOST_SIDES]]
    configs = [side.config for side in made]
    fields = differing(configs)
    seeds: dict[str, None] = {}
    if by == BY_RUN:
        seeds = dict.fromkeys(name for config in configs for name in config if name.rpartition(".")[2] == SEED)
        seeds = {name: None for name in seeds if len({value(config.get(name)) for config in configs}) > 1}
    fields = (*_telling(configs, [name for name in fields if name not in seeds]), *seeds)
    names = [label(side.config, fields) for side in made]
    return [
        replace(side, letter=letter, label=name if name and names.count(name) == 1 else f"{name} {_runs(side)}".strip())
        for letter, side, name in zip(ascii_uppercase, made, names, strict=False)
    ]


def best_configs(runs: Sequence[Run], infos: Mapping[str, ExperimentInfo], most: int) -> tuple[list[Run], str]:
    """The runs of so many configs with the best means of the main metric, best first; and which that is, in words."""
    parts: dict[str, list[Run]] = {}
    for run in runs:
        parts.setdefault(_key(run), []).append(run)
    if len(parts) <= most:
        return list(runs), ""
    metric = main_metric(runs, infos)
    goal = next((goal for info in infos.values() if metric and (goal := goal_of(info, metric.name))), None)
    if metric is None or goal is None:
        return [
            run for part in list(parts.values())[:most] for run in part
        ], f"the first {most} of {len(parts)} configs"

    def rank(part: list[Run]) -> float:
        found = [one for run in part if (one := metric.of(run)) is not None]
        mean = sum(found) / len(found) if found else None
        return float("inf") if mean is None else -mean if goal == "max" else mean

    best = sorted(parts.values(), key=rank)[:most]
    return [
        run for part in best for run in part
    ], f"the {most} of {len(parts)} configs with the best mean {metric.title}"


def metrics(runs: Sequence[Run], infos: Mapping[str, ExperimentInfo], tables: bool) -> list[Metric]:
    """The numbers that at least one of the runs has: those first of which an end is good: headlines, then
    what the experiment draws.

    With `tables` also the columns of tables of which an end is good, each row by its key.
    """
    named = dict.fromkeys(name for run in runs for name, one in (run.result or {}).items() if is_number(one))
    heads = [name for info in infos.values() for name in headlines(info)]
    found = [Metric(name) for name in named]
    if tables:
        found += [one for info in infos.values() for one in _of_tables(runs, info)]
    drawn = [view.y for info in infos.values() for view in info.views]

    def rank(one: Metric) -> tuple[bool, bool, int]:
        place = drawn.index(one.name) if one.name in drawn else len(drawn)
        return not _has_goal(one, infos), one.name not in heads, place

    return sorted(found, key=rank)


def _of_tables(runs: Sequence[Run], info: ExperimentInfo) -> list[Metric]:
    """In the order of the columns, each with its rows."""
    results = [run.result for run in runs if run.experiment == info.name and run.result]
    found: dict[Metric, int] = {}
    for name, table in info.tables.items():
        keys = telling_keys(table, results, ())
        for row in (row for result in results for row in result.get(name) or ()):
            key = tuple((one, row[one]) for one in keys if one in row)
            for place, column in enumerate(table.columns):
                if is_number(row.get(column)) and goal_of(info, column) and column not in table.keys:
                    found.setdefault(Metric(column, name, key), place)
    return sorted(found, key=lambda one: found[one])


def _has_goal(metric: Metric, infos: Mapping[str, ExperimentInfo]) -> bool:
    return any(goal_of(info, metric.name) for info in infos.values())


def worst_grade(given: Sequence[Side]) -> str | None:
    """Of the validity of what runs measured, A to D; None where nothing is graded."""
    found = [grade for side in given for run in side.runs if isinstance(grade := (run.result or {}).get("grade"), str)]
    return max(found, default=None)


def main_metric(runs: Sequence[Run], infos: Mapping[str, ExperimentInfo]) -> Metric | None:
    """What is looked at first: the first of which an end is good, of tables where no scalar is of that kind."""
    for tables in (False, True):
        for one in metrics(runs, infos, tables):
            if _has_goal(one, infos):
                return one
    return None


def config_rows(given: Sequence[Side], every: bool) -> list[dict[str, str]]:
    """A row a field, a column a side; those that differ, or all."""
    names = list(dict.fromkeys(name for side in given for name in side.config))
    rows = []
    for name in names:
        found = [value(side.config[name]) if name in side.config else "" for side in given]
        if every or len(set(found)) > 1:
            rows.append({"field": name} | {side.letter: one for side, one in zip(given, found, strict=True)})
    seeds = [", ".join(side.seeds) for side in given]
    if any(SEED not in side.config and side.seeds for side in given) and (every or len(set(seeds)) > 1):
        rows.append({"field": "seeds"} | {side.letter: one for side, one in zip(given, seeds, strict=True)})
    return rows


def environment_rows(given: Sequence[Side], every: bool) -> list[dict[str, str]]:
    """A row a key of what the runs ran on and with; what a side's own runs differ in has all its values."""
    flat = {side.letter: [_flat(run.environment or {}) for run in side.runs if run.environment] for side in given}
    names = dict.fromkeys(name for found in flat.values() for one in found for name in one)
    rows = []
    for name in names:
        cells = {
            letter: "; ".join(dict.fromkeys(one[name] for one in found if name in one))
            for letter, found in flat.items()
        }
        if every or len(set(cells.values())) > 1:
            rows.append({"key": name} | cells)
    return rows


def _side(part: Sequence[Run], by: str) -> Side:
    config = {"experiment": part[0].experiment} | config_of(part[0])
    return Side("", "", tuple(part), config if by == BY_RUN else without_seeds(config))


def _key(run: Run) -> str:
    return json.dumps([run.experiment, without_seeds(config_of(run))], sort_keys=True)


def _telling(configs: Sequence[Config], fields: Sequence[str]) -> tuple[str, ...]:
    """As few of them, in their order, as tell as many configs apart as all do: a label is to be short."""
    kept: tuple[str, ...] = ()
    for name in fields:
        if len({label(one, (*kept, name)) for one in configs}) > len({label(one, kept) for one in configs}):
            kept = (*kept, name)
    return kept


def _runs(side: Side) -> str:
    return f"{ID} {str(side.runs[0].id)[:8]}"


def _flat(given: Mapping[str, Any], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, one in given.items():
        if isinstance(one, Mapping):
            found |= _flat(one, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value(one) if not isinstance(one, list) else json.dumps(one)
    return found
