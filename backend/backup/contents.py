"""What a backup has to hold, as one transaction sees it: how many rows, and which files of which runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, func, inspect, select, table, text

from backend.artifacts import attempt
from backend.migrations import refuse_newer, version_of
from backend.store import SchemaMismatch
from backend.store.rows import OPEN
from backend.store.schema import artifacts, metadata, runs
from mgic.errors import BadConfig

VERSION = "alembic_version"  # the table of the schema's own version


@dataclass(frozen=True)
class Kept:
    """A file that a run has left."""

    run_id: UUID
    key: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """Of a store.

    `rows` by table; `files` of runs that have ended; `open_runs` are those that have not, whose checkpoints belong
    to it.
    """

    schema_version: str
    rows: dict[str, int]
    files: tuple[Kept, ...]
    open_runs: tuple[UUID, ...]


def contents(connection: Connection) -> Contents:
    """Raises `SchemaMismatch` where there is no schema, or a newer one than this program's."""
    version = version_of(connection)
    refuse_newer(version)
    if version is None:
        raise SchemaMismatch("there is nothing to back up: the database has no schema")
    left = select(artifacts.c.run_id, artifacts.c.fence, artifacts.c.name, artifacts.c.size, artifacts.c.sha256)
    files = tuple(
        Kept(row.run_id, attempt(row.run_id, row.fence, row.name), row.size, row.sha256)
        for row in connection.execute(left.order_by(artifacts.c.run_id, artifacts.c.name))
    )
    in_work = connection.scalars(select(runs.c.id).where(runs.c.status.in_(OPEN)))
    return Contents(version, count_rows(connection), files, tuple(in_work))


def count_rows(connection: Connection) -> dict[str, int]:
    """How many rows each table has, but for that of the schema's version."""
    return {name: connection.scalar(select(func.count()).select_from(table(name))) or 0 for name in _tables(connection)}


def compare(found: dict[str, int], told: dict[str, int]) -> None:
    """Raises `BadConfig` where an archive has not the rows that it tells of."""
    if wrong := sorted(name for name in found.keys() | told.keys() if found.get(name) != told.get(name)):
        raise BadConfig(f"the backup is damaged: {', '.join(wrong)} has not the rows that it should")


def ran(connection: Connection) -> Iterator[UUID]:
    """The runs of a store of whatever schema that may have left files; none where there is no store."""
    if inspect(connection).has_table(runs.name):
        yield from connection.scalars(select(runs.c.id).where(runs.c.fence > 0))


def holds_something(connection: Connection) -> bool:
    """Whether anything was ever submitted to this store, or kept in it."""
    there = set(_tables(connection))
    asked = (one for one in ("sweeps", "baselines", "comparisons") if one in there)
    return any(connection.scalar(text(f"select 1 from {name} limit 1")) for name in asked)


def ours(connection: Connection) -> list[str]:
    """The tables of this program that are there, that of the version among them."""
    return [name for name in inspect(connection).get_table_names() if name in metadata.tables or name == VERSION]


def _tables(connection: Connection) -> list[str]:
    return sorted(name for name in ours(connection) if name != VERSION)
