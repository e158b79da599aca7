"""Commands that need no server: what there is, what a model costs, and a sweep in this process."""

import os
from collections.abc import Iterator
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from textwrap import shorten
from typing import Annotated, Any, get_args

import typer

from mgic.cli.costs import show_cost
from mgic.cli.loading import core, what_plugins_bring
from mgic.cli.search_options import (
    GoalOf,
    MaxMacs,
    Metric,
    Ranges,
    Sampling,
    SearchSeed,
    Stopping,
    Trials,
    search_of,
)
from mgic.cli.terminal import Code, Meter, put, put_json, put_table, say
from mgic.cli.values import parse_axes, parse_options, parse_size
from mgic.errors import BadConfig, UnknownName
from mgic.kept import Kept, cache_folder, fingerprint
from mgic.records import DatasetInfo, ExperimentInfo, ModelCost, ModelInfo, ModelsOf, Recipe, RunStatus

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DataDir = Annotated[Path, typer.Option("--data-dir", envvar="MGIC_DATA_DIR", help="Where data sets lie.")]
INPUT = "channels,height,width or channels,points  [default: what the model is made for]"
SOURCES: tuple[str, ...] = get_args(ModelsOf)
Fields = Annotated[list[str] | None, typer.Argument(metavar="field=value,value ...", show_default=False)]


class Subject(StrEnum):
    MODELS = "models"
    EXPERIMENTS = "experiments"
    DATASETS = "datasets"
    RECIPES = "recipes"

    @classmethod
    def _missing_(cls, value: object) -> None:
        near = get_close_matches(str(value), list(cls))
        hint = f"did you mean {str(near[0])!r}?" if near else f"known: {', '.join(cls)}"
        raise UnknownName(f"there is no list of {str(value)[:40]!r}; {hint}")


def list_(
    subject: Annotated[str, typer.Argument(metavar="|".join(Subject), help="What to list.", show_default=False)],
    source: Annotated[
        str | None,
        typer.Option(metavar="|".join(SOURCES), help="Whose models, without their cost.", show_default=False),
    ] = None,
    search: Annotated[str | None, typer.Option(help="Models with these words.", show_default=False)] = None,
    as_json: AsJson = False,
    data_dir: DataDir = Path("data"),
) -> None:
    """What there is, the name first on each line.

    Example: mgic list models --source timm --search convnext
    """
    wanted = Subject(subject)
    if source is not None or search is not None:
        _search(wanted, source or "registered", search or "", as_json)
        return
    if wanted is Subject.DATASETS:
        list_datasets(as_json, data_dir)  # whether a set is here is asked anew each time
        return
    kept = Kept(cache_folder(os.environ), fingerprint(plugins=what_plugins_bring()))
    if wanted is Subject.MODELS:
        _models(kept, as_json)
    elif wanted is Subject.EXPERIMENTS:
        experiments = kept.answer(wanted, list[ExperimentInfo], lambda: core().experiments())
        header = ("name", "queue", "title")
        put_json(experiments) if as_json else put_table(header, [(e.name, e.queue, e.title) for e in experiments])
    else:
        recipes = kept.answer(wanted, list[Recipe], lambda: core().recipes())
        rows = [(r.name, r.scale, r.experiment, r.title) for r in recipes]
        put_json(recipes) if as_json else put_table(("name", "scale", "experiment", "title"), rows)


def _search(wanted: Subject, source: str, words: str, as_json: bool) -> None:
    if wanted is not Subject.MODELS:
        raise BadConfig("--source and --search are for models")
    if source not in SOURCES:
        raise BadConfig(f"--source: {', '.join(SOURCES)}, not {source[:40]!r}")
    found: list[ModelInfo] = core().search_models(source, words)
    if as_json:
        put_json(found)
        return
    lines = [(i.name, i.package, "x".join(map(str, i.input_size)), shorten(i.summary, 90)) for i in found]
    put_table(("name", "package", "at", "summary"), lines)


def show_datasets(found: list[DatasetInfo]) -> None:
    rows = [
        (d.name, d.task, "x".join(map(str, d.shape)), *(n or "-" for n in (d.classes, d.train, d.test)), _standing(d))
        for d in found
    ]
    put_table(("name", "task", "shape", "classes", "train", "test", "present"), rows)


def _standing(found: DatasetInfo) -> str:
    words = f"broken: {found.problem}" if found.problem else "here" if found.present else found.how_to_get
    return f"{words} ({found.licence})" if found.licence else words


def _models(kept: Kept, as_json: bool) -> None:
    """Every model with its cost at the input it is made for, a line as soon as it is counted."""
    meter = Meter(quiet=False)
    found = kept.find(Subject.MODELS, list[dict[str, Any]])
    infos: list[ModelInfo] = core().models() if found is None else []
    names = [info.name for info in infos] or [row["name"] for row in found or ()]
    width = max(map(len, names))
    meter.line(f"{len(names)} models, counted for one sample of the size each is made for, batch 1")
    if not as_json:
        meter.line(_model_line(width, "name", "task", "source", "params", "MACs", "at", "summary"))
    rows = []
    for row in found or _counted(infos, meter):
        rows.append(row)
        if not as_json:
            size, summary = "x".join(map(str, row["input_size"])), shorten(row["summary"], 90, placeholder=" ...")
            numbers = f"{row['params']:,}", f"{row['macs']:,}"
            meter.clear()
            put(_model_line(width, row["name"], row["task"], row["package"], *numbers, size, summary))
    meter.clear()
    if as_json:
        put_json(rows)
    if found is None:
        kept.keep(Subject.MODELS, list[dict[str, Any]], rows)


def _counted(infos: list[ModelInfo], meter: Meter) -> Iterator[dict[str, Any]]:
    for number, info in enumerate(infos):
        meter.show(f"counting {info.name}", number / len(infos))
        cost: ModelCost = core().cost(info.name, {})
        row = info.model_dump(include={"name", "task", "package", "summary"})
        yield row | {"input_size": cost.input_size, "params": cost.params, "macs": cost.macs}


def _model_line(width: int, name: str, task: str, package: str, params: str, macs: str, at: str, summary: str) -> str:
    return f"{name:<{width}}  {task:<20}  {package:<11}  {params:>11}  {macs:>14}  {at:<11}  {summary}"


def cost(
    model: Annotated[str, typer.Argument(help="Name of the model.", show_default=False)],
    options: Annotated[list[str] | None, typer.Argument(metavar="option=value ...", show_default=False)] = None,
    input_size: Annotated[str | None, typer.Option("--input", help=INPUT)] = None,
    as_json: AsJson = False,
) -> None:
    """Parameters and multiply-accumulates of a model, level by level; of mgic/NAME, what was converted and what not.

    Example: mgic cost mgic_resnet56 group_size=16 coarsest_size=32
    """
    size = parse_size(input_size) if input_size is not None else None
    found: ModelCost = core().cost(model, parse_options(options or []), size)
    without = found.macs - found.transfer_macs
    if as_json:
        put_json(found.model_dump(mode="json") | {"macs_without_transfer": without, "flops": 2 * found.macs})
        return
    show_cost(found)


def subject_and_fields(experiment: str | None, fields: list[str] | None, recipe: str | None) -> tuple[str, list[str]]:
    """Tell the experiment's name from the first field, which stands in its place where a recipe is named."""
    given = list(fields or [])
    if experiment is not None and "=" in experiment:
        given.insert(0, experiment)
        experiment = None
    if recipe is not None and given:
        raise BadConfig(f"the recipe {recipe} fixes every field; leave out {given[0].partition('=')[0]}")
    if recipe is None and experiment is None:
        raise BadConfig("name an experiment or a recipe; `mgic list experiments` and `mgic list recipes` show them")
    return experiment or "", given


def run(
    experiment: Annotated[str | None, typer.Argument(help="Name of the experiment.", show_default=False)] = None,
    fields: Fields = None,
    recipe: Annotated[str | None, typer.Option(help="Run this recipe instead.")] = None,
    device: Annotated[str, typer.Option(envvar="MGIC_DEVICE", help="auto, cpu or cuda.")] = "auto",
    data_dir: DataDir = Path("data"),
    out: Annotated[Path | None, typer.Option(help="Keep each run's files in a numbered folder of this one.")] = None,
    sampler: Sampling = None,
    trials: Trials = None,
    metric: Metric = None,
    goal: GoalOf = None,
    search_seed: SearchSeed = None,
    stop: Stopping = None,
    max_macs: MaxMacs = None,
    ranges: Ranges = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Run a sweep in this process, no server: one JSON line a run on stdout.

    Example: mgic run classification model=mgic_resnet20 dataset=digits group_size=4,8 max_steps=50
    """
    name, given = subject_and_fields(experiment, fields, recipe)
    axes = parse_axes(given)  # a slip of the pen is answered before torch is loaded
    told = {"trials": trials, "metric": metric, "goal": goal, "seed": search_seed, "max_macs": max_macs}
    search = search_of(sampler, ranges, stop, **told)
    meter = Meter(quiet)
    ended = failed = 0
    try:
        sweep = core().request(name, axes, recipe, search)
        for outcome in core().run_all(sweep, core().find_device(device), data_dir, out, meter):
            put(outcome.model_dump_json())
            ended += 1
            failed += outcome.status is RunStatus.FAILED
    except KeyboardInterrupt:
        meter.clear()
        say(f"interrupted after {ended} finished runs")
        raise typer.Exit(Code.INTERRUPTED) from None
    if failed:
        say(f"{failed} of {ended} runs failed")
        raise typer.Exit(Code.RUN_FAILED)


data = typer.Typer(help="Data sets on this machine.", no_args_is_help=True, rich_markup_mode=None)


@data.command("list")
def list_datasets(as_json: AsJson = False, data_dir: DataDir = Path("data")) -> None:
    """Each data set and whether it is here."""
    found = core().datasets(data_dir)
    put_json(found) if as_json else show_datasets(found)


@data.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(help="Name of the data set.", show_default=False)],
    as_json: AsJson = False,
    data_dir: DataDir = Path("data"),
) -> None:
    """Download a data set, unless it is here already.

    Example: mgic data fetch cifar10
    """
    found = core().fetch_dataset(name, data_dir)
    put_json(found) if as_json else put(f"{found.name} is under {data_dir}")
