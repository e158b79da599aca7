"""A store in PostgreSQL: each table by COPY out of one snapshot, and back in one transaction.

Not by `pg_dump`, which takes no server newer than itself: neither the images nor the machine of the command have the
server's. COPY is the server's own, and its text format is the same for all versions.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, groupby
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from sqlalchemy import Connection, Engine, MetaData, inspect, text

from backend.backup.archive import STORE, Head, pieces_of
from backend.backup.contents import VERSION, Contents, compare, contents, count_rows, holds_something, ours, ran
from backend.migrations import LOCK, bring, version_of
from mgic.errors import BadConfig, Conflict

PART = 16 * 2**20  # bytes of a table in one member of an archive
PATIENT = ("statement_timeout", "idle_in_transaction_session_timeout")

Member = tuple[str, int, Iterable[bytes]]


@contextmanager
def snapshot(engine: Engine, _work: Path) -> Iterator[tuple[Contents, Iterator[Member]]]:
    """What it holds now, and its tables for an archive, of one state; who writes meanwhile goes on."""
    frozen = engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with frozen as connection, connection.begin():
        _wait_long(connection)
        yield contents(connection), _members(connection)


def _wait_long(connection: Connection) -> None:
    for name in PATIENT:
        connection.execute(text(f"set local {name} = 0"))


def _members(connection: Connection) -> Iterator[Member]:
    """A file for each 16 MB of a table: `store/runs/000000`, with the names of its columns first."""
    for table in _in_order(connection):
        columns = [column["name"] for column in inspect(connection).get_columns(table)]
        parts = _in_parts(_copied_out(connection, table, columns))
        for number, part in enumerate(chain([",".join(columns).encode()], parts)):
            yield f"{STORE}{table}/{number:06}", len(part), [part]


def _copied_out(connection: Connection, table: str, columns: list[str]) -> Iterator[bytes]:
    with _driver(connection).cursor() as cursor, cursor.copy(f"copy {_target(table, columns)} to stdout") as copy:
        for piece in copy:
            yield bytes(piece)


def _in_parts(pieces: Iterator[bytes]) -> Iterator[bytes]:
    part = bytearray()
    for piece in pieces:
        part += piece
        if len(part) >= PART:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


def check_target(engine: Engine, replace: bool) -> None:
    """Raises `Conflict` where the store is in use, or holds something and is not to be replaced."""
    with engine.connect() as connection:
        _alone(connection)
        if not replace and holds_something(connection):
            raise Conflict(f"the store {engine.url.database} is not empty: --replace puts the backup in its place")


def _alone(connection: Connection) -> None:
    """Raises `Conflict` while anybody else has it open."""
    query = text(
        "select coalesce(host(client_addr), 'its own machine') from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
    )
    if others := list(connection.scalars(query)):
        places = ", ".join(sorted(set(others)))
        words = f"{len(others)} other connections from {places}"
        raise Conflict(f"the store is in use, by {words}: stop the service first")


def load(
    engine: Engine, stored: Callable[[], Iterator[tuple[str, int, IO[bytes]]]], head: Head
) -> tuple[str | None, list[UUID]]:
    """Put the store of an archive in the place of this one, brought to this program's schema, in one transaction.

    Args:
        engine: Of the store that is replaced.
        stored: The members below `STORE`.
        head: What the archive says of them.

    Returns:
        The schema of the store that was replaced, and its runs that may have left files.
    """
    with engine.connect() as connection, connection.begin():
        _wait_long(connection)
        connection.execute(text(f"select pg_advisory_xact_lock({LOCK})"))
        _alone(connection)
        before, runs = version_of(connection), list(ran(connection))
        _drop(connection)
        bring(connection, head.schema_version)
        for table, parts in groupby(stored(), key=lambda member: member[0].split("/")[1]):
            if table not in head.rows:
                raise BadConfig(f"the backup has a table {table}, which is no part of schema {head.schema_version}")
            _copy_in(connection, table, parts)
        compare(count_rows(connection), head.rows)
        _set_counters(connection, head.rows)
        bring(connection, "head")
        return before, runs


def _drop(connection: Connection) -> None:
    """This program's tables; what else lies in the database stays."""
    there = MetaData()
    there.reflect(connection, only=ours(connection))
    there.drop_all(connection)


def _copy_in(connection: Connection, table: str, parts: Iterable[tuple[str, int, IO[bytes]]]) -> None:
    _, _, first = next(iter(parts))
    columns = b"".join(pieces_of(first)).decode().split(",")
    with _driver(connection).cursor() as cursor, cursor.copy(f"copy {_target(table, columns)} from stdin") as copy:
        for _, _, content in parts:
            for piece in pieces_of(content):
                copy.write(piece)


def _set_counters(connection: Connection, tables: Iterable[str]) -> None:
    """The next number of a column that counts is above those that came."""
    for table in tables:
        for column in inspect(connection).get_pk_constraint(table)["constrained_columns"]:
            query = text("select pg_get_serial_sequence(:table, :column)")
            if sequence := connection.scalar(query, {"table": table, "column": column}):
                top = f"coalesce(max({column}), 1), max({column}) is not null"
                connection.execute(text(f"select setval('{sequence}', {top}) from {table}"))


def _in_order(connection: Connection) -> list[str]:
    """Each table after those that it refers to."""
    there = MetaData()
    there.reflect(connection, only=ours(connection))
    return [table.name for table in there.sorted_tables if table.name != VERSION]


def _target(table: str, columns: Iterable[str]) -> str:
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    return f'"{table}" ({quoted})'


def _driver(connection: Connection) -> Any:
    """The psycopg connection beneath, in the same transaction."""
    return connection.connection.driver_connection
