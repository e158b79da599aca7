"""`mgic demo`: finished results to look at, there at once."""

from typing import Annotated

import typer

from mgic.cli.local import AsJson
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect
from mgic.cli.terminal import put, put_json, say
from mgic.records import DEMO_TAG


def demo(
    remove: Annotated[bool, typer.Option("--remove", help="Take them away again.")] = False,
    as_json: AsJson = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Load results that were measured elsewhere, to look at: they have the tag demo, and count for nothing.

    Example: mgic demo
    """
    with connect(api_url, api_key) as client:
        if remove:
            client.delete_demo()
            say("the demo data are gone")
            return
        sweeps = client.load_demo()
    if as_json:
        put_json(sweeps)
        return
    for sweep in sweeps:
        put(f"{sweep.id} {sweep.name}")
    say(f"{sum(sweep.total for sweep in sweeps)} finished runs with the tag {DEMO_TAG}; next: mgic demo --remove")
