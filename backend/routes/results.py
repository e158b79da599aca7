"""Results as flat rows, config and result side by side."""

import csv
import io
from array import array
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from backend.auth import Reads
from backend.catalogue import Catalogue
from backend.deps import CatalogueDep, CursorDep, Limit, SettingsDep, StoreDep, StrictQuery, Text
from backend.line import Line
from backend.store import Store
from mgic.errors import BadConfig, Problem, Unavailable
from mgic.records import NAME_PATTERN, Page, csv_cell

router = APIRouter(prefix="/results", tags=["results"], dependencies=[Reads, StrictQuery])
BATCH = 100  # rows that are read at once: a row may be large
CHUNK_BYTES = 2**17  # that are sent at once: more would only wait for the client, in memory
# It computes all the while: one at a time leaves room for others. Who has the file keeps the place, with the file on
# disk, until it is sent: a client may take its time.
MAKING = Line("maker of csv files", 8, 60)
SPOOL_BYTES = 8 * 2**20  # of a csv file that are kept in memory; more of it waits on disk
TableName = Annotated[str | None, Query(pattern=NAME_PATTERN, description="Of the result: a row for each of its rows")]


@router.get("", response_model=Page[dict[str, Any]], responses={200: {"content": {"text/csv": {}}}})
def list_results(
    store: StoreDep,
    catalogue: CatalogueDep,
    settings: SettingsDep,
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
    stopped: Annotated[bool, Query(description="Trainings that a search ended early, too")] = False,
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
        chunks = _csv(_rows(store, experiment, filters, table, stopped), settings.home)
        header = next(chunks)  # what fails, fails before the answer begins
        return StreamingResponse(chain([header], chunks), media_type="text/csv", headers=headers)
    items, place = store.results(experiment, limit, cursor.after, filters, table, stopped)
    return Page[dict[str, Any]](items=tuple(items), next_cursor=cursor.write(place))


def _known(table: str, experiment: str, catalogue: Catalogue) -> None:
    """Raises `UnknownName` for the experiment, and `BadConfig` for the table."""
    tables = catalogue.experiment(experiment).tables
    if table not in tables:
        detail = f"{experiment} has no table {table}; it has: {', '.join(tables) or 'none, a row is a run'}"
        raise BadConfig(detail, (Problem("table", "unknown_table", detail),))


def _csv(rows: Iterable[dict[str, Any]], folder: Path) -> Iterator[bytes]:
    """The header, then all rows, in one pass: they wait in a file until it is known which columns there are.

    A row written before a column was met lacks that cell, which is added when the file is read.

    Raises:
        Unavailable: The file cannot be made, or others are being made.
    """
    columns: dict[str, None] = {}
    segments: list[tuple[int, array[int]]] = []  # how many columns were known, and the bytes of each row written then
    where = str(folder) if folder.is_dir() else None
    with MAKING.place() as alone, SpooledTemporaryFile(SPOOL_BYTES, dir=where) as spool:
        try:
            with alone():
                for row in rows:
                    columns |= dict.fromkeys(row)
                    if not segments or segments[-1][0] < len(columns):
                        segments.append((len(columns), array("I")))
                    line = _line(csv_cell(row.get(name)) for name in columns)
                    segments[-1][1].append(len(line))
                    spool.write(line)
            spool.seek(0)
        except OSError as error:
            raise Unavailable(f"a file for the rows cannot be made: {error.strerror}") from error
        yield _line(columns)
        for known, lengths in segments:
            yield from _chunks(spool, lengths, b"," * (len(columns) - known) + b"\n")


def _chunks(spool: IO[bytes], lengths: Iterable[int], end: bytes) -> Iterator[bytes]:
    """Rows of these lengths, each with another end than its newline."""
    chunk = bytearray()
    for length in lengths:
        chunk += spool.read(length)
        chunk[-1:] = end
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def _line(cells: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _rows(
    store: Store, experiment: str, filters: dict[str, Any], table: str | None, stopped: bool
) -> Iterator[dict[str, Any]]:
    place: int | None = None
    while True:
        rows, place = store.results(experiment, BATCH, place, filters, table, stopped)
        yield from rows
        if place is None:
            return


def _plain(name: str) -> str:
    return "".join(c for c in name if c.isascii() and (c.isalnum() or c in "._-")) or "results"
