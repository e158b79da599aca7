"""Find runs, say something of them and of sweeps, delete them: `runs`, `edit`, `delete`."""

import re
import sys
from typing import Annotated, Any

import typer

from mgic.cli.local import AsJson
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect, of_sweep_or_run
from mgic.cli.terminal import Code, assignments, put, put_json, put_table, say
from mgic.client import Client
from mgic.errors import BadConfig
from mgic.records import Run, RunStatus, Sweep, plain_tag

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Of sweeps or runs.", show_default=False)]
FIELD = re.compile(r"[A-Za-z0-9_.-]+")
COLUMNS = ("seconds", "created_at")  # of a run itself; shown anyway


def runs(
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="As config.group_size=8 or 'result.top1>=90'; repeatable."),
    ] = None,
    sort: Annotated[str, typer.Option(help="A field, or - and the field: the largest first.")] = "-created_at",
    query: Annotated[
        str | None, typer.Option("--query", "-q", help="Words of name, model, tags, notes, or an id.")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Of the run or its sweep.")] = None,
    experiment: Annotated[str | None, typer.Option(help="Of this one only.")] = None,
    status: Annotated[RunStatus | None, typer.Option(help="Only those that stand so.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    as_json: AsJson = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Runs that meet all conditions, sorted by any field of their config or result.

    Example: mgic runs --where config.group_size=8 --where 'result.top1>=90' --sort -result.top1
    """
    filters: dict[str, Any] = {
        "where": where or None,
        "q": query,
        "tag": tag,
        "experiment": experiment,
        "status": status,
    }
    with connect(api_url, api_key) as client:
        page = client.runs(limit=limit, sort=sort, tables=False, **filters)
        if as_json:
            put_json(page)
            return
        total = client.count_runs(**filters)
    asked = [found[0] for text in [sort.removeprefix("-"), *(where or ())] if (found := FIELD.match(text.strip()))]
    fields = [name for name in dict.fromkeys(asked) if name not in COLUMNS]
    put_table(
        ("run", "experiment", "status", "seconds", *fields, "tags", "config"),
        [
            (
                run.id,
                run.experiment,
                run.status,
                run.seconds,
                *(_value(run, name) for name in fields),
                ",".join(run.tags + run.sweep_tags) or "-",
                assignments(run.requested),
            )
            for run in page.items
        ],
    )
    say(f"{len(page.items)} of {total:,} runs")


def _value(run: Run, field: str) -> Any:
    part, _, name = field.partition(".")
    return ((run.config if part == "config" else run.result) or {}).get(name)


def edit(
    ids: Ids = None,
    name: Annotated[str | None, typer.Option(help="What a sweep is called from now on.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Give it this tag; repeatable.")] = None,
    untag: Annotated[list[str] | None, typer.Option(help="Take this tag away; repeatable.")] = None,
    notes: Annotated[str | None, typer.Option(help="What is noted of it, instead of what was.")] = None,
    as_json: AsJson = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Name, tag and note sweeps and runs.

    Example: mgic edit SWEEP --name "group size" --tag paper --notes "with the new schedule"
    """
    if not ids:
        raise BadConfig("name a sweep or a run by its id; `mgic status` and `mgic runs` show them")
    if name is None and notes is None and not tag and not untag:
        raise BadConfig("nothing is to be changed: give --name, --tag, --untag or --notes")
    plain = {key: value for key, value in {"name": name, "notes": notes}.items() if value is not None}
    with connect(api_url, api_key) as client:
        for text in ids:
            found = of_sweep_or_run(client.sweep, client.run, text)
            tags = (set(found.tags) | {*map(plain_tag, tag or ())}) - {*map(plain_tag, untag or ())}
            change = plain | ({"tags": sorted(tags)} if tag or untag else {})
            update = client.update_sweep if isinstance(found, Sweep) else client.update_run
            changed = update(found.id, **change)
            put_json(changed) if as_json else put(f"{changed.id} {_said(changed)}")


def _said(changed: Sweep | Run) -> str:
    parts = [changed.name if isinstance(changed, Sweep) else changed.experiment, ",".join(changed.tags), changed.notes]
    return " | ".join(part.replace("\n", " ") for part in parts if part)


def delete(
    ids: Ids = None,
    tag: Annotated[str | None, typer.Option(help="All sweeps and runs with this tag.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Delete sweeps or runs, with their files; never one that has not ended or that something else needs.

    Example: mgic delete --tag demo
    """
    if bool(ids) == (tag is not None):
        raise BadConfig("say what is to go: ids of sweeps or runs, or --tag")
    with connect(api_url, api_key) as client:
        if tag is not None:
            _delete_tagged(client, tag, yes)
            return
        found = [of_sweep_or_run(client.sweep, client.run, text) for text in ids or ()]
        _ask("; ".join(_told(one) for one in found), yes)
        for one in found:
            (client.delete_sweep if isinstance(one, Sweep) else client.delete_run)(one.id)
            put(f"{one.id} deleted")


def _delete_tagged(client: Client, tag: str, yes: bool) -> None:
    sweeps, runs = client.tagged(tag)
    if not sweeps and not runs:
        say(f"nothing has the tag {tag}")
        raise typer.Exit(Code.NOTHING)
    total = sum(sweep.total for sweep in sweeps) + len(runs)
    _ask(f"{len(sweeps)} sweeps and {len(runs)} single runs with the tag {tag}, {total} runs in all", yes)
    refused = client.delete_tagged(tag)
    for error in refused:
        say(f"kept: {error}")
    put(f"{len(sweeps) + len(runs) - len(refused)} deleted")
    if refused:
        raise typer.Exit(Code.NOTHING)


def _told(one: Sweep | Run) -> str:
    if isinstance(one, Sweep):
        return f"the sweep {one.name} ({one.id}) with {one.total} runs"
    return f"the run {one.id} of {one.sweep_name}"


def _ask(what: str, yes: bool) -> None:
    """Once, on a terminal. Raises `BadConfig` where nobody can be asked, and `typer.Exit` at any answer but yes."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise BadConfig(f"--yes is needed where nobody can be asked; it would delete {what}")
    sys.stderr.write(f"Delete {what}, and all files of them? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        say("nothing was deleted")
        raise typer.Exit(Code.NOTHING)
