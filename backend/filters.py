"""What a request for a list of runs asks for, read: `where=config.group_size=8`, `sort=-result.top1`, `q=words`."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query

from backend.catalogue import Catalogue
from backend.deps import CatalogueDep, StoreDep, TagName, Text, Words
from backend.store import Condition, Operator, RunQuery, Store
from mgic.errors import BadConfig, Problem
from mgic.records import RunStatus
from mgic.registry import no_such

COLUMNS = ("seconds", "created_at")  # of a run, beside its config and its result
OPERATORS: tuple[Operator, ...] = ("!=", "<=", ">=", "=", "<", ">")
CONDITION = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*([!<>=~]+)\s*(.*?)\s*", re.DOTALL)
MAX_WORDS = 10
TRUTH = {"true": 1.0, "false": 0.0}
SORT_HELP = "A field as in `where`, or - and the field: the largest first. Runs that lack it come last."
WHERE_HELP = (
    "A condition, such as config.group_size=8 or result.top1>=90; all that are given hold. A field of the config or a "
    "scalar of the result, seconds or created_at; one of = != < <= > >=; a number, a text, true, false or null."
)


def run_query(
    store: StoreDep,
    catalogue: CatalogueDep,
    experiment: Text = None,
    status: RunStatus | None = None,
    model: Text = None,
    dataset: Text = None,
    sweep_id: UUID | None = None,
    made_from: Annotated[UUID | None, Query(description="A run that is an input of those wanted")] = None,
    q: Words = None,
    tag: TagName = None,
    where: Annotated[
        list[Annotated[str, Query(max_length=500)]] | None, Query(max_length=20, description=WHERE_HELP)
    ] = None,
    sort: Annotated[str, Query(max_length=201, description=SORT_HELP)] = "-created_at",
) -> RunQuery:
    """Raises `BadConfig`, with what is wrong and where."""
    given = {"experiment": experiment, "status": status, "model": model, "dataset": dataset, "sweep_id": sweep_id}
    given |= {"made_from": made_from}
    conditions = [_condition(text) for text in where or ()]
    named = [(f"where/{number}", one.field) for number, one in enumerate(conditions)]
    name = sort.removeprefix("-")
    _check_fields([*named, ("sort", name)], store, catalogue)
    return RunQuery(
        {key: value for key, value in given.items() if value is not None},
        conditions,
        words_of(q),
        tag,
        name,
        sort.startswith("-"),
    )


RunQueryDep = Annotated[RunQuery, Depends(run_query)]


def words_of(text: str | None) -> Sequence[str]:
    """Raises `BadConfig` where they are too many."""
    words = (text or "").split()
    if len(words) > MAX_WORDS:
        raise _fault("q", "too_long", f"at most {MAX_WORDS} words, not {len(words)}")
    return words


def _condition(text: str) -> Condition:
    """Raises `BadConfig`."""
    found = CONDITION.fullmatch(text)
    if found is None or "\0" in text:
        raise _fault(
            "where", "condition", f"{text[:80]!r} is no condition; one is config.group_size=8 or result.top1>=90"
        )
    field, operator, value = found.groups()
    if operator not in OPERATORS:
        raise _fault("where", "operator", f"there is no operator {operator}; there are {' '.join(sorted(OPERATORS))}")
    return Condition(field, operator, _value(field, operator, value), value)


def _value(field: str, operator: Operator, text: str) -> float | str | None:
    """A number where it is one, or a truth value or, of the age, a day; None for null. Raises `BadConfig`."""
    if text == "null" and operator in ("=", "!="):
        return None
    number = _moment(text) if field == "created_at" else TRUTH.get(text, _number(text))
    if number is not None:
        return number
    if operator in ("=", "!=") and field not in COLUMNS:
        return text
    wanted = "a time, such as 2026-11-28 or 2026-11-28T12:00:00Z" if field == "created_at" else "a number"
    raise _fault("where", "value", f"{field} {operator} needs {wanted}, not {text[:80]!r}")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def _moment(text: str) -> float | None:
    """Seconds since 1970; a time without a zone is one of UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return _number(text)


def _check_fields(named: Iterable[tuple[str, str]], store: Store, catalogue: Catalogue) -> None:
    """Raises `BadConfig` for what no run has had, and no experiment or model has, with the nearest name."""
    wanted = [(place, name) for place, name in named if name not in COLUMNS]
    if not wanted:
        return
    known = set(store.field_names())
    if all(name in known for _, name in wanted):
        return
    known |= {*COLUMNS, *_declared(catalogue)}
    faults = [
        Problem(place, "unknown_field", str(no_such("field", name, sorted(known))))
        for place, name in wanted
        if name not in known
    ]
    if faults:
        raise BadConfig("; ".join(fault.detail for fault in faults), tuple(faults))


def _declared(catalogue: Catalogue) -> Iterable[str]:
    """The fields that runs may have, whether or not one has."""
    for info in catalogue.experiments():
        yield from (f"config.{name}" for name in _properties(info.config_schema))
        yield from (f"result.{name}" for name in _properties(info.result_schema) if name not in info.tables)
    for model in catalogue.models():
        yield from (f"config.{name}" for name in _properties(model.options))


def _properties(schema: Mapping[str, Any]) -> Iterable[str]:
    return schema.get("properties", {})  # type: ignore[no-any-return]


def _fault(place: str, code: str, words: str) -> BadConfig:
    return BadConfig(words, (Problem(place, code, words),))
