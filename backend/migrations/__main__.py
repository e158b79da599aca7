"""Bring the configured database to the newest schema; `--check` only says how it stands.

Exit 0, and with `--check` a line on stdout; or a line on stderr and 78 (sysexits.h) if the database is newer than this
program, does not take the password, is damaged or cannot be one, 69 if it does not answer, 74 if its disk is full.
"""

import os
import sys
from typing import NoReturn

from sqlalchemy.exc import DBAPIError

from backend.migrations import REMEDY, state, upgrade
from backend.settings import read_settings
from backend.store import DATABASE_ERRORS, disk_is_full, is_damaged, make_engine, parse_database_url
from mgic.errors import MgicError

WRONG_PASSWORD = "password authentication failed"  # PostgreSQL gives its code only after a connection is made
KEPT = (
    "the database does not take the password: it keeps the one it was created with. Put that one back into"
    " MGIC_DATABASE_URL or the file that holds it, or give the database the new one (with Compose: docker/README.md)"
)


def main() -> None:
    database = read_settings().database
    try:
        if "--check" in sys.argv[1:]:
            sys.stdout.write(f"{state(database)}\n")
        else:
            upgrade(make_engine(database, pooled=False))
    except MgicError as error:
        _leave(os.EX_CONFIG, str(error))
    except DATABASE_ERRORS as error:
        if WRONG_PASSWORD in str(error):
            _leave(os.EX_CONFIG, KEPT)
        if is_damaged(error):
            _leave(os.EX_CONFIG, f"{reason(database, error)}. {REMEDY}")
        _leave(os.EX_IOERR if disk_is_full(error) else os.EX_UNAVAILABLE, reason(database, error))
    except DBAPIError as error:  # it answers, and does not let us
        _leave(os.EX_CONFIG, reason(database, error))
    except OSError as error:
        _leave(os.EX_CONFIG, f"{error.filename}, for the database, cannot be made: {error.strerror}")


def reason(url: str, error: Exception) -> str:
    """The driver's own words, without SQLAlchemy's around them."""
    address = parse_database_url(url)
    place = address.database if address.get_backend_name() == "sqlite" else address.host
    words = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return f"the database {place} cannot be used: {words}"


def _leave(code: int, words: str) -> NoReturn:
    sys.stderr.write(f"{words}\n")
    raise SystemExit(code)


if __name__ == "__main__":
    main()
