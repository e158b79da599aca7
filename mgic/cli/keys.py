"""`mgic key`: who may use a service, on its own machine; `mgic audit`: who has changed what there."""

import json
import os
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import typer

from mgic.cli.local import AsJson
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect
from mgic.cli.terminal import Commands, put, put_json, put_table, say
from mgic.cli.up import backend
from mgic.errors import BadConfig, NotFound, Unavailable
from mgic.extras import ALONE, has_service
from mgic.place import check_folder

key = typer.Typer(
    cls=Commands,
    help="Keys of the service whose database is here: MGIC_DATABASE_URL, or that of MGIC_HOME.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Home = Annotated[Path, typer.Option(envvar="MGIC_HOME", help="Where `mgic up` keeps everything.")]
HERE = Path(".mgic")
SCOPE = "read, submit or admin, each of which opens what those before it open; pages or worker, for a process."
EXPIRES = "When: after 12h, 90d, 4w, or at a date such as 2030-12-31. Never, if not given."


@key.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose it is: what is submitted with it belongs to this name.")],
    scope: Annotated[str, typer.Option(help=SCOPE)],
    expires: Annotated[str | None, typer.Option(help=EXPIRES)] = None,
    as_json: AsJson = False,
    home: Home = HERE,
) -> None:
    """Make a key, and print it. Nobody can show it again: the service keeps a hash of it.

    Example: mgic key create ci --scope submit --expires 90d
    """
    made = _asked(home, "create", name, "--scope", scope, *(["--expires", expires] if expires else []))
    if as_json:
        put_json(made)
        return
    say(f"{made['scope']} key {made['id']} of {made['name']}, until {made['expires_at'] or 'it is revoked'}:")
    put(made["key"])
    say("Keep it now, for example in MGIC_API_KEY or in a file that MGIC_API_KEY_FILE names.")


@key.command("list")
def list_(as_json: AsJson = False, home: Home = HERE) -> None:
    """All keys, the revoked too, without their secrets."""
    found = _asked(home, "list")
    if as_json:
        put_json(found)
        return
    columns = ("id", "name", "scope", "state", "created_at", "expires_at", "last_used_at")
    put_table(
        [name.removesuffix("_at").replace("_", " ") for name in columns], [[one[n] for n in columns] for one in found]
    )


@key.command()
def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `mgic key list` shows it.")],
    as_json: AsJson = False,
    home: Home = HERE,
) -> None:
    """From the next request on it opens nothing."""
    gone = _asked(home, "revoke", id_)
    if as_json:
        put_json(gone)
    else:
        say(f"the {gone['scope']} key {gone['id']} of {gone['name']} is revoked")


def audit(
    by: Annotated[str | None, typer.Option(help="Of this key's or person's name only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    as_json: AsJson = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Who has submitted, cancelled, changed, deleted what, newest first. Needs a key of the scope admin."""
    with connect(api_url, api_key) as client:
        page = client.acts(limit, by=by)
    if as_json:
        put_json(page)
        return
    rows = [
        (f"{a.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}", a.by or "-", a.key_id, a.action, a.target) for a in page.items
    ]
    put_table(("when (UTC)", "by", "key", "action", "target"), rows)


def _asked(home: Path, *words: str) -> Any:
    """What the service's own program says: the core knows no database."""
    if not has_service():
        raise BadConfig(f"keys cannot be made here: {ALONE}")
    check_folder("MGIC_HOME", home)
    done = backend("backend.keys", {"MGIC_HOME": os.path.realpath(home)}, *words)
    why = done.stderr.strip().rpartition("error: ")[2] or "it ended without a word"
    if done.returncode == os.EX_UNAVAILABLE:
        raise Unavailable(why)
    if done.returncode:
        raise (NotFound if why.startswith("there is no key '") else BadConfig)(why)
    return json.loads(done.stdout)
