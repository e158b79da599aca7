"""Results as flat rows, config and result side by side."""

import csv
import io
from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from backend.deps import CursorDep, Limit, StoreDep, StrictQuery, Text
from backend.store import Store
from mgic.records import NAME_PATTERN, Page

router = APIRouter(prefix="/results", tags=["results"], dependencies=[StrictQuery])
BATCH = 500
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would execute


@router.get("", response_model=Page[dict[str, Any]], responses={200: {"content": {"text/csv": {}}}})
def index(
    store: StoreDep,
    cursor: CursorDep,
    experiment: Annotated[str, Query(pattern=NAME_PATTERN)],
    format: Literal["json", "csv"] = "json",
    limit: Limit = 50,
    model: Text = None,
    dataset: Text = None,
    sweep_id: UUID | None = None,
) -> Any:
    """One row a finished run, oldest first; as csv: all of them, under one header."""
    given = {"model": model, "dataset": dataset, "sweep_id": sweep_id}
    filters = {key: value for key, value in given.items() if value is not None}
    if format == "csv":
        headers = {"Content-Disposition": f'attachment; filename="{_plain(experiment)}.csv"'}
        return StreamingResponse(_csv(store, experiment, filters), media_type="text/csv", headers=headers)
    items, place = store.results(experiment, limit, cursor.after, filters)
    return Page[dict[str, Any]](items=tuple(items), next_cursor=cursor.write(place))


def _csv(store: Store, experiment: str, filters: dict[str, Any]) -> Iterator[str]:
    """Two passes, so that the header has every column and no more than a page is held."""
    columns: dict[str, None] = {}
    for row in _rows(store, experiment, filters):
        columns |= dict.fromkeys(row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    for row in _rows(store, experiment, filters):
        writer.writerow({key: _cell(value) for key, value in row.items() if key in columns})
        if text.tell() > 2**16:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _rows(store: Store, experiment: str, filters: dict[str, Any]) -> Iterator[dict[str, Any]]:
    place: int | None = None
    while True:
        rows, place = store.results(experiment, BATCH, place, filters)
        yield from rows
        if place is None:
            return


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _plain(name: str) -> str:
    return "".join(c for c in name if c.isascii() and (c.isalnum() or c in "._-")) or "results"
