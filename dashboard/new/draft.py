"""A sweep before it is sent: from the form to the request, and the same as a command or as JSON."""

import json
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from dashboard.forms.fields import MAX_GRIDS, BadText, without, written
from mgic.records import (
    Config,
    ExperimentInfo,
    Grid,
    Point,
    Preview,
    Recipe,
    Run,
    Search,
    StopRule,
    SweepRequest,
    ThenRequest,
    Value,
)

GRIDS = TypeAdapter(list[Grid])


@dataclass(frozen=True)
class Start:
    """What a form is filled with: grids, the recipe they are if they are one, and the search over them."""

    experiment: str
    grids: tuple[Grid, ...]
    recipe: str | None = None
    search: Search | None = None

    @property
    def fits_the_form(self) -> bool:
        """A form holds one grid; a union is edited as JSON."""
        return len(self.grids) <= 1


@dataclass(frozen=True)
class Extras:
    """What a sweep has besides its grids."""

    name: str = ""
    priority: int = 5
    reuse: bool = False
    recipe: str | None = None  # that the grids are
    then: ThenRequest | None = None
    search: Search | None = None


def of_recipe(recipe: Recipe) -> Start:
    return Start(recipe.experiment, recipe.grids, recipe.name)


def of_run(run: Run) -> Start:
    return Start(run.experiment, ({name: [value] for name, value in run.requested.items()},))


@dataclass(frozen=True)
class Total:
    """What cells cost together.

    Args:
        cells: How many.
        duplicates: Of them, those that the store has.
        macs: Multiply-accumulates of the whole runs; None where those of a cell are not known.
        seconds: One after another; None where no run of the kind has ended yet.
    """

    cells: int
    duplicates: int
    macs: float | None
    seconds: float | None


def total(points: Sequence[Point], reuse: bool = False) -> Total:
    """With `reuse`, what the store has costs nothing."""
    paid = [one for one in points if not (reuse and one.duplicate_of)]
    return Total(
        len(points),
        sum(one.duplicate_of is not None for one in points),
        _sum([one.work_macs for one in paid]),
        _sum([one.seconds for one in paid]),
    )


def following(then: Preview, numbers: Iterable[int]) -> list[Point]:
    """The cells of the second sweep that have one of these of the first as their input: `#3` names the fourth."""
    names = {f"#{number}" for number in numbers}
    return [one for one in then.points if names & {value for value in one.config.values() if isinstance(value, str)}]


def request(experiment: ExperimentInfo, grids: Sequence[Grid], extras: Extras) -> SweepRequest:
    """The shortest request that says it: a recipe by name, one grid as axes, else a union.

    Raises:
        BadText: Name, grids or values are not what a sweep may have.
    """
    given: dict[str, object] = {"experiment": experiment.name, "priority": extras.priority, "reuse": extras.reuse}
    if extras.name:
        given["name"] = extras.name
    if extras.then:
        given["then"] = extras.then
    if extras.search:
        given["search"] = extras.search
    if extras.recipe:
        given["recipe"] = extras.recipe
    elif len(grids) == 1:
        given["axes"] = grids[0] or _one_default(experiment, extras.search.space if extras.search else ())
    else:
        given["grids"] = list(grids)
    try:
        return SweepRequest.model_validate(given)
    except ValidationError as error:
        raise BadText(in_words(error)) from None


def only(asked: SweepRequest, preview: Preview, picked: Collection[int] = ()) -> SweepRequest:
    """The same sweep without the cells that cannot run, and if some are picked without the others; `asked` itself
    where all are left, and a search, whose sampler leaves them out.

    Raises:
        BadText: What is left needs more grids than a sweep may have.
    """
    if asked.search:
        return asked
    left = [preview.points[number].requested for number in runnable(preview, picked)]
    if len(left) == preview.total:
        return asked
    grids = without(left)
    if len(grids) > MAX_GRIDS:
        raise BadText("These cells do not fit into one sweep: leave out values instead of single cells.")
    return asked.model_copy(update={"axes": None, "recipe": None, "grids": grids})


def runnable(preview: Preview, picked: Collection[int] = ()) -> list[int]:
    """Numbers of the cells that can run, of those that are picked, or of all where none is."""
    return [n for n, point in enumerate(preview.points) if not point.problem and (not picked or n in picked)]


def parse_grids(text: str) -> list[Grid]:
    """Raises `BadText` where it is no JSON list of grids, with the place."""
    try:
        return GRIDS.validate_python(json.loads(text), strict=True)
    except json.JSONDecodeError as error:
        raise BadText(f"Line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValidationError as error:
        raise BadText(in_words(error)) from None


def grids_text(grids: Sequence[Grid]) -> str:
    """JSON with a line a field, so that it can be edited."""
    lines = [",\n".join(f"  {json.dumps(name)}: {json.dumps(axis)}" for name, axis in grid.items()) for grid in grids]
    return "[{\n" + "\n}, {\n".join(lines) + "\n}]"


def body(asked: SweepRequest) -> str:
    return json.dumps(asked.model_dump(mode="json", exclude_unset=True, exclude_none=True), indent=2)


def commands(asked: SweepRequest) -> str:
    """The same for a terminal; a union of grids is a command a grid."""
    extras = [f"--name {shlex.quote(asked.name)}"] if asked.name else []
    extras += [f"--priority {asked.priority}"] if asked.priority != 5 else []
    extras += ["--reuse"] if asked.reuse else []
    extras += _search_options(asked.search) if asked.search else []
    if then := asked.then:
        extras += [f"--then-input {then.input}"] if then.input else []
        extras += [f"--then {then.experiment}", *map(_argument, (then.axes or {}).items())]
    if asked.recipe:
        return " ".join(["mgic submit --recipe", asked.recipe, *extras])
    grids = asked.grids or [asked.axes or {}]
    return "\n".join(" ".join(["mgic submit", asked.experiment, *map(_argument, g.items()), *extras]) for g in grids)


def range_texts(search: Search) -> list[str]:
    """Its space, as `parse_ranges` reads it."""
    last = {name: ":log" if one.log else f":{one.step}" if one.step else "" for name, one in search.space.items()}
    return [f"{name}={one.min}:{one.max}{last[name]}" for name, one in search.space.items()]


def _search_options(search: Search) -> list[str]:
    words = [f"--search {search.sampler} --trials {search.trials} --metric {shlex.quote(search.metric)}"]
    words += [f"--goal {search.goal}"] if search.goal else []
    words += [f"--search-seed {search.seed}"] if search.seed else []
    words += [f"--stop {_rule(search.stop)}"] if search.stop else []
    words += [f"--max-macs {search.max_macs}"] if search.max_macs else []
    words += [f"--at-once {search.at_once}"] if search.at_once else []
    return words + [f"--range {shlex.quote(one)}" for one in range_texts(search)]


def _rule(stop: StopRule) -> str:
    """`median:startup=3`: what is another number than the rule has by itself."""
    told = stop.model_dump(exclude_defaults=True, exclude={"rule"})
    return f"{stop.rule}:{','.join(f'{name}={number}' for name, number in told.items())}" if told else stop.rule


def _sum(numbers: Sequence[float | None]) -> float | None:
    known = [one for one in numbers if one is not None]
    return sum(known) if len(known) == len(numbers) else None


def _argument(item: tuple[str, Sequence[Value]]) -> str:
    name, axis = item
    texts = [json.dumps(value) if isinstance(value, list) else written(value) or "null" for value in axis]
    return f"{name}={shlex.quote(','.join(texts))}"


def _one_default(experiment: ExperimentInfo, ranges: Collection[str]) -> dict[str, list[Value]]:
    properties: Mapping[str, Config] = experiment.config_schema.get("properties", {})
    free = [name for name in properties if name not in ranges]
    return {name: [properties[name]["default"]] for name in free[:1]}


def in_words(error: ValidationError) -> str:
    """What is wrong with the first fields that are."""
    said = []
    for one in error.errors():
        place = ", ".join(str(part) for part in one["loc"] if part not in ("int", "float"))
        words = one["msg"].removeprefix("Value error, ")
        if place == "name":
            words = "The name may have letters, digits, spaces and . _ - , and begins with a letter or digit."
            place = ""
        said.append(f"{place}: {words}" if place else words)
    return "; ".join(dict.fromkeys(said[:3]))
