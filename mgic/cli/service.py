"""Which service the commands speak to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from mgic.client import ApiError, Client
from mgic.errors import BadConfig
from mgic.place import service_url

ApiUrl = Annotated[str, typer.Option("--api-url", envvar="MGIC_API_URL", help="Where the service is.")]
ApiKey = Annotated[
    str | None,
    typer.Option("--api-key", envvar="MGIC_API_KEY", show_envvar=True, help="Key, if the service asks for one."),
]
DEFAULT_URL = "http://127.0.0.1:8000"
PATIENCE_S = 30.0  # for one answer; a first question waits until the catalogue is up


def identifier(text: str) -> UUID:
    """Raises `BadConfig` for what is not the id of a sweep or a run."""
    try:
        return UUID(text)
    except ValueError:
        raise BadConfig(f"{text[:60]!r} is not an id; `mgic status` shows those of sweeps and runs") from None


def of_sweep_or_run(on_sweep: Any, on_run: Any, text: str) -> Any:
    """Do it to the sweep of this id or, if there is none, to the run."""
    found = identifier(text)
    try:
        return on_sweep(found)
    except ApiError as error:
        if error.status != 404:
            raise
    return on_run(found)


def key_of_file() -> str | None:
    """The key in the file that MGIC_API_KEY_FILE names, if it names one. Raises `BadConfig`."""
    name = os.environ.get("MGIC_API_KEY_FILE")
    if not name:
        return None
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise BadConfig(f"MGIC_API_KEY_FILE={name} cannot be read: {error}") from error


@contextmanager
def connect(url: str, key: str | None) -> Iterator[Client]:
    client = Client(service_url(url, "--api-url (MGIC_API_URL)"), key or key_of_file(), timeout=PATIENCE_S)
    try:
        yield client
    finally:
        client.close()
