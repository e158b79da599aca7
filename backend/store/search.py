"""Lists of runs: which, in what order, from where on. SQL finds all of it; a page reads its own runs and no others.

The order of a field has three parts: its numbers, its texts, and the runs that lack it, newest first. Within a part
a page goes on behind the value and the `seq` of the last run, so that runs of equal values come once each.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, exists, func, or_, select, union_all

from backend.store.facts import TEXT_CHARS
from backend.store.lineage import Lineage
from backend.store.schema import facts, fields, inputs, run_tags, runs, sweep_tags, sweeps
from mgic.records import Run

Operator = Literal["=", "!=", "<", "<=", ">", ">="]
CREATED = "created_at"
PARTS = (facts.c.number, facts.c.text)  # of an order; behind them come runs without the field
LACKING = len(PARTS)
WORDED = ("sweep_id", "model")  # columns in which words are looked for


class Condition(NamedTuple):
    """What a field of a run is to be. `value` None: to have none; a number is one of facts, else its text is."""

    field: str
    operator: Operator
    value: float | str | None
    text: str = ""  # as it was given: `8` may be a text, too


class Place(NamedTuple):
    """Where a page ended: the part of the order, the value and the `seq` of its last run."""

    part: int
    value: float | str | None
    seq: int


@dataclass(frozen=True)
class RunQuery:
    """Which runs, and in what order.

    Args:
        filters: A column and the value it has; `made_from` is a run that is an input.
        conditions: All of them hold.
        words: Each is found in its id, its model, its tags and notes, or those and the name of its sweep.
        tag: Of it or of its sweep.
        sort: A field; `created_at` is the order in which they were stored.
        descending: The largest first.
    """

    filters: Mapping[str, str | UUID] | None = None
    conditions: Sequence[Condition] = ()
    words: Sequence[str] = ()
    tag: str | None = None
    sort: str = CREATED
    descending: bool = True


class Search(Lineage):
    """The part of the store that lists runs."""

    def runs(
        self, limit: int, place: Place | None = None, query: RunQuery | None = None
    ) -> tuple[list[Run], Place | None]:
        """A page, and where the next one begins."""
        query = query or RunQuery()
        with self._read() as connection:
            places = _ordered(connection, query, place, limit + 1)
            seqs = [one.seq for one in places[:limit]]
            rows = connection.execute(select(runs).where(runs.c.seq.in_(seqs))).mappings()
            by_seq = {row["seq"]: row for row in rows}
            found = self._records(connection, [by_seq[seq] for seq in seqs if seq in by_seq])
        return found, places[limit - 1] if len(places) > limit else None

    def count_runs(self, query: RunQuery) -> int:
        """How many there are in all pages."""
        with self._read() as connection:
            found = _matching(connection, query)
            return connection.scalar(select(func.count()).select_from(found.subquery())) or 0

    def field_names(self) -> dict[str, set[str]]:
        """What runs are found and sorted by, each with the experiments of the runs that have had it."""
        found: dict[str, set[str]] = {}
        with self._read() as connection:
            for name, experiment in connection.execute(select(fields.c.name, fields.c.experiment)):
                found.setdefault(name, set()).add(experiment)
        return found


def with_columns(filters: Mapping[str, str | UUID | bool] | None, words: Sequence[str] = ()) -> Select[tuple[int]]:
    """The `seq` of runs that have these values in these columns, and all these words in what people know them by; read
    from an index, and not from the wide rows."""
    given = dict(filters or {})
    source: Any = runs
    made_from = given.pop("made_from", None)
    if sweep_id := given.pop("sweep_id", None):
        # A sweep has few runs. SQLite knows no numbers of rows and may prefer an index of all runs; OFFSET forbids it.
        narrow = [runs.c[name] for name in dict.fromkeys(("seq", *given, *(WORDED if words else ())))]
        source = select(*narrow).where(runs.c.sweep_id == sweep_id).offset(0).subquery()
    found = select(source.c.seq).where(*(source.c[name] == value for name, value in given.items()))
    found = found.where(*(_saying(word, source.c) for word in words))
    if made_from is None:
        return found
    using = select(runs.c.seq).join(inputs, inputs.c.run_id == runs.c.id).where(inputs.c.input_id == made_from)
    return found.where(source.c.seq.in_(using))


def _matching(connection: Connection, query: RunQuery) -> Select[tuple[int]]:
    """The `seq` of every run that is wanted; where no column is asked for, that of the facts that meet a condition."""
    of = (query.filters or {}).get("experiment")
    tests = [(condition, _field_ids(connection, condition.field, of)) for condition in query.conditions]
    tests.sort(key=lambda one: one[0].value is None)
    if tests and tests[0][0].value is not None and not query.filters and not query.words:
        first = _meeting(*tests.pop(0)).subquery()
        found = select(first.c.run_seq.label("seq"))
    else:
        found = with_columns(query.filters, query.words)
    seq = found.selected_columns.seq
    for condition, ids in tests:
        found = found.where(_meets(seq, condition, ids))
    if query.tag is not None:
        sweeps_with = select(sweep_tags.c.sweep_id).where(sweep_tags.c.tag == query.tag)
        tagged = select(run_tags.c.run_seq).where(run_tags.c.tag == query.tag)
        found = found.where(seq.in_(union_all(tagged, select(runs.c.seq).where(runs.c.sweep_id.in_(sweeps_with)))))
    return found


def _ordered(connection: Connection, query: RunQuery, place: Place | None, limit: int) -> list[Place]:
    """Of so many runs in order, behind the place."""
    matching = _matching(connection, query)
    if query.sort == CREATED:
        return _by_age(connection, matching, query.descending, place, limit)
    of = (query.filters or {}).get("experiment")
    ids = _field_ids(connection, query.sort, of)
    # The field is that of the experiment's runs: where nothing else is asked, its index has them in order.
    narrow = replace(
        query, filters={name: value for name, value in (query.filters or {}).items() if name != "experiment"}
    )
    chosen = _matching(connection, narrow) if narrow.filters or query.conditions or query.words or query.tag else None
    found: list[Place] = []
    for part in range(place.part if place else 0, LACKING):
        behind = place if place and place.part == part else None
        found += _in_part(connection, part, ids, chosen, query.descending, behind, limit - len(found))
        if len(found) == limit:
            return found
    lacking = matching.where(~_has(matching.selected_columns.seq, ids))
    behind = place if place and place.part == LACKING else None
    rest = _by_age(connection, lacking, True, behind, limit - len(found))
    return found + [one._replace(part=LACKING) for one in rest]


def _by_age(
    connection: Connection, matching: Select[tuple[int]], descending: bool, place: Place | None, limit: int
) -> list[Place]:
    seq = matching.selected_columns.seq
    if place is not None:
        matching = matching.where(seq < place.seq if descending else seq > place.seq)
    rows = connection.execute(matching.order_by(seq.desc() if descending else seq).limit(limit))
    return [Place(0, None, row.seq) for row in rows]


def _in_part(
    connection: Connection,
    part: int,
    ids: Sequence[int],
    chosen: Select[tuple[int]] | None,
    descending: bool,
    place: Place | None,
    limit: int,
) -> list[Place]:
    """Runs with a value of this kind, by the value, then the newest first."""
    value, seq = PARTS[part], facts.c.run_seq
    query = select(value, seq).where(facts.c.field_id.in_(ids), value.is_not(None))
    if chosen is not None:
        query = query.where(seq.in_(chosen))
    if place is not None:
        beyond = value < place.value if descending else value > place.value
        query = query.where(or_(beyond, (value == place.value) & (seq < place.seq)))
    rows = connection.execute(query.order_by(value.desc() if descending else value, seq.desc()).limit(limit))
    return [Place(part, one, number) for one, number in rows]


def _field_ids(connection: Connection, name: str, experiment: Any) -> list[int]:
    query = select(fields.c.id).where(fields.c.name == name)
    if experiment is not None:
        query = query.where(fields.c.experiment == experiment)
    return list(connection.scalars(query))


def _has(seq: ColumnElement[int], ids: Sequence[int]) -> ColumnElement[bool]:
    return exists().where(facts.c.run_seq == seq, facts.c.field_id.in_(ids))


def _meets(seq: ColumnElement[int], condition: Condition, ids: Sequence[int]) -> ColumnElement[bool]:
    if condition.value is None:
        return _has(seq, ids) if condition.operator == "!=" else ~_has(seq, ids)
    return seq.in_(_meeting(condition, ids))


def _meeting(condition: Condition, ids: Sequence[int]) -> CompoundSelect[int]:
    """The `run_seq` of each fact that meets a condition with a value.

    Another value than a given one is a value: runs without the field are left out by every operator but `= null`.
    """
    _, operator, value, text = condition
    number = value if isinstance(value, float) else None
    tests = [_test(facts.c.number, operator, number)] if number is not None else []
    if operator == "=":
        tests.append(facts.c.text == text[:TEXT_CHARS])
    elif operator == "!=":
        tests = [facts.c.number != number] if number is not None else [facts.c.number.is_not(None)]
        tests.append(facts.c.text != text[:TEXT_CHARS])
    # One question an index each.
    return union_all(*(select(facts.c.run_seq).where(facts.c.field_id.in_(ids), test) for test in tests))


def _test(column: ColumnElement[Any], operator: Operator, value: float) -> ColumnElement[bool]:
    tests: dict[str, ColumnElement[bool]] = {
        "=": column == value,
        "<": column < value,
        "<=": column <= value,
        ">": column > value,
        ">=": column >= value,
        "!=": column != value,
    }
    return tests[operator]


def _saying(word: str, of: Any) -> ColumnElement[bool]:
    """Whether a run with these columns has the word in what people know it by; capitals are small letters.

    Sweeps are few, and so are runs with notes and tags of their own: each list is made once, and runs are read from the
    newest on, until there are enough.
    """

    def has(column: Any) -> ColumnElement[bool]:
        return column.icontains(word, autoescape=True)  # type: ignore[no-any-return]

    sweeps_with = [select(sweeps.c.id).where(sweeps_saying(word))]
    sweeps_with.append(select(sweep_tags.c.sweep_id).where(has(sweep_tags.c.tag)))
    alone = [select(run_tags.c.run_seq).where(has(run_tags.c.tag))]
    alone.append(select(runs.c.seq).where(runs.c.notes != "", has(runs.c.notes)))
    if ids := id_range(word):
        alone.append(select(runs.c.seq).where(runs.c.id.between(*ids)))
    return or_(of.sweep_id.in_(union_all(*sweeps_with)), has(of.model), of.seq.in_(union_all(*alone)))


def sweeps_saying(word: str) -> ColumnElement[bool]:
    """Whether a sweep has the word in its name or notes, or its id begins with it."""
    tests = [column.icontains(word, autoescape=True) for column in (sweeps.c.name, sweeps.c.notes)]
    if ids := id_range(word):
        tests.append(sweeps.c.id.between(*ids))
    return or_(*tests)


def id_range(word: str) -> tuple[UUID, UUID] | None:
    """The first and the last id that begin like this; None where it is no beginning, or too short to mean one."""
    digits = word.lower().replace("-", "")
    if not re.fullmatch(r"[0-9a-f]{4,32}", digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
