"""`python -m backend.backup take FILE`, `check FILE` and `restore FILE [--replace]`; `-` is a pipe.

What was done is told in a line on stderr. Exit 0; 65 if some files of runs could not be backed up, each named; 78 if
the archive, the settings or the schema do not allow it, 69 if the database or the place of the files does not answer,
74 if a file cannot be read or written.
"""

import argparse
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.exc import DBAPIError

from backend.artifacts import Artifacts, ArtifactsAway
from backend.backup.archive import Head
from backend.backup.restoring import examine, restore
from backend.backup.taking import Taken, take
from backend.migrations.__main__ import reason
from backend.settings import Settings, read_settings
from backend.store import DATABASE_ERRORS, disk_is_full, is_damaged, make_engine
from mgic.errors import MgicError

PIPE = "-"
SHOWN = 10  # faults


def main() -> int:
    parser = argparse.ArgumentParser("python -m backend.backup")
    parser.add_argument("what", choices=("take", "check", "restore"))
    parser.add_argument("file")
    parser.add_argument("--replace", action="store_true")
    asked = parser.parse_args()
    settings = read_settings()
    try:
        return _do(asked.what, asked.file, asked.replace, settings)
    except MgicError as error:
        return _refuse(os.EX_CONFIG, str(error))
    except (DBAPIError, sqlite3.Error) as error:
        return _refuse(_code(error), reason(settings.database, error))
    except ArtifactsAway as error:
        return _refuse(os.EX_UNAVAILABLE, f"the place of the artifacts does not answer: {error}")
    except OSError as error:
        place = os.fsdecode(error.filename) if error.filename is not None else asked.file
        return _refuse(os.EX_IOERR, f"{place}: {error.strerror or error}")


def _code(error: Exception) -> int:
    if disk_is_full(error):
        return os.EX_IOERR
    away = isinstance(error, (*DATABASE_ERRORS, sqlite3.OperationalError)) and not is_damaged(error)
    return os.EX_UNAVAILABLE if away else os.EX_CONFIG


def _do(what: str, name: str, replace: bool, settings: Settings) -> int:
    engine = make_engine(settings.database, pooled=False)
    artifacts = Artifacts(settings.artifacts)
    if what == "take":
        with _output(name) as file:
            taken = take(engine, artifacts, settings.scratch, file)
        return _tell(taken)
    with _input(name, settings) as path:
        if what == "check":
            _say(f"{name} is whole: {_words(examine(path, engine))}")
            return os.EX_OK
        done = restore(path, engine, artifacts, settings.scratch, replace)
    _say(f"restored {_words(done.head)}, and {done.files:,} files")
    return os.EX_OK


def _tell(taken: Taken) -> int:
    _say(f"backed up {_words(taken.head)}, and {taken.files:,} files of {taken.size / 1e6:,.1f} MB")
    for fault in taken.faults[:SHOWN]:
        _say(f"not whole: {fault}")
    if len(taken.faults) > SHOWN:
        _say(f"not whole: {len(taken.faults) - SHOWN:,} more")
    return os.EX_DATAERR if taken.faults else os.EX_OK


def _words(head: Head) -> str:
    rows = ", ".join(f"{head.rows.get(name, 0):,} {name}" for name in ("sweeps", "runs", "baselines", "comparisons"))
    return f"the store of {head.made_at:%Y-%m-%d %H:%M:%S} UTC (schema {head.schema_version}, {head.database}): {rows}"


@contextmanager
def _output(name: str) -> Iterator[BinaryIO]:
    """A file that is there when it is whole, and that its owner alone reads; or the pipe."""
    if name == PIPE:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    draft = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _input(name: str, settings: Settings) -> Iterator[Path]:
    """The archive as a file: it is read twice."""
    if name != PIPE:
        yield Path(name)
        return
    settings.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.scratch) as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        yield Path(file.name)


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def _refuse(code: int, words: str) -> int:
    _say(words)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
