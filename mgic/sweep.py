"""Turn a request for grids into the points of a sweep, each one checked before anything is queued."""

import json
import time
from collections.abc import Iterator, Mapping
from itertools import islice, product
from math import prod
from typing import Any

from pydantic import ValidationError

from mgic.errors import BadConfig, Problem, SweepTooLarge, TooExpensive
from mgic.experiment import EXPERIMENTS, Estimate, Experiment, inputs_of
from mgic.records import MAX_SWEEP_RUNS, Config, Grid, InputRun, Point, SweepRequest
from mgic.reference import recipe

MAX_PROBLEMS = 50
MAX_PARAMS = 200_000_000
MAX_BATCH_PIXELS = 2**28


def grids_of(request: SweepRequest) -> tuple[str, tuple[Grid, ...], str]:
    """The experiment, the grids, and the pointer under which the request has them.

    Raises:
        UnknownName: No such recipe.
        BadConfig: Not exactly one of `axes`, `grids` and `recipe` was given.
    """
    given = [name for name in ("axes", "grids", "recipe") if getattr(request, name) is not None]
    if len(given) > 1:
        problem = Problem(f"#/{given[1]}", "exclusive", f"{' and '.join(given)} cannot be given together")
        raise BadConfig(problem.detail, (problem,))
    if request.recipe is not None:
        named = recipe(request.recipe)
        if request.experiment not in ("", named.experiment):
            detail = f"recipe {named.name} is of the experiment {named.experiment}"
            raise BadConfig(detail, (Problem("#/experiment", "mismatch", detail),))
        return named.experiment, named.grids, "#/recipe"
    if request.grids is not None:
        return request.experiment, tuple(request.grids), "#/grids"
    return request.experiment, (request.axes or {},), "#/axes"


def expand(request: SweepRequest, inputs: Mapping[str, InputRun] | None = None) -> list[Point]:
    """Every point of the union, validated, defaults filled in, each resolved config once.

    The number of cells is computed before any is made.

    Args:
        request: What is asked for.
        inputs: The runs that may be named, by what they are named by.

    Raises:
        UnknownName: No such experiment or recipe.
        SweepTooLarge: More than `MAX_SWEEP_RUNS` cells.
        BadConfig: An unknown field, a value twice on an axis, or a value out of range;
            every fault named with its JSON pointer, up to `MAX_PROBLEMS`.
    """
    name, grids, base = grids_of(request)
    cells = sum(prod(len(axis) for axis in grid.values()) for grid in grids)
    if cells > MAX_SWEEP_RUNS:
        detail = f"a sweep has at most {MAX_SWEEP_RUNS} runs, this one has {cells}"
        raise SweepTooLarge(detail, (Problem(base, "too_many", detail),), cells)
    experiment = EXPERIMENTS[name]
    problems: dict[Problem, None] = {}
    points: dict[str, Point] = {}
    for number, grid in enumerate(grids):
        place = f"{base}/{number}" if base == "#/grids" else base
        problems |= dict.fromkeys(repeated(grid, place))
        for requested in _cells(grid):
            try:
                config = _resolve(experiment, requested, inputs or {})
            except ValidationError as error:
                problems |= dict.fromkeys(_problems(error, grid, requested, place))
            except BadConfig as error:
                problems |= {
                    problem._replace(pointer=_pointer(place, problem.pointer, grid, requested)): None
                    for problem in error.problems
                }
            else:
                points.setdefault(json.dumps(config, sort_keys=True), Point(requested=requested, config=config))
            if len(problems) >= MAX_PROBLEMS:
                break
    if problems:
        found = tuple(islice(problems, MAX_PROBLEMS))
        raise BadConfig("; ".join(f"{p.pointer.removeprefix('#/')}: {p.detail}" for p in found), found)
    return list(points.values())


def estimate(experiment: str, config: Config) -> Estimate | None:
    """What the run would cost; None if the experiment has no estimate.

    Raises:
        BadConfig: The network cannot be built.
        TooExpensive: It is larger than a run may be.
    """
    entry = EXPERIMENTS[experiment]
    if entry.estimate is None:
        return None
    try:
        figures = entry.estimate(entry.config.model_validate(config))
    except BadConfig as error:
        raise BadConfig(str(error), tuple(_at_a_field(problem, config) for problem in error.problems)) from error
    for field, value, limit in (
        ("params", figures.cost.params, MAX_PARAMS),
        ("batch_pixels", figures.batch_pixels, MAX_BATCH_PIXELS),
    ):
        if value > limit:
            detail = f"{field} would be {value:,}, the limit is {limit:,}"
            raise TooExpensive(detail, (Problem("#", "too_expensive", detail),), {field: value, "limit": limit})
    return figures


def measured(
    experiment: str, points: list[Point], budget_s: float | None = None, refuse: bool = False
) -> Iterator[Point]:
    """The same points with cost and effective group sizes, or with the reason why a cell cannot run.

    Args:
        experiment: Its name.
        points: From `expand`.
        budget_s: Seconds after which the remaining points are passed on as `pending`;
            at least one is always measured. What was counted once is remembered.
        refuse: Raise for a cell that cannot run, instead of noting why.

    Raises:
        BadConfig, TooExpensive: With `refuse`, for the first such cell.
    """
    start = time.monotonic()
    for number, point in enumerate(points):
        if budget_s is not None and number and time.monotonic() - start > budget_s:
            yield point.model_copy(update={"pending": True})
            continue
        try:
            figures = estimate(experiment, point.config)
        except BadConfig as error:
            if refuse:
                raise
            yield point.model_copy(update={"problem": str(error)})
            continue
        if figures is None:
            yield point
            continue
        cost = figures.cost.model_copy(update={"levels": ()})
        found = {"cost": cost, "networks": figures.networks}
        found |= {"group_sizes": figures.group_sizes, "work_macs": figures.work_macs}
        yield point.model_copy(update=found)


def _at_a_field(problem: Problem, config: Config) -> Problem:
    """What the config has no field for, as the size of the input where the data decide it, is told of the model."""
    return problem if problem.pointer in config else problem._replace(pointer="model")


def _resolve(experiment: Experiment, requested: Config, inputs: Mapping[str, InputRun]) -> Config:
    named = {}
    for field, wanted in inputs_of(experiment.info.config_schema).items():
        run = requested.get(field)
        if run is None:
            continue
        found = inputs.get(str(run))
        if found is None:
            words = f"there is no run {str(run)[:60]!r}"
            raise BadConfig(words, (Problem(field, "unknown_run", words),))
        if found.experiment not in wanted["of"]:
            words = f"needs a run of {' or '.join(wanted['of'])}, and {str(run)[:60]} is one of {found.experiment}"
            raise BadConfig(words, (Problem(field, "wrong_experiment", words),))
        named[field] = found
    asked = experiment.config.following(requested, named) if named else requested
    config: Config = experiment.config.model_validate(asked).model_dump(mode="json")
    return config


def _cells(grid: Grid) -> Iterator[Config]:
    for values in product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def repeated(grid: Grid, place: str) -> Iterator[Problem]:
    """Values that stand on an axis twice."""
    for field, axis in grid.items():
        seen: set[str] = set()
        for number, value in enumerate(axis):
            text = json.dumps(value)
            if text in seen:
                yield Problem(f"{place}/{field}/{number}", "repeated", f"{text} is on this axis twice")
            seen.add(text)


def _problems(error: ValidationError, grid: Grid, requested: Config, place: str) -> Iterator[Problem]:
    """Each fault with the pointer of the value that caused it, not of the point it was met in."""
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        field = str(fault["loc"][0]) if fault["loc"] else ""
        yield Problem(_pointer(place, field, grid, requested), fault["type"], _words(field, fault, requested))


def _pointer(place: str, field: str, grid: Grid, requested: Config) -> str:
    pointer = f"{place}/{field.replace('~', '~0').replace('/', '~1')}" if field else place
    if field in grid and len(grid[field]) > 1:
        texts = [json.dumps(value) for value in grid[field]]  # 1 and true are equal, their texts are not
        pointer += f"/{texts.index(json.dumps(requested[field]))}"
    return pointer


def _words(field: str, fault: Any, requested: Config) -> str:
    if fault["type"] == "extra_forbidden":
        return f"there is no field {field}"
    value = requested.get(field)
    shown = f" (got {json.dumps(value)[:60]})" if field in requested else ""
    return str(fault["msg"]).removeprefix("Value error, ") + shown  # pydantic's name for what a validator raises
