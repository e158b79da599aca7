"""A result as rows: which tables it has, what tells their rows apart, and the one way to unfold them.

A result is scalar fields and any number of tables: fields that are lists of records of one row type. The row type
marks its key columns by `json_schema_extra={"key": True}`; no two rows of a table have the same key. Everything here
is read from the result's JSON schema, so that the store, the API, the command and the pages unfold alike.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mgic.errors import BadResult

ALL_ROWS = "rows"  # a result that has a table of this name is all that table: it is unfolded where none is named
# What stands beside config and result wherever rows leave the store; no field may be called so.
PROVENANCE = (
    "run_id",
    "sweep_id",
    "name",
    "attempt",
    "version",
    "host",
    "created_at",
    "started_at",
    "finished_at",
)
FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a text that starts with one of these

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A table of a result: its field's name, all columns, and those that tell its rows apart."""

    name: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]


def tables_of(result_schema: Mapping[str, Any]) -> dict[str, Table]:
    """By name, in the order of the fields; a list of plain values is no table."""
    found = {}
    for name, field in result_schema.get("properties", {}).items():
        row = _row_schema(result_schema, field)
        if row is not None:
            keys = tuple(column for column, about in row.items() if about.get("key"))
            found[name] = Table(name, tuple(row), keys)
    return found


def main_table(result: Mapping[str, Any] | None) -> str | None:
    """The table that a result is all of, if it is."""
    return ALL_ROWS if is_table((result or {}).get(ALL_ROWS)) else None


def is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def unfold(config: Mapping[str, Any], result: Mapping[str, Any], table: str | None) -> list[Row]:
    """Config, scalar fields and, with `table`, the columns of each of its rows, side by side.

    One row without a table; none where the result lacks the table.
    """
    base = {**config, **_scalars(result)}
    if table is None:
        return [base]
    rows = result.get(table)
    return [base | row for row in rows] if isinstance(rows, list) and is_table(rows) else []


def check_keys(tables: Iterable[Table], result: Mapping[str, Any]) -> None:
    """Raises `BadResult` where two rows of a table have the same key."""
    for table in tables:
        seen = set()
        for row in result.get(table.name) or ():
            key = tuple(row.get(column) for column in table.keys)
            if key in seen:
                words = ", ".join(f"{column}={value!r}" for column, value in zip(table.keys, key, strict=True))
                raise BadResult(f"two rows of the table {table.name} have the key {words}")
            seen.add(key)


def telling_keys(table: Table, results: Iterable[Mapping[str, Any]], kept: Sequence[str] = ()) -> tuple[str, ...]:
    """The key columns that tell the rows of each of these results apart, in their order, and those of `kept`.

    A key that follows from the others, such as the place of a network that stands there once, only lengthens a label.
    """
    parts = [result.get(table.name) or [] for result in results]
    needed = [key for key in table.keys if any(key in row for rows in parts for row in rows)]
    for key in table.keys:
        rest = [other for other in needed if other != key]
        if key in needed and key not in kept and rest and all(_apart(rows, rest) for rows in parts):
            needed = rest
    return tuple(needed)


def csv_cell(value: Any) -> Any:
    """As a spreadsheet may read it: lists as JSON, and no text that it would run."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_MARKS) else value


def _scalars(result: Mapping[str, Any]) -> Row:
    """All of a result but its tables."""
    return {name: value for name, value in result.items() if not is_table(value)}


def _apart(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> bool:
    return len({tuple(row.get(key) for key in keys) for row in rows}) == len(rows)


def _row_schema(schema: Mapping[str, Any], field: Mapping[str, Any]) -> dict[str, Any] | None:
    """The columns of the rows of a field; None where it is no list of records."""
    items = field.get("items") if field.get("type") == "array" else None
    if not isinstance(items, dict):
        return None
    row = schema.get("$defs", {}).get(items["$ref"].rpartition("/")[2], {}) if "$ref" in items else items
    columns = row.get("properties")
    return dict(columns) if row.get("type") == "object" and columns else None
