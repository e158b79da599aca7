"""What the service knows of the models of some runs."""

from collections.abc import Iterable
from typing import Any

from mgic.client import ApiError, Client
from mgic.records import Run
from mgic.spec import parse_spec


def known_defaults(api: Client, runs: Iterable[Run]) -> dict[str, dict[str, Any]]:
    """Of the options of every model that occurs; of a model that is not there any more nothing is known."""
    names = set()
    for run in runs:
        names |= {str(run.config["model"])} if "model" in run.config else set()
        names |= {parse_spec(str(row["model"]))[0] for row in (run.result or {}).get("rows", ()) if "model" in row}
    found = {}
    for name in sorted(names):
        try:
            options = api.model(name).options
        except ApiError:
            continue
        found[name] = {option: about.get("default") for option, about in options.get("properties", {}).items()}
    return found
