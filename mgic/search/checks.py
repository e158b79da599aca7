"""Whether a request for a search can be served: all that is wrong with it, at once."""

import random
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from mgic.errors import BadConfig, Problem
from mgic.experiment import EXPERIMENTS, Experiment, inputs_of
from mgic.records import CheckedSearch, Grid, Range, Search, SweepRequest, Value, numbers_of, stoppable_by
from mgic.search.space import Space
from mgic.sweep import expand, grids_of, repeated

MAX_VALUES = 2000  # on all axes; each is tried
DRAWS = 20  # cells with a value that is looked at, until one takes it


def check_search(request: SweepRequest) -> CheckedSearch:
    """Raises `BadConfig` or, for an experiment or recipe that is not there, `UnknownName`."""
    search = request.search
    assert search is not None
    name, grids, base = grids_of(request)
    experiment = EXPERIMENTS[name]
    problems = list(_form(request, search, grids, base))
    place = f"{base}/0" if base == "#/grids" else base
    fields = numbers_of(experiment.info.result_schema)
    goal = search.goal or fields.get(search.metric, {}).get("goal")
    problems += _objective(experiment, search, fields, goal)
    if len(grids) == 1:
        problems += _space(experiment, search, grids[0], place)
    if problems:
        raise BadConfig("; ".join(f"{p.pointer.removeprefix('#/')}: {p.detail}" for p in problems), tuple(problems))
    asked = {"experiment": name, "axes": grids[0], "grids": None, "recipe": None}
    curve = fields[search.metric].get("curve") if search.stop else None
    told = {"goal": goal, "space": _ranges(experiment, search)}
    resolved = request.model_copy(update=asked | {"search": search.model_copy(update=told)})
    return CheckedSearch(request=resolved, curve=curve)


def _form(request: SweepRequest, search: Search, grids: tuple[Grid, ...], base: str) -> Iterator[Problem]:
    if request.then is not None:
        yield Problem("#/then", "exclusive", "a search is followed by no second sweep: its runs are not known before")
    if len(grids) != 1:
        yield Problem(base, "one_grid", f"a search chooses from one grid, and here are {len(grids)}")
        return
    if not any(len(axis) > 1 for axis in grids[0].values()) and not search.space:
        words = "there is nothing to choose: give an axis of several values, or a range in search.space"
        yield Problem("#/search/space", "missing", words)
    values = sum(map(len, grids[0].values()))
    if values > MAX_VALUES:
        yield Problem(base, "too_many", f"a search has at most {MAX_VALUES} values on its axes, this one has {values}")


def _objective(
    experiment: Experiment, search: Search, fields: Mapping[str, Mapping[str, Any]], goal: str | None
) -> Iterator[Problem]:
    name = experiment.info.name
    if search.metric not in fields:
        near = get_close_matches(search.metric, fields, 1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(fields) or 'none'}"
        words = f"{name} has no number {search.metric[:60]!r} in its result; {hint}"
        yield Problem("#/search/metric", "unknown_metric", words)
    elif goal is None:
        words = f"say min or max: {name} does not tell which end of {search.metric} is the good one"
        yield Problem("#/search/goal", "missing", words)
    if search.sampler == "nsga2" and search.metric == "macs":
        yield Problem("#/search/metric", "same_goal", "nsga2 has fewer macs as its second goal already")
    if experiment.estimate is None:
        words = f"{name} does not count multiply-accumulates before it runs"
        if search.sampler == "nsga2":
            yield Problem("#/search/sampler", "no_macs", words)
        if search.max_macs is not None:
            yield Problem("#/search/max_macs", "no_macs", words)
    if search.stop is not None:
        yield from _stop(experiment, search, fields)


def _stop(experiment: Experiment, search: Search, fields: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    curves = stoppable_by(experiment.info.result_schema)
    if not curves:
        words = f"{experiment.info.name} reports no curve of its results while it runs: none of its runs can be stopped"
        yield Problem("#/search/stop", "no_curve", words)
    elif search.metric in fields and search.metric not in curves:
        words = f"{search.metric} has no curve to stop a run by; {', '.join(curves)} have one"
        yield Problem("#/search/stop", "no_curve", words)
    if search.sampler == "nsga2":
        yield Problem("#/search/stop", "two_goals", "a run is stopped by one metric, and nsga2 has two goals")


def _space(experiment: Experiment, search: Search, axes: Grid, place: str) -> Iterator[Problem]:
    properties = experiment.info.config_schema.get("properties", {})
    for name in inputs_of(experiment.info.config_schema).keys() & {*axes, *search.space}:
        where = f"{place}/{name}" if name in axes else f"#/search/space/{name}"
        yield Problem(where, "no_input", f"{name} names runs, and a search takes none as inputs")
    faulty = list(repeated(axes, place))
    for name, one in search.space.items():
        where = f"#/search/space/{_escaped(name)}"
        if name in axes:
            faulty.append(Problem(where, "exclusive", f"{name} has values on its axis already"))
        elif not one.whole and _takes(properties.get(name, {})) == {"integer"}:
            faulty.append(Problem(where, "int_type", f"{name} takes whole numbers: write min and max as such"))
    yield from faulty
    if not faulty and sum(map(len, axes.values())) <= MAX_VALUES:
        yield from _values(experiment.info.name, axes, search.space, place)


def _ranges(experiment: Experiment, search: Search) -> dict[str, Range]:
    """A field that takes any number is not kept to whole ones because its ends are written so."""
    properties = experiment.info.config_schema.get("properties", {})
    real = {name for name in search.space if _takes(properties.get(name, {})) == {"number"}}
    return {name: one.real if name in real else one for name, one in search.space.items()}


def _takes(schema: Mapping[str, Any]) -> set[str]:
    return {kind.get("type", "") for kind in schema.get("anyOf", [schema])} - {"null"}


def _values(experiment: str, axes: Grid, ranges: Mapping[str, Range], place: str) -> Iterator[Problem]:
    """Values that no cell takes, of some drawn at random; that of a range is faulty if one of its ends is."""
    space, draw = Space.of(axes, ranges), random.Random(0)
    ends: Grid = {name: [one.min, one.max] for name, one in ranges.items()}
    fine: set[tuple[str, str]] = set()
    for name, values in (*axes.items(), *ends.items()):
        for number, value in enumerate(values):
            fault: Problem | None = None
            for _ in range(DRAWS):
                if (name, repr(value)) in fine:
                    break
                cell = space.some_cell(draw, {name: value})
                fault = _fault(experiment, cell, name)
                if fault is None:
                    fine.add((name, repr(value)))
            if fault is not None:
                yield fault._replace(pointer=_pointer(name, number, axes, place))


def _pointer(name: str, number: int, axes: Grid, place: str) -> str:
    if name not in axes:
        return f"#/search/space/{_escaped(name)}/{('min', 'max')[number]}"
    return f"{place}/{_escaped(name)}" + (f"/{number}" if len(axes[name]) > 1 else "")


def _fault(experiment: str, cell: Mapping[str, Value], name: str) -> Problem | None:
    """What is wrong with this field of a cell; what other fields have, they are asked for themselves."""
    try:
        expand(SweepRequest(experiment=experiment, axes={field: [value] for field, value in cell.items()}))
    except BadConfig as error:
        mine = f"#/axes/{_escaped(name)}"
        return next((problem for problem in error.problems if problem.pointer == mine), None)
    return None


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
