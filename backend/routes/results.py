"""Results as flat rows, config and result side by side."""

import csv
import io
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from backend.catalogue import Catalogue
from backend.deps import CatalogueDep, CursorDep, Limit, StoreDep, StrictQuery, Text
from backend.store import Store
from mgic.errors import BadConfig, Problem
from mgic.records import NAME_PATTERN, Page, csv_cell

router = APIRouter(prefix="/results", tags=["results"], dependencies=[StrictQuery])
BATCH = 500
TableName = Annotated[str | None, Query(pattern=NAME_PATTERN, description="Of the result: a row for each of its rows")]


@router.get("", response_model=Page[dict[str, Any]], responses={200: {"content": {"text/csv": {}}}})
def index(
    store: StoreDep,
    catalogue: CatalogueDep,
    cursor: CursorDep,
    experiment: Annotated[str, Query(pattern=NAME_PATTERN)],
    table: Annotated[
        str | None, Query(pattern=NAME_PATTERN, description="Of the result: a row for each of its rows")
    ] = None,
    format: Literal["json", "csv"] = "json",
    limit: Limit = 50,
    model: Text = None,
    dataset: Text = None,
    sweep_id: UUID | None = None,
) -> Any:
    """One row a finished run, oldest first, or one for each row of a table; as csv: all of them, under one header.

    Where a result is all one table, called `rows`, that one is taken. In csv, lists are JSON.
    """
    if table is not None:
        _known(table, experiment, catalogue)
    given = {"model": model, "dataset": dataset, "sweep_id": sweep_id}
    filters = {key: value for key, value in given.items() if value is not None}
    if format == "csv":
        name = _plain(experiment if table is None else f"{experiment}-{table}")
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return StreamingResponse(_csv(store, experiment, filters, table), media_type="text/csv", headers=headers)
    items, place = store.results(experiment, limit, cursor.after, filters, table)
    return Page[dict[str, Any]](items=tuple(items), next_cursor=cursor.write(place))


def _known(table: str, experiment: str, catalogue: Catalogue) -> None:
    """Raises `UnknownName` for the experiment, and `BadConfig` for the table."""
    tables = catalogue.experiment(experiment).tables
    if table not in tables:
        detail = f"{experiment} has no table {table}; it has: {', '.join(tables) or 'none, a row is a run'}"
        raise BadConfig(detail, (Problem("table", "unknown_table", detail),))


def _csv(store: Store, experiment: str, filters: dict[str, Any], table: str | None) -> Iterator[str]:
    """Two passes, so that the header has every column and no more than a page is held."""
    columns: dict[str, None] = {}
    for row in _rows(store, experiment, filters, table):
        columns |= dict.fromkeys(row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    for row in _rows(store, experiment, filters, table):
        writer.writerow({key: csv_cell(value) for key, value in row.items() if key in columns})
        if text.tell() > 2**16:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _rows(store: Store, experiment: str, filters: dict[str, Any], table: str | None) -> Iterator[dict[str, Any]]:
    place: int | None = None
    while True:
        rows, place = store.results(experiment, BATCH, place, filters, table)
        yield from rows
        if place is None:
            return


def _plain(name: str) -> str:
    return "".join(c for c in name if c.isascii() and (c.isalnum() or c in "._-")) or "results"
