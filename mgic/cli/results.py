"""Results as they are, a row a run, for a reader and for a spreadsheet: `export`, and `table` without means."""

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mgic.cli.files import write_text
from mgic.cli.local import AsJson
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect, identifier
from mgic.cli.terminal import Code, put, say
from mgic.client import Client
from mgic.records import ALL_ROWS, ExperimentInfo

TableName = Annotated[
    str | None, typer.Option("--table", help="Of the results: a row for each of its rows.", show_default=False)
]


class ExportFormat(StrEnum):
    CSV = "csv"
    JSON = "json"


def raw_table(client: Client, sweep: str, name: str | None, as_csv: bool, as_json: bool, out: Path | None) -> None:
    """One row a finished run of a sweep, or a row of a table.

    As Markdown: the fields that differ and what came out. As CSV: all of it, and where it comes from.
    """
    found = client.sweep(identifier(sweep))
    info = client.experiment(found.experiment)
    rows = client.results(found.experiment, sweep_id=str(found.id), table=name)
    if not rows:
        say(f"no run of {found.id} has {f'a row of the table {name}' if name else 'a result'} yet")
        raise typer.Exit(Code.NOTHING)
    fields = dict.fromkeys(field for run in client.sweep_runs(found.id) for field in run.config)
    columns = interesting(rows, fields, _result_columns(info, name))
    chosen = [{column: row.get(column) for column in columns} for row in rows]
    if as_json:
        text = json.dumps({"items": chosen, "next_cursor": None}, indent=2) + "\n"
    elif as_csv:
        text = client.results_csv(found.experiment, sweep_id=str(found.id), table=name).decode()
    else:
        text = as_markdown(columns, chosen)
    give(text, out)


def _result_columns(info: ExperimentInfo, name: str | None) -> list[str]:
    """Of its rows: what tells them apart first, then the scalar fields, then what else the table has."""
    tables = info.tables
    table = tables.get(name or ALL_ROWS)
    fields = [field for field in info.result_schema["properties"] if field not in tables]
    return [*table.keys, *fields, *table.columns] if table else fields


def interesting(rows: list[dict[str, Any]], fields: Iterable[str], results: Iterable[str]) -> list[str]:
    """Fields of the config that differ between the rows, then those of the result that hold one value each."""
    differing = [name for name in fields if len({repr(row.get(name)) for row in rows}) > 1]
    single = [name for name in results if not any(isinstance(row.get(name), list | dict) for row in rows)]
    return list(dict.fromkeys(differing + single))


def as_markdown(columns: list[str], rows: list[dict[str, Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_shown(row[column]) for column in columns] for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "-" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def export(
    experiment: Annotated[str, typer.Argument(help="Name of the experiment.", show_default=False)],
    name: TableName = None,
    kind: Annotated[ExportFormat, typer.Option("--format", help="How it is written.")] = ExportFormat.CSV,
    as_json: AsJson = False,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """All results of an experiment, config and result side by side, one row a finished run or a row of a table.

    Example: mgic export classification --format csv > results.csv
    """
    with connect(api_url, api_key) as client:
        client.experiment(experiment)  # an unknown one is an error, not an empty table
        if as_json or kind is ExportFormat.JSON:
            rows = client.results(experiment, table=name)
            text = json.dumps({"items": rows, "next_cursor": None}, indent=2) + "\n" if rows else ""
        else:
            text = client.results_csv(experiment, table=name).decode()
        if not text.strip():
            say(f"no run of {experiment} has a result yet")
            raise typer.Exit(Code.NOTHING)
        give(text, out)


def give(text: str, out: Path | None) -> None:
    """To a file, or to stdout."""
    if out is None:
        put(text.removesuffix("\n"))
    else:
        write_text("--out", out, text)
