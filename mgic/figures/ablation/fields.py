"""Which fields runs differ in, which results they have, and which runs are no measurement of either."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mgic.figures.choice import GUESSING, WORDS
from mgic.figures.columns import goal_of, unit_of
from mgic.figures.cost_axis import COST_COLUMN
from mgic.figures.samples import SEED, Sample, differing, is_number
from mgic.figures.words import value
from mgic.records import Config, ExperimentInfo, Run, Sweep, Value, stopped_early

AXES = ("group_size", "coarsest_size")  # where both vary
MOST_LEVELS = 12  # of a field that makes a grid; one with more was searched over
POINTS = "%"


@dataclass(frozen=True)
class Data:
    """Runs of one experiment, of one sweep or several; what the address asks for decides what there is to choose."""

    info: ExperimentInfo
    sweeps: tuple[Sweep, ...]
    runs: tuple[Run, ...]
    asked: Mapping[str, str] = field(default_factory=dict)


def unfit(sample: Sample) -> str:
    """Why a run is not in a mean: it was not trained to the end, or learnt nothing; empty if it may be."""
    if stopped_early(sample.values):
        return "◑ stopped early"
    return f"✖ {WORDS}" if sample.values.get(GUESSING) is True else ""


def config_of(run: Run) -> Config:
    """Without the runs that it is made from: those are as many as there are runs."""
    return {name: one for name, one in run.config.items() if name not in run.made_from}


def varied(runs: Iterable[Run]) -> tuple[str, ...]:
    return differing([config_of(run) for run in runs])


def metrics(data: Data) -> tuple[str, ...]:
    """The numbers of a result that any run has, in the order of the experiment."""
    results = [run.result or {} for run in data.runs]
    names = data.info.result_schema.get("properties", {})
    return tuple(name for name in names if any(is_number(one.get(name)) for one in results))


def first_metric(data: Data) -> str:
    """What the experiment's first view draws; else its first number with a good end."""
    known = metrics(data)
    drawn = [view.y for view in data.info.views if view.y in known and view.y != COST_COLUMN]
    aimed = [name for name in known if goal_of(data.info, name)]
    return next(iter([*drawn, *aimed, *known]), "")


def levels(runs: Iterable[Run], name: str) -> list[Value]:
    """The values of a field, numbers by size before names."""
    found = {value(run.config[name]): run.config[name] for run in runs if name in run.config}
    return sorted(found.values(), key=lambda one: (0, one, "") if is_number(one) else (1, 0, value(one)))


def first_axes(data: Data) -> tuple[str, str]:
    """The two sizes where both vary; else the first fields that do, of few values and numeric ones before others, and
    where only one does, a field that does not."""
    names = varied(data.runs)
    if set(AXES) <= set(names):
        return AXES
    every = {name: levels(data.runs, name) for name in names}
    numeric = [name for name in names if all(is_number(one) for one in every[name])]
    order = sorted(names, key=lambda name: (len(every[name]) > MOST_LEVELS, name not in numeric))
    constant = [name for name in (data.runs[0].config if data.runs else {}) if name not in (*order, SEED)]
    return tuple([*order, *constant, "", ""][:2])  # type: ignore[return-value]


def key(config: Config, without: Sequence[str]) -> str:
    return json.dumps({name: one for name, one in config.items() if name not in (*without, SEED)}, sort_keys=True)


def unit_words(info: ExperimentInfo, metric: str) -> str:
    """With a blank before it; a difference of percentages is in points."""
    unit = unit_of(info, metric)
    return " points" if unit == POINTS else f" {unit}" if unit else ""


def scalars(results: Iterable[Mapping[str, Any]], name: str) -> list[float]:
    return [float(one[name]) for one in results if is_number(one.get(name))]
