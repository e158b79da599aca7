"""What runs are found and sorted by: the fields of config and result that hold one value, its seconds, its age.

A run's facts are written in the transaction that stores it, and in the one that stores its end.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from backend.store.schema import facts, fields, runs

TEXT_CHARS = 200  # of a text that are kept, and compared
AT_A_TIME = 500  # field names, in one query

Fact = tuple[float | None, str | None]  # a number or a text


def as_fact(value: Any) -> Fact | None:
    """A truth value is 0 or 1, a list is its JSON; None for what is neither a finite number nor a text."""
    if isinstance(value, bool | int | float):
        try:
            return (float(value), None) if math.isfinite(value) else None
        except OverflowError:
            return None
    if isinstance(value, list):
        value = json.dumps(value, separators=(",", ":"))
    if not isinstance(value, str):
        return None
    return None, value.replace("\0", "").encode(errors="replace").decode()[:TEXT_CHARS]


def record_facts(connection: Connection, experiment: str, given: Mapping[int, Mapping[str, Any]]) -> None:
    """Of runs of one experiment, by `seq`. Last in its transaction: it may wait for another that names a new field."""
    found = {
        seq: {name: fact for name, value in values.items() if len(name) <= TEXT_CHARS and (fact := as_fact(value))}
        for seq, values in given.items()
    }
    ids = _field_ids(connection, experiment, {name for values in found.values() for name in values})
    rows = [
        {"run_seq": seq, "field_id": ids[name], "number": number, "text": text}
        for seq, values in found.items()
        for name, (number, text) in values.items()
    ]
    if rows:
        connection.execute(insert(facts), rows)


def facts_at_start(config: Mapping[str, Any], created_at: float) -> dict[str, Any]:
    return {**{f"config.{name}": value for name, value in config.items()}, "created_at": created_at}


def facts_at_end(result: Mapping[str, Any] | None, seconds: float | None) -> dict[str, Any]:
    """The scalars of a result: what is a list there is many values, or a table."""
    scalars = {f"result.{name}": value for name, value in (result or {}).items() if not isinstance(value, list)}
    return {**scalars, "seconds": seconds}


def record_start(connection: Connection, ids: Iterable[Any]) -> None:
    """Of runs that were stored just now, by id."""
    wanted = list(ids)
    given: dict[str, dict[int, dict[str, Any]]] = {}
    for start in range(0, len(wanted), AT_A_TIME):
        some = runs.c.id.in_(wanted[start : start + AT_A_TIME])
        query = select(runs.c.experiment, runs.c.seq, runs.c.config, runs.c.created_at).where(some)
        for experiment, seq, config, created_at in connection.execute(query):
            given.setdefault(experiment, {})[seq] = facts_at_start(config, created_at)
    for experiment, of_it in sorted(given.items()):
        record_facts(connection, experiment, of_it)


def _field_ids(connection: Connection, experiment: str, names: Iterable[str]) -> dict[str, int]:
    """Those that are met for the first time are added."""
    wanted = sorted(names)
    ids = _known_ids(connection, experiment, wanted)
    if new := [name for name in wanted if name not in ids]:
        statement = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(fields)
        statement = statement.values([{"experiment": experiment, "name": name} for name in new])
        connection.execute(statement.on_conflict_do_nothing())
        ids = _known_ids(connection, experiment, wanted)
    return ids


def _known_ids(connection: Connection, experiment: str, names: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(names), AT_A_TIME):
        some = fields.c.name.in_(names[start : start + AT_A_TIME])
        query = select(fields.c.name, fields.c.id).where(fields.c.experiment == experiment, some)
        found |= {name: field_id for name, field_id in connection.execute(query)}
    return found
