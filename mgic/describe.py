"""What there is and what it would cost: the questions the service asks of the core, answered in records."""

from collections.abc import Mapping
from pathlib import Path

from mgic import models as model_registry
from mgic.data import dataset_info, list_datasets
from mgic.errors import BadConfig, Problem, TooExpensive, UnknownName
from mgic.experiment import EXPERIMENTS
from mgic.literals import parse_literal
from mgic.measure.cost import model_cost
from mgic.records import DatasetInfo, ExperimentInfo, ModelCost, ModelInfo, Plan, Recipe, SweepRequest
from mgic.reference import list_recipes
from mgic.sweep import expand, grids_of, measured

DEFAULT_INPUT = (3, 32, 32)
MAX_INPUT = 2**14  # pixels a side; larger pictures are no network's input


def experiments() -> list[ExperimentInfo]:
    return [experiment(name) for name in EXPERIMENTS]


def experiment(name: str) -> ExperimentInfo:
    """Raises `UnknownName`."""
    known = EXPERIMENTS[name].info
    return known.model_copy(update={"recipes": tuple(r for r in list_recipes() if r.experiment == name)})


def models() -> list[ModelInfo]:
    return [model_registry.model_info(name) for name in model_registry.list_models()]


def datasets(data_dir: Path) -> list[DatasetInfo]:
    return [dataset_info(name, data_dir) for name in list_datasets()]


def recipes() -> list[Recipe]:
    return list_recipes()


def cost(name: str, options: Mapping[str, object], input_size: tuple[int, ...] | None = None) -> ModelCost:
    """The cost of one model; `in_channels` follows from the input size unless it is given.

    Raises:
        UnknownName: No such model.
        BadConfig: An option the model does not have or does not take, or an input it cannot read.
    """
    size = input_size or DEFAULT_INPUT
    if len(size) != 3 or not all(0 < n <= MAX_INPUT for n in size):
        detail = f"must be channels,height,width, each from 1 to {MAX_INPUT}"
        raise BadConfig(detail, (Problem("input_size", "input_size", detail),))
    given = dict(options)
    if "in_channels" in model_registry.resolve_options(name, {}):
        given.setdefault("in_channels", size[0])
    return model_cost(name, model_registry.resolve_options(name, given), size)


def cost_of_query(name: str, texts: Mapping[str, str], input_size: tuple[int, ...] | None = None) -> ModelCost:
    """The same with options as they stand in an address, `group_size=8`."""
    return cost(name, {option: parse_literal(text) for option, text in texts.items()}, input_size)


def plan(request: SweepRequest, budget_s: float | None = None, refuse: bool = False) -> Plan:
    """The sweep that a request asks for.

    Args:
        request: Grids or the name of a recipe.
        budget_s: Stop counting costs after so many seconds; what is left is `pending`.
        refuse: Raise for a cell that cannot run, instead of noting why.

    Raises:
        BadConfig, SweepTooLarge, TooExpensive: See `mgic.sweep.expand` and `measured`.
    """
    try:
        points = expand(request)
        name, grids, place = grids_of(request)
    except UnknownName as error:
        pointer = "#/recipe" if request.recipe is not None else "#/experiment"
        raise BadConfig(str(error), (Problem(pointer, "unknown_name", str(error)),)) from error
    info = EXPERIMENTS[name].info
    try:
        cells = tuple(measured(name, points, budget_s, refuse))
    except TooExpensive:
        raise
    except BadConfig as error:
        problems = tuple(p._replace(pointer=f"{place}/{p.pointer}") for p in error.problems)
        raise BadConfig(str(error), problems) from error
    return Plan(experiment=name, version=info.version, queue=info.queue, grids=grids, points=cells)
