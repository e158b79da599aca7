"""What there is and what it would cost: the questions the service asks of the core, answered in records."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from mgic import models as model_registry
from mgic import origin, plugins, provenance
from mgic.abilities import lacking as lacking
from mgic.data import dataset_info, list_datasets, look_in
from mgic.errors import BadCheckpoint, BadConfig, DataMissing, Problem, TooExpensive, UnknownName
from mgic.experiment import EXPERIMENTS, WEIGHTS
from mgic.literals import parse_literal
from mgic.measure.cost import model_cost
from mgic.measure.figures import at_size
from mgic.measure.figures import canonical as canonical
from mgic.measure.figures import figures as figures
from mgic.models.weights import file_hash, own_file
from mgic.records import (
    CheckedSearch,
    DatasetInfo,
    ExperimentInfo,
    InputRun,
    ModelCost,
    ModelInfo,
    ModelsOf,
    Plan,
    PluginInfo,
    Point,
    Proposal,
    Recipe,
    Refused,
    Source,
    SweepRequest,
    Trial,
)
from mgic.reference import list_recipes
from mgic.search import checks, proposing
from mgic.sweep import expand, grids_of, measured

LOOK_S = 20.0


def experiments() -> list[ExperimentInfo]:
    return [experiment(name) for name in EXPERIMENTS]


def experiment(name: str) -> ExperimentInfo:
    """Raises `UnknownName`."""
    known = EXPERIMENTS[name].info
    return known.model_copy(update={"recipes": tuple(r for r in list_recipes() if r.experiment == name)})


def models() -> list[ModelInfo]:
    return [model(name) for name in model_registry.list_models()]


def outside() -> tuple[PluginInfo, ...]:
    """The plug-ins that were asked for, with what came of it."""
    return plugins.found()


def model(name: str) -> ModelInfo:
    """By any of its names. Raises `UnknownName`."""
    return _with_code(model_registry.model_info(name))


def _with_code(info: ModelInfo) -> ModelInfo:
    """With the fingerprint of a plug-in's."""
    found = provenance.fingerprint_of_model(info.name)
    return info.model_copy(update={"fingerprint": found}) if found else info


def search_models(
    source: ModelsOf, words: str = "", first: int = 0, most: int | None = None
) -> tuple[list[ModelInfo], int]:
    """The models that have every word in their name, their package's name or their summary, from the `first` on.

    Returns:
        At most `most` of them, and how many there are in all.
    """
    wanted = words.lower().split()
    found = [info for info in model_registry.infos_of(source) if all(word in _text(info) for word in wanted)]
    return [_with_code(info) for info in found[first:][:most]], len(found)


def _text(info: ModelInfo) -> str:
    return f"{info.name} {info.package}/{info.name} {info.summary}".lower()


def datasets(data_dir: Path, names: Sequence[str] | None = None) -> list[DatasetInfo]:
    """Those that have one of these names, or all there are.

    To look into sets that lie there for the first time may take long: after `LOOK_S` the others are put off.
    """
    end = time.monotonic() + LOOK_S
    found = []
    for name in list_datasets(data_dir) if names is None else names:
        with suppress(UnknownName):  # a plug-in's experiment may have data of its own under that field
            found.append(dataset_info(name, data_dir, look=time.monotonic() < end))
    return found


def recipes() -> list[Recipe]:
    return list_recipes()


def cost(name: str, options: Mapping[str, object], input_size: tuple[int, ...] | None = None) -> ModelCost:
    """The cost of one model.

    Args:
        name: The model.
        options: Those that differ from its defaults.
        input_size: Of one sample, without the batch; `in_channels` follows from it unless it is given.
            None: the size the model is made for, with `in_channels` channels.

    Raises:
        UnknownName: No such model.
        BadConfig: An option the model does not have or does not take, or an input it cannot read.
    """
    return model_cost(name, *at_size(name, options, input_size))


def cost_of_query(name: str, texts: Mapping[str, str], input_size: tuple[int, ...] | None = None) -> ModelCost:
    """The same with options as they stand in an address, `group_size=8`."""
    return cost(name, {option: parse_literal(text) for option, text in texts.items()}, input_size)


def source() -> Source:
    """The program that counts here."""
    told = origin.source()
    return Source(mgic=told["version"], commit=told["commit"], dirty=told["dirty"])


def plan(
    request: SweepRequest,
    budget_s: float | None = None,
    refuse: bool = False,
    inputs: Mapping[str, InputRun] | None = None,
    data_dir: Path = Path("data"),
) -> Plan:
    """The sweep that a request asks for.

    Args:
        request: Grids or the name of a recipe.
        budget_s: Stop counting costs after so many seconds; what is left is `pending`.
        refuse: Raise for a cell that cannot run, instead of noting why.
        inputs: The runs that may be named, by what they are named by.
        data_dir: Where data sets and weights lie.

    Raises:
        BadConfig, SweepTooLarge, TooExpensive: See `mgic.sweep.expand` and `measured`.
        BadCheckpoint: With `refuse`, for files of weights that cannot be read.
    """
    look_in(data_dir)
    try:
        points = expand(request, inputs)
        name, grids, place = grids_of(request)
    except UnknownName as error:
        raise _no_such(request, error) from error
    info = EXPERIMENTS[name].info
    try:
        cells = tuple(measured(name, points, budget_s, refuse))
    except TooExpensive:
        raise
    except BadConfig as error:
        problems = tuple(p._replace(pointer=f"{place}/{p.pointer}") for p in error.problems)
        raise BadConfig(str(error), problems) from error
    cells = _with_files(cells, data_dir, place if refuse else None)
    known = tuple(provenance.with_code(name, cells))
    return Plan(experiment=name, version=info.version, queue=info.queue, grids=grids, points=known)


def check_search(request: SweepRequest, data_dir: Path = Path("data")) -> CheckedSearch:
    """The search that a request asks for, with what follows from the experiment.

    Raises:
        BadConfig: It asks for what cannot be; every fault named with its JSON pointer.
    """
    look_in(data_dir)
    try:
        return checks.check_search(request)
    except UnknownName as error:
        raise _no_such(request, error) from error


def _no_such(request: SweepRequest, error: UnknownName) -> BadConfig:
    pointer = "#/recipe" if request.recipe is not None else "#/experiment"
    return BadConfig(str(error), (Problem(pointer, "unknown_name", str(error)),))


def next_trials(
    request: SweepRequest,
    trials: Sequence[Trial],
    refused: Sequence[Refused],
    count: int,
    budget_s: float | None = None,
    data_dir: Path = Path("data"),
) -> Proposal:
    """What is to be run next of a search; see `mgic.search.proposing`."""
    return proposing.next_trials(request, trials, refused, count, partial(plan, data_dir=data_dir), budget_s)


def _with_files(points: Sequence[Point], data_dir: Path, place: str | None) -> tuple[Point, ...]:
    """With the hash of the weights that a point names, or with why they cannot be read.

    Raises:
        BadCheckpoint: They cannot, and `place`, where the grids stand, is given.
    """
    hashes: dict[str, str] = {}
    problems: dict[str, str] = {}
    for name in {str(point.config[WEIGHTS]) for point in points if point.config.get(WEIGHTS)}:
        try:
            hashes[name] = file_hash(own_file(data_dir, name))
        except (BadConfig, DataMissing) as error:
            problems[name] = str(error)
    if problems and place is not None:
        details = [words.removeprefix(f"{WEIGHTS}: ") for words in problems.values()]  # the pointer names the field
        faults = tuple(Problem(f"{place}/{WEIGHTS}", "bad_checkpoint", words) for words in details)
        raise BadCheckpoint("; ".join(problems.values()), faults)
    return tuple(_with_file(point, hashes, problems) for point in points)


def _with_file(point: Point, hashes: Mapping[str, str], problems: Mapping[str, str]) -> Point:
    name = str(point.config.get(WEIGHTS))
    if name in problems:
        return point.model_copy(update={"problem": point.problem or problems[name]})
    return point.model_copy(update={"files": point.files | {WEIGHTS: hashes[name]}}) if name in hashes else point
