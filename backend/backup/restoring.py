"""Putting a backup back: the files first, which stand in nobody's way, then the store in one step."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

from sqlalchemy import Engine, insert, select

from backend.artifacts import CHECKPOINTS, Artifacts, checkpoint
from backend.backup import on_postgresql, on_sqlite
from backend.backup.archive import FILES, STORE, Head, members, pieces_of, verified
from backend.migrations import refuse_newer
from backend.store.schema import leftovers, runs
from mgic.errors import BadConfig

AT_A_TIME = 500


@dataclass(frozen=True)
class Restored:
    """What came back; `before` is the schema of the store that was replaced, if there was one."""

    head: Head
    files: int
    before: str | None


def examine(path: Path, engine: Engine) -> Head:
    """Whether it could be restored here: nothing is changed.

    Raises:
        BadConfig: It is damaged, no backup, or of another kind of database.
        SchemaMismatch: Its schema is newer than this program's.
    """
    head = verified(path)
    refuse_newer(head.schema_version)
    if engine.dialect.name != head.database:
        raise BadConfig(
            f"{path} is of a store in {head.database}, MGIC_DATABASE_URL is of one in {engine.dialect.name}"
        )
    return head


def restore(path: Path, engine: Engine, artifacts: Artifacts, work: Path, replace: bool) -> Restored:
    """Everything is looked at before anything is changed; the store is changed last, in one step.

    Args:
        path: The archive.
        engine: Of the store.
        artifacts: Where files go.
        work: A folder for a file at a time.
        replace: Whether a store that holds something is replaced; files that only its runs have are removed
            when the service has started again.

    Raises:
        BadConfig, SchemaMismatch: As `examine`.
        Conflict: The store is in use, or is not to be replaced.
        OSError: A disk is full, or the place of the artifacts does not answer.
    """
    head = examine(path, engine)
    kind = on_sqlite if engine.dialect.name == "sqlite" else on_postgresql
    kind.check_target(engine, replace)
    artifacts.check()
    files = _bring_files(path, artifacts, work)
    before, had = kind.load(engine, lambda: members(path, lambda name: name.startswith(STORE)), head)
    _leave_to_janitor(engine, had)
    return Restored(head, files, before)


def _bring_files(path: Path, artifacts: Artifacts, work: Path) -> int:
    work.mkdir(parents=True, exist_ok=True)
    number, emptied = 0, set[str]()
    for name, _, content in members(path, lambda name: name.startswith(FILES)):
        key = name.removeprefix(FILES)
        first, _, rest = key.partition("/")
        run = rest.partition("/")[0]
        if first == CHECKPOINTS and run not in emptied:  # newer ones are of a training that the store knows nothing of
            artifacts.remove(checkpoint(run))
            emptied.add(run)
        _bring(content, key, artifacts, work)
        number += 1
    return number


def _bring(content: IO[bytes], key: str, artifacts: Artifacts, work: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=work) as file:
        for piece in pieces_of(content):
            file.write(piece)
        file.flush()
        artifacts.put(Path(file.name), key)


def _leave_to_janitor(engine: Engine, had: list[UUID]) -> None:
    """The files of runs that are not in the store any more are removed as those of deleted runs are."""
    with engine.connect().execution_options(mgic_write=True) as connection, connection.begin():
        for some in _batches(had):
            there = set(connection.scalars(select(runs.c.id).where(runs.c.id.in_(some))))
            there |= set(connection.scalars(select(leftovers.c.run_id).where(leftovers.c.run_id.in_(some))))
            if gone := [{"run_id": run_id} for run_id in some if run_id not in there]:
                connection.execute(insert(leftovers), gone)


def _batches(ids: list[UUID]) -> Iterator[list[UUID]]:
    return (ids[start : start + AT_A_TIME] for start in range(0, len(ids), AT_A_TIME))
