"""`mgic comparisons`: the verdicts that the service keeps, in a list or one of them as Markdown."""

from datetime import UTC
from typing import Annotated, get_args
from uuid import UUID

import typer

from mgic.cli.local import AsJson
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect
from mgic.cli.terminal import put, put_json, put_table, say
from mgic.errors import BadConfig
from mgic.gate import as_markdown, row_in_words
from mgic.records import ComparisonBrief, GateVerdict

VERDICTS: tuple[GateVerdict, ...] = get_args(GateVerdict)


def comparisons(
    comparison: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Of the one to be shown.", show_default=False)
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of this name only.")] = None,
    branch: Annotated[str | None, typer.Option(help="Whose head is this branch.")] = None,
    verdict: Annotated[str | None, typer.Option(help=f"{', '.join(VERDICTS[:-1])} or {VERDICTS[-1]}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 20,
    as_json: AsJson = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Comparisons that the service keeps, newest first; one as Markdown, as `mgic gate` printed it.

    Example: mgic comparisons --name owner/project --verdict regression
    """
    if verdict is not None and verdict not in VERDICTS:
        raise BadConfig(f"--verdict: {verdict[:40]!r} is none of {', '.join(VERDICTS)}")
    if comparison is not None and (name or branch or verdict):
        raise BadConfig("an id names one comparison: --name, --branch and --verdict choose among all of them")
    wanted = None if comparison is None else _identifier(comparison)
    with connect(api_url, api_key) as client:
        if wanted is not None:
            found = client.comparison(wanted)
            put_json(found) if as_json else put(as_markdown(found).removesuffix("\n"))
            return
        page = client.comparisons(limit, name=name, branch=branch, verdict=verdict)
    if as_json:
        put_json(page)
        return
    put_table(("comparison", "verdict", "name", "branch", "commit", "when (UTC)", "worst"), [*map(_row, page.items)])
    more = "; more with --limit" if page.next_cursor else ""
    say(f"{len(page.items)} comparisons{more}; one of them: mgic comparisons ID")


def _row(one: ComparisonBrief) -> tuple[object, ...]:
    worst = row_in_words(one.worst) if one.worst else "-"
    when = f"{one.created_at.astimezone(UTC):%Y-%m-%d %H:%M}"
    return one.id, one.verdict, one.name or "-", one.branch or "-", (one.commit or "-")[:10], when, worst


def _identifier(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadConfig(f"{text[:60]!r} is no id; `mgic comparisons` lists those there are") from None
