"""Taking a backup: the store first, then the files that it names."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import Engine, select

from backend.artifacts import Artifacts, checkpoint
from backend.backup import on_postgresql, on_sqlite
from backend.backup.archive import FILES, Head, Writer
from backend.backup.contents import Kept
from backend.store.schema import runs
from mgic.errors import NotFound

SUFFIX = ".part"  # of a file that comes while it is copied


@dataclass(frozen=True)
class Taken:
    """What went into an archive; `faults` says in words which files did not, or were not what the store says."""

    head: Head
    files: int
    size: int  # of them, bytes
    faults: tuple[str, ...]


def take(engine: Engine, artifacts: Artifacts, work: Path, file: BinaryIO) -> Taken:
    """Write an archive of all that there is now.

    Args:
        engine: Of the store.
        artifacts: Where the files of runs are.
        work: A folder on a disk with room for the store.
        file: Takes the archive, front to back.

    Raises:
        SchemaMismatch: There is no schema, or a newer one than this program's.
        BadConfig: The database is damaged.
        OSError: A disk is full, or the place of the artifacts does not answer.
    """
    kind = on_sqlite if engine.dialect.name == "sqlite" else on_postgresql
    with kind.snapshot(engine, work) as (found, stored):
        head = Head(
            made_at=datetime.now(UTC),
            database="sqlite" if kind is on_sqlite else "postgresql",
            schema_version=found.schema_version,
            rows=found.rows,
        )
        writer = Writer(file, head)
        for name, size, pieces in stored:
            writer.add(name, size, pieces)
    faults: dict[UUID, list[str]] = {}
    files = size = 0
    for kept in found.files:
        if wrong := _add(writer, artifacts, kept):
            faults.setdefault(kept.run_id, []).append(wrong)
        else:
            files, size = files + 1, size + kept.size
    for run_id in found.open_runs:
        for key in _snapshots(artifacts, checkpoint(run_id)):
            size += _add_snapshot(writer, artifacts, key)
            files += 1
    writer.close()
    return Taken(head, files, size, tuple(_of_runs_still_there(engine, faults)))


def _add(writer: Writer, artifacts: Artifacts, kept: Kept) -> str:
    """What is wrong with the file, in words; what is there of it goes in all the same."""
    try:
        size = artifacts.size(kept.key)
        digest = writer.add(FILES + kept.key, size, artifacts.read(kept.key, 0, size))
    except NotFound:
        return f"{kept.key} is not there"
    return "" if digest == kept.sha256 else f"{kept.key} is not what the run has left"


def _snapshots(artifacts: Artifacts, folder: str) -> Iterator[str]:
    """Keys of all that lies below."""
    for name in artifacts.names(folder):
        key = f"{folder}/{name}"
        if name.endswith(SUFFIX):
            continue
        try:
            artifacts.size(key)
        except NotFound:  # a folder, or gone by now
            yield from _snapshots(artifacts, key)
        else:
            yield key


def _add_snapshot(writer: Writer, artifacts: Artifacts, key: str) -> int:
    """Bytes; 0 where a newer one took its place meanwhile."""
    try:
        size = artifacts.size(key)
        content = b"".join(artifacts.read(key, 0, size))
    except NotFound:
        return 0
    writer.add_bytes(FILES + key, content)
    return len(content)


def _of_runs_still_there(engine: Engine, faults: dict[UUID, list[str]]) -> Iterator[str]:
    """A run that was deleted meanwhile has no files any more, and that is no fault."""
    for run_id, wrong in faults.items():
        with engine.connect() as connection:
            there = connection.scalar(select(runs.c.id).where(runs.c.id == run_id)) is not None
        yield from wrong if there else ()
