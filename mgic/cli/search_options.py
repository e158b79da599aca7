"""`--search SAMPLER` and what belongs to it, of `mgic run` and `mgic submit`."""

from collections.abc import Sequence
from typing import Annotated, Any, get_args

import typer
from pydantic import ValidationError

from mgic.errors import BadConfig
from mgic.literals import parse_literal, parse_ranges
from mgic.records import Sampler, Search

SAMPLERS: tuple[str, ...] = get_args(Sampler)

Sampling = Annotated[
    str | None,
    typer.Option(
        "--search",
        metavar="|".join(SAMPLERS),
        help="Let this sampler choose the runs, one after another, in place of all cells of the grid.",
    ),
]
Trials = Annotated[int | None, typer.Option(help="Of a search: how many runs.", show_default=False)]
Metric = Annotated[str | None, typer.Option(help="Of a search: the number of the result that is to be best.")]
GoalOf = Annotated[
    str | None, typer.Option("--goal", metavar="min|max", help="Of a search: which end of the metric is the good one.")
]
SearchSeed = Annotated[int | None, typer.Option(help="Of a search: what is drawn derives from it.", show_default="0")]
Stopping = Annotated[
    str | None,
    typer.Option(
        "--stop",
        metavar="median|halving[:first=1,...]",
        help="Of a search: end trainings early that are behind the others.",
    ),
]
MaxMacs = Annotated[int | None, typer.Option(help="Of a search: run no cell with more multiply-accumulates.")]
Ranges = Annotated[
    list[str] | None,
    typer.Option(
        "--range",
        metavar="FIELD=MIN:MAX[:log|:STEP]",
        help="Of a search: a field with a range in place of values. May be repeated.",
    ),
]
AtOnce = Annotated[int | None, typer.Option(help="Of a search: runs at the same time.", show_default="all slots")]
# What is wrong with a field of the record is told of the option that gives it.
OPTIONS = {"sampler": "--search", "seed": "--search-seed", "space": "--range", "max_macs": "--max-macs"}


def search_of(sampler: str | None, ranges: Sequence[str] | None, stop: str | None, **given: Any) -> Search | None:
    """What the options ask for; None without `--search`.

    Args:
        sampler: Its name.
        ranges: As they were written.
        stop: As it was written.
        given: Other fields of the record; those that are None keep their defaults.

    Raises:
        BadConfig: An option is not what it should be, or there is one and no `--search`.
    """
    asked = {name: value for name, value in given.items() if value is not None}
    if stop is not None:
        asked["stop"] = _stop(stop)
    if ranges:
        asked["space"] = _space(ranges)
    if sampler is None:
        if asked:
            raise BadConfig(f"{_option(next(iter(asked)))} belongs to a search: name its sampler with --search")
        return None
    try:
        return Search.model_validate({"sampler": sampler, **asked})
    except ValidationError as error:
        raise BadConfig("; ".join(map(_words, error.errors(include_url=False)))) from error


def _words(fault: Any) -> str:
    path = [str(part) for part in fault["loc"] if part not in ("int", "float")]
    rest = f" {'.'.join(path[1:])}" if path[1:] else ""
    return f"{_option(path[0])}{rest}: {str(fault['msg']).removeprefix('Value error, ')}"


def _option(name: str) -> str:
    return OPTIONS.get(name, f"--{name.replace('_', '-')}")


def _stop(text: str) -> dict[str, Any]:
    rule, _, rest = text.partition(":")
    parts = [part.partition("=") for part in rest.split(",") if part]
    return {"rule": rule, **{name: parse_literal(value) for name, _, value in parts}}


def _space(texts: Sequence[str]) -> dict[str, Any]:
    try:
        return dict(parse_ranges(texts))
    except BadConfig as error:
        raise BadConfig(f"--range: {error}") from error
