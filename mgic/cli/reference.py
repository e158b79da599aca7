"""What the paper prints beside what we count: `reference`."""

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from mgic.cli.local import AsJson
from mgic.cli.terminal import put, put_json, put_table, say
from mgic.errors import BadConfig
from mgic.records import Match
from mgic.reference import export, list_references, list_tables
from mgic.reference.paper import LOCK


class Format(StrEnum):
    TEXT = "text"
    MARKDOWN = "markdown"
    LATEX = "latex"


def reference(
    table: Annotated[
        str | None, typer.Argument(help="Number of a table of the paper; all of them without it.", show_default=False)
    ] = None,
    kind: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TEXT,
    as_json: AsJson = False,
    recount: Annotated[
        bool, typer.Option("--recount", help="Count every network anew, and write down what they cost.")
    ] = False,
) -> None:
    """The rows the paper prints, what our networks cost beside them, and where the two differ.

    Example: mgic reference 7
    """
    if recount:
        _recount()
        return
    rows = list_references(table)  # an unknown table is answered here
    chosen = [each for each in list_tables() if table in (None, each.name)]
    if as_json:
        put_json({"tables": chosen, "rows": rows})
    elif table is not None:
        write = {Format.TEXT: export.as_text, Format.MARKDOWN: export.as_markdown, Format.LATEX: export.as_latex}[kind]
        put(write(chosen[0], rows))
    elif kind is Format.TEXT:
        _overview()
    else:
        put(export.paper_as_markdown() if kind is Format.MARKDOWN else export.paper_as_latex())


def _overview() -> None:
    found = [(table, export.coverage(list_references(table.name))) for table in list_tables()]
    put_table(
        ("table", "rows", "can run", "judged", "counted", "params match", "MACs match", "title"),
        [
            (t.name, c.rows, c.runnable, c.judged, c.counted, _share(c.params), _share(c.macs), t.title)
            for t, c in found
        ],
    )  # fmt: skip
    every = export.coverage(list_references())
    say(
        f"{every.rows} rows, {every.runnable} can run; {every.judged} of these are judged,"
        f" {every.apart['another network']} have another network, {every.apart['quoted']} are quoted from other"
        f" trainings, {every.apart['other samples']} are of other samples with an unknown spread."
        f" {export.said_twice(every.printed_twice)}"
        f" Parameters match within 3 % in {_share(every.params)}, MACs in {_share(every.macs)}."
        " `mgic reference 7` shows one table."
    )


def _share(tally: dict[Match, int]) -> str:
    return f"{tally['match']} of {sum(tally.values())}"


def _recount() -> None:
    """The one thing here that needs torch."""
    try:
        entries = import_module("mgic.reference.counting").recount()
    except OSError as error:
        raise BadConfig(f"{LOCK} cannot be written: {error.strerror}") from error
    say(f"{entries} networks counted into {LOCK}")
