"""Results as a reader's table, and whether a printed one still holds: `table`, `table check`."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import typer

from mgic.cli.local import AsJson
from mgic.cli.results import TableName, give, raw_table
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect, identifier, of_sweep_or_run
from mgic.cli.terminal import Code, naming, put, say
from mgic.client import ApiError, Client
from mgic.errors import BadConfig
from mgic.figures.provenance import provenance
from mgic.records import Run
from mgic.tables.check import check_file
from mgic.tables.results import Asked, ResultTable, result_table
from mgic.tables.written import as_rows, written

CHECK = "check"
DIFFERING = "config"  # all fields that differ


class TableFormat(StrEnum):
    MARKDOWN = "markdown"
    LATEX = "latex"
    CSV = "csv"


def table(
    words: Annotated[
        list[str],
        typer.Argument(
            help="Ids of sweeps and runs, or the address of a page; or check and files.", show_default=False
        ),
    ],
    name: TableName = None,
    kind: Annotated[TableFormat, typer.Option("--format", help="How it is written.")] = TableFormat.MARKDOWN,
    by: Annotated[
        str | None,
        typer.Option(help="Means over seeds, a row for these fields; config: for all that differ.", show_default=False),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Results, a,b: else those of the plots.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """The results of sweeps or runs, a row a finished run; or with --by and as LaTeX the means over seeds, for a paper.

    Means have half of the 95 % interval behind them, from 3 seeds on; the best is bold where it is shown to be better
    than each other row. The document needs booktabs. `mgic table check paper.tex` compares what such tables print in
    a paper with the store, and ends with 1 if a number no longer holds.

    Example: mgic table SWEEP --format latex --by model,group_size --out table.tex
    """
    with connect(api_url, api_key) as client:
        if words[0] == CHECK:
            _check(client, [Path(word) for word in words[1:]])
        elif by is None and columns is None and kind is not TableFormat.LATEX:
            raw_table(client, _one(words), name, kind is TableFormat.CSV, as_json, out)
        else:
            asked = Asked(_ids(words), _names(by), dict.fromkeys(_names(columns)) or None, name, _at(words, api_url))
            made, runs = _load(client, asked)
            if not made.rows:
                say("no run of it has a result yet")
                raise typer.Exit(Code.NOTHING)
            text = json.dumps({"items": as_rows(made), "next_cursor": None}, indent=2) + "\n"
            give(text if as_json else written(made, kind.value, provenance(runs)), out)


def _names(text: str | None) -> tuple[str, ...]:
    given = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    return () if given == (DIFFERING,) else given


def _ids(words: Sequence[str]) -> tuple[str, ...]:
    """Of all words; an address has them in its parameters."""
    found = []
    for word in words:
        asked = parse_qs(urlsplit(word).query)
        given = [one for name in ("sweep", "run", "runs") for text in asked.get(name, []) for one in text.split(",")]
        found += [str(identifier(one)) for one in (given if "?" in word else [word])]
    if not found:
        raise BadConfig("the id of a sweep or a run is wanted, or an address with ?sweep=ID")
    return tuple(dict.fromkeys(found))


def _one(words: Sequence[str]) -> str:
    ids = _ids(words)
    if len(ids) > 1:
        raise BadConfig("a row a run is of one sweep; of several give --by, the fields that make a row")
    return ids[0]


def _at(words: Sequence[str], api_url: str) -> str:
    return next((word for word in words if "?" in word), f"{api_url.rstrip('/')}/api/v1/sweeps/{words[0]}")


def _load(client: Client, asked: Asked) -> tuple[ResultTable, list[Run]]:
    """From the store. Raises `ApiError` (404) where a sweep or a run is gone."""
    runs: dict[Any, Run] = {}
    for one in asked.of:
        found = of_sweep_or_run(lambda it: client.sweep_runs(client.sweep(it).id), lambda it: [client.run(it)], one)
        runs |= {run.id: run for run in found}
    names = sorted({run.experiment for run in runs.values()})
    if len(names) != 1:
        raise BadConfig(f"a table is of one experiment, these are of {len(names)}: {', '.join(names)}")
    kept = list(runs.values())
    return result_table(kept, client.experiment(names[0]), asked), kept


def _check(client: Client, paths: Sequence[Path]) -> None:
    """Each number that differs, a line each on stdout; ends with 1 if there is one."""
    if not paths:
        raise BadConfig("check: the files to be checked are wanted, such as paper.tex")

    def load(asked: Asked) -> ResultTable | str:
        try:
            return _load(client, asked)[0]
        except ApiError as error:
            if error.status != 404:
                raise
            return error.detail

    tables = numbers = wrong = 0
    for path in paths:
        with naming(f"check: {path} cannot be read"):
            text = path.read_bytes().decode("utf-8", "replace")
        try:
            found, count, faults = check_file(text, load)
        except BadConfig as error:
            raise BadConfig(f"{path}: {error}") from error
        tables, numbers, wrong = tables + found, numbers + count, wrong + len(faults)
        for fault in faults:
            put(f"{path}:{fault.line}: {fault}")
    if not tables:
        say("none of these files has a table that mgic made")
        raise typer.Exit(Code.NOTHING)
    say(f"{tables} table{'s' if tables > 1 else ''}, {numbers} numbers, {wrong or 'none'} of them wrong")
    if wrong:
        raise typer.Exit(Code.REGRESSION)
