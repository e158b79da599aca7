"""The plots of a page as files: `mgic figure ADDRESS`."""

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect
from mgic.cli.terminal import Code, put, say
from mgic.errors import BadConfig
from mgic.extras import how_to_get


class Width(StrEnum):
    COLUMN = "85"
    PAGE = "175"


def figure(
    address: Annotated[str, typer.Argument(help="Of a page with plots, as the browser shows it.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="The file: .svg, .pdf or .png.", show_default=False)] = None,
    plot: Annotated[str | None, typer.Option(help="The name of one of its plots.", show_default=False)] = None,
    width: Annotated[Width, typer.Option(help="Millimetres: one column of a paper, or both.")] = Width.COLUMN,
    dark: Annotated[bool, typer.Option("--dark", help="In the colours of the dark theme.")] = False,
    title: Annotated[bool, typer.Option(help="Draw the title too; the caption has it anyway.")] = True,
    listed: Annotated[bool, typer.Option("--list", help="Print the names of the plots, and draw none.")] = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """The plots of a page as files for a paper, each with its caption beside it: .tex beside a PDF, else .txt.

    Of the address its page and parameters count; the service is asked at --api-url. Several plots become a file each,
    with the name of the plot in it. Drawing takes Chrome or Chromium, such as the Debian package `chromium`.

    Example: mgic figure "http://127.0.0.1:8501/sweep?sweep=ID" --plot accuracy-against-macs --out fig.pdf
    """
    drawing = _drawing()
    kind = "" if listed else drawing.kind_of(out)
    with connect(api_url, api_key) as client:
        page = drawing.open_page(client, address)
    chosen = page.chosen(plot)
    if not chosen:
        say("this page has no plot yet")
        raise typer.Exit(Code.NOTHING)
    for one in chosen:
        if out is None or listed:
            put(f"{one.name}  {one.title}")
        else:
            path = out if len(chosen) == 1 else out.with_stem(f"{out.stem}-{one.name}")
            page.write(one, path, kind, int(width), dark, title)
            put(str(path))


def _drawing() -> Any:
    """The module that draws, and with it Plotly. Raises `BadConfig` where that is not installed."""
    try:
        return import_module("mgic.cli.drawing")
    except ModuleNotFoundError as error:
        if words := how_to_get(error):
            raise BadConfig(words) from error
        raise
