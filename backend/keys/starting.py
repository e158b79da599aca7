"""What a start makes of keys: those in files are taken in, and a service that strangers reach has one, or is none."""

import logging
from pathlib import Path

from backend.keys import read_key_file
from backend.settings import Settings
from backend.store import KeyScope, Store
from mgic.doors.callers import listens_here_only
from mgic.errors import BadConfig

log = logging.getLogger(__name__)


def take_in_keys(store: Store, settings: Settings) -> None:
    """Those that whoever set the service up has put into files. Raises `BadConfig` for a file without one."""
    wanted: tuple[tuple[str, Path | None, KeyScope], ...] = (
        ("admin", settings.admin_key_file, "admin"),
        ("pages", settings.pages_key_file, "pages"),
        ("worker", settings.worker_key_file, "worker"),
    )
    for name, file, scope in wanted:
        if file is None:
            continue
        token = read_key_file(f"MGIC_{name.upper()}_KEY_FILE", file)
        if store.add_key(token.id, name, scope, token.digest):
            log.info("the key %s, %s, was taken in from %s", token.id, name, file)


def refuse_strangers(store: Store, settings: Settings) -> None:
    """Raises `BadConfig` where others than this machine's users could ask, and nobody could have a key."""
    if not listens_here_only(settings.api_host) and not store.has_usable_key():
        raise BadConfig(
            f"MGIC_API_HOST={settings.api_host}: others than this machine would reach the API, and there is no key: "
            "make one by `mgic key create NAME --scope admin`, name a file that has one by MGIC_ADMIN_KEY_FILE, or "
            "listen at 127.0.0.1"
        )
