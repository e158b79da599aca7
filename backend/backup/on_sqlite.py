"""A store in a SQLite file: copied by SQLite's own backup, and put in the place of another in one step.

A copy of the file alone would be stale, and would pass every check: the newest transactions lie in the `-wal` beside
it.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal
from uuid import UUID

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from backend.backup.archive import PIECE, STORE, Head, pieces_of
from backend.backup.contents import Contents, compare, contents, count_rows, holds_something, ran
from backend.migrations import upgrade, version_of
from backend.store import is_damaged, make_engine, sqlite_url
from mgic.errors import BadConfig, Conflict

NAME = f"{STORE}mgic.db"
COPY = "backup.part"
NEW = "restored.part"

Member = tuple[str, int, Iterable[bytes]]


@contextmanager
def snapshot(engine: Engine, work: Path) -> Iterator[tuple[Contents, Iterator[Member]]]:
    """What it holds now, and its file for an archive.

    Args:
        engine: Of the store, which may be in use.
        work: A folder that has room for a copy.
    """
    work.mkdir(parents=True, exist_ok=True)
    _clear_killed(work)
    copy = work / f"{COPY}.{os.getpid()}"
    try:
        _copy(_file(engine), copy)
        with _opened(copy) as connection:
            found = contents(connection)
        yield found, _members(copy)
    finally:
        copy.unlink(missing_ok=True)


def _clear_killed(work: Path) -> None:
    """What backups have left that were killed: each as large as the store was."""
    for left in work.glob(f"{COPY}.*"):
        if not Path("/proc", left.suffix[1:]).exists():
            left.unlink(missing_ok=True)


def _copy(file: Path, copy: Path) -> None:
    if not file.exists():
        raise BadConfig(f"there is nothing to back up: {file} is not there")
    copy.unlink(missing_ok=True)
    copy.touch(mode=0o600)
    with closing(sqlite3.connect(file, timeout=10)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)  # all pages in one step, of one state; who writes meanwhile goes on
        target.execute("pragma journal_mode=delete")  # one file, none beside it
        _check(target, file)


def _check(connection: sqlite3.Connection, file: Path) -> None:
    (said,) = connection.execute("pragma integrity_check(1)").fetchone()
    if said != "ok":
        raise BadConfig(f"the database {file} is damaged: {said}")


def _members(copy: Path) -> Iterator[Member]:
    with copy.open("rb") as file:
        yield NAME, copy.stat().st_size, iter(lambda: file.read(PIECE), b"")


@dataclass(frozen=True)
class Standing:
    """A store that is to be replaced: how it is, in a word; its schema, and its runs that may have left files."""

    state: Literal["empty", "not empty", "damaged"]
    version: str | None
    runs: list[UUID]


def check_target(engine: Engine, replace: bool) -> None:
    """Raises `Conflict` where the store is in use, or holds something and is not to be replaced."""
    file = _file(engine)
    if file.exists() and (state := _standing(file).state) != "empty" and not replace:
        raise Conflict(f"the store {file} is {state}: --replace puts the backup in its place")


def _standing(file: Path) -> Standing:
    """Of a damaged one no more is known. Raises `Conflict` where it is in use."""
    try:
        _alone(file)
        with _opened(file) as connection:
            state: Literal["empty", "not empty"] = "not empty" if holds_something(connection) else "empty"
            return Standing(state, version_of(connection), list(ran(connection)))
    except (sqlite3.DatabaseError, DatabaseError) as error:
        if not is_damaged(error):
            raise
        return Standing("damaged", None, [])


def _alone(file: Path) -> None:
    """Nobody else has it open, and all of it is in the one file. Raises `Conflict`."""
    with closing(sqlite3.connect(file, timeout=0)) as connection:
        try:
            connection.execute("pragma journal_mode=delete")  # refused while anybody else has it open
            connection.execute("begin exclusive")
            connection.execute("commit")
        except sqlite3.OperationalError as error:
            raise Conflict(f"the store {file} is in use: stop the service first ({error})") from error


def load(
    engine: Engine, stored: Callable[[], Iterator[tuple[str, int, IO[bytes]]]], head: Head
) -> tuple[str | None, list[UUID]]:
    """Put the store of an archive in the place of this one, brought to this program's schema.

    Args:
        engine: Of the store that is replaced.
        stored: The members below `STORE`.
        head: What the archive says of them.

    Returns:
        The schema of the store that was replaced, and its runs that may have left files.
    """
    file = _file(engine)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(NEW)
    try:
        _write(new, stored())
        with closing(sqlite3.connect(new)) as connection:
            _check(connection, new)
        with _opened(new) as opened:
            compare(count_rows(opened), head.rows)
        newest = make_engine(sqlite_url(new), pooled=False)
        upgrade(newest)
        newest.dispose()
        _alone(new)
        before = _standing(file) if file.exists() else Standing("empty", None, [])
        engine.dispose()
        _clear_beside(file)  # a damaged one has left what would be taken for the new one's newest transactions
        _take_place(new, file)
        return before.version, before.runs
    finally:
        new.unlink(missing_ok=True)
        _clear_beside(new)


def _clear_beside(file: Path) -> None:
    for end in ("-wal", "-shm", "-journal"):
        file.with_name(f"{file.name}{end}").unlink(missing_ok=True)


def _write(new: Path, stored: Iterator[tuple[str, int, IO[bytes]]]) -> None:
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    for name, _size, content in stored:
        if name != NAME:
            raise BadConfig(f"the backup has {name} in it, which is no part of a store in SQLite")
        with new.open("wb") as file:
            for piece in pieces_of(content):
                file.write(piece)


def _take_place(new: Path, file: Path) -> None:
    """In one step, and for good: the disk has it before and after."""
    for path in (new, file.parent):
        if path == file.parent:
            new.replace(file)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _file(engine: Engine) -> Path:
    if not engine.url.database:
        raise BadConfig("a database in memory has no backup")
    return Path(engine.url.database)


@contextmanager
def _opened(file: Path) -> Iterator[Connection]:
    """To read a file that nobody else uses, without changing how it is kept."""
    engine = create_engine(sqlite_url(file), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
