"""A result as rows: which tables it has, what tells their rows apart, and the one way to unfold them.

A result is scalar fields and any number of tables: fields that are lists of records of one row type. The row type
marks its key columns by `json_schema_extra={"key": True}`; no two rows of a table have the same key. Everything here
is read from the result's JSON schema, so that the store, the API, the command and the pages unfold alike.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
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

PLAIN = ("string", "integer", "number", "boolean", "null")  # types of JSON that a key may have

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
    for name, row in _row_schemas(result_schema).items():
        columns = row.get("properties", {})
        found[name] = Table(
            name, tuple(columns), tuple(column for column, about in columns.items() if about.get("key"))
        )
    return found


def check_tables(result_schema: Mapping[str, Any]) -> None:
    """What a result declares of its tables.

    Raises:
        BadResult: The rows of one have no declared columns or no key, or a key is not one plain value.
    """
    for name, row in _row_schemas(result_schema).items():
        columns = row.get("properties", {})
        if not columns:
            raise BadResult(f"the field {name} is a list of records without columns; give its rows a type of their own")
        keys = {column: about for column, about in columns.items() if about.get("key")}
        if not keys:
            words = 'no column is a key; mark those that tell its rows apart by json_schema_extra={"key": True}'
            raise BadResult(f"of the table {name} {words}")
        for column, about in keys.items():
            if not all(kind.get("type", "string") in PLAIN for kind in about.get("anyOf", [about])):
                raise BadResult(f"the key {column} of the table {name} is no plain value")


def main_table(result: Mapping[str, Any] | None) -> str | None:
    """The table that a result is all of, if it is."""
    rows = (result or {}).get(ALL_ROWS)
    return ALL_ROWS if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else None


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
    """Raises `BadResult` where two rows of a table have the same key, or a key is no finite number."""
    for table in tables:
        seen = set()
        for row in result.get(table.name) or ():
            key = [row.get(column) for column in table.keys]
            words = ", ".join(f"{column}={value!r}" for column, value in zip(table.keys, key, strict=True))
            if any(isinstance(value, float) and not isfinite(value) for value in key):
                raise BadResult(f"a row of the table {table.name} has the key {words}, which is no finite number")
            if (text := json.dumps(key)) in seen:
                raise BadResult(f"two rows of the table {table.name} have the key {words}")
            seen.add(text)


def telling_keys(table: Table, results: Iterable[Mapping[str, Any]], kept: Sequence[str] = ()) -> tuple[str, ...]:
    """The key columns that tell the rows of these results apart, in their order, and those of `kept`.

    A key that follows from the others in all results, such as the place of a network that stands there once, only
    lengthens a label.
    """
    rows = [row for result in results for row in result.get(table.name) or ()]
    needed = [key for key in table.keys if any(key in row for row in rows)]
    for key in table.keys:
        rest = [other for other in needed if other != key]
        if key in needed and key not in kept and rest and _follows(rows, key, rest):
            needed = rest
    return tuple(needed)


def csv_cell(value: Any) -> Any:
    """As a spreadsheet may read it: lists as JSON, and no text that it would run."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_MARKS) else value


def _scalars(result: Mapping[str, Any]) -> Row:
    """All of a result but its tables, and but lists of nothing, which may be tables."""
    return {name: value for name, value in result.items() if value != [] and not is_table(value)}


def _follows(rows: Iterable[Mapping[str, Any]], key: str, others: Sequence[str]) -> bool:
    """Whether the other columns say what this one is."""
    found: dict[tuple[Any, ...], Any] = {}
    return all(
        found.setdefault(tuple(row.get(other) for other in others), row.get(key)) == row.get(key) for row in rows
    )


def _row_schemas(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Of each field that is a list of records, or may be none: the schema of its rows."""
    found = {}
    for name, field in schema.get("properties", {}).items():
        for kind in field.get("anyOf", [field]):
            items = kind.get("items") if kind.get("type") == "array" else None
            for row in items.get("anyOf", [items]) if isinstance(items, dict) else []:
                row = schema.get("$defs", {}).get(row["$ref"].rpartition("/")[2], {}) if "$ref" in row else row
                if row.get("type") == "object":
                    found[name] = row
    return found
