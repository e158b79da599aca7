"""Keys of the database that the settings name: `create NAME --scope SCOPE`, `list`, `revoke ID`, `check`, `token`.

JSON on stdout. Exit 0; or a line on stderr and 78 (sysexits.h) where the settings, the schema or the words cannot be,
69 where the database does not answer. `check` ends with 78 where there is no key that anybody could use.
"""

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from backend.keys import mint
from backend.migrations import check, state, upgrade
from backend.settings import read_settings
from backend.store import DATABASE_ERRORS, SCOPES, KeyScope, SchemaMismatch, Store, StoredKey
from mgic.errors import BadConfig, MgicError

UNITS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 @._+/-]{0,119}")
NO_KEY = "there is no key yet: `mgic key create NAME --scope admin` makes one"


def main(words: Sequence[str] | None = None) -> None:
    asked = _parser().parse_args(words)
    try:
        if asked.command == "token":
            sys.stdout.write(f"{mint().text}\n")
        else:
            sys.stdout.write(json.dumps(_answer(asked)) + "\n")
    except DATABASE_ERRORS as error:
        sys.stderr.write(f"the database does not answer: {error}\n")
        raise SystemExit(os.EX_UNAVAILABLE) from error
    except (MgicError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(os.EX_CONFIG) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m backend.keys")
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create")
    create.add_argument("name")
    create.add_argument("--scope", required=True, choices=SCOPES)
    create.add_argument("--expires", default="")
    revoke = commands.add_parser("revoke")
    revoke.add_argument("id")
    for name in ("list", "check", "token"):
        commands.add_parser(name)
    return parser


def _answer(asked: argparse.Namespace) -> Any:
    database = read_settings().database
    if asked.command == "check" and state(database).startswith("none"):  # to ask makes no database
        raise BadConfig(NO_KEY)
    store = Store.open(database, pooled=False)
    if asked.command == "create":
        return _create(store, asked.name, asked.scope, asked.expires)
    check(store.engine)
    if asked.command == "revoke":
        return _told(store.revoke_key(asked.id))
    if asked.command == "check" and not store.has_usable_key():
        raise BadConfig(NO_KEY)
    return [_told(key) for key in store.every_key()]


def _create(store: Store, name: str, scope: KeyScope, expires: str) -> dict[str, Any]:
    if not NAME.fullmatch(name):
        raise BadConfig(f"a key's name has letters, digits and ' @._+/-', at most 120, no sign first: not {name!r}")
    until = read_expiry(expires, time.time())
    try:
        check(store.engine)
    except SchemaMismatch as mismatch:
        if "has no schema" not in str(mismatch):
            raise
        upgrade(store.engine)  # the first key may be there before the first start
    token = mint()
    store.add_key(token.id, name, scope, token.digest, until)
    (added,) = [key for key in store.every_key() if key.id == token.id]
    return {"key": token.text, **_told(added)}


def read_expiry(text: str, now: float) -> float | None:
    """Seconds since 1970 of `12h`, `90d`, `4w` from now on, or of a date, at its begin in UTC; None for no text.

    Raises:
        BadConfig: It is neither, or over.
    """
    if not text:
        return None
    if found := re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", text):
        return now + int(found[1]) * UNITS[found[2]]
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadConfig(f"--expires is written 12h, 90d, 4w or 2030-12-31, not {text[:40]!r}") from error
    until = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    if until <= now:
        raise BadConfig(f"--expires {text} is over")
    return until


def _told(key: StoredKey) -> dict[str, Any]:
    moments = {name: getattr(key, name) for name in ("created_at", "expires_at", "revoked_at", "last_used_at")}
    shown = {name: at and datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") for name, at in moments.items()}
    return {"id": key.id, "name": key.name, "scope": key.scope, "state": key.state, **shown}


if __name__ == "__main__":
    main()
