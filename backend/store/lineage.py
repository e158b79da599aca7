"""Runs that have other runs as their inputs: which, whether they wait for one, and what they read of it.

A run has a row of `inputs` for each field that names a run, and `lacks` counts those that have not
succeeded: while it is above 0 nobody can claim the run. Who ends a run counts down, or fails, what waits for it,
in the same transaction; who adds one holds its inputs until both are stored.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, update

from backend.store.owners import Owners
from backend.store.rows import Surroundings, run_record
from backend.store.schema import artifacts, inputs, runs, sweeps
from backend.store.tagging import Tagging
from mgic.errors import Conflict, NotFound
from mgic.records import Awaited, Config, InputRun, Run, RunStatus

GENERATIONS = 4  # of inputs that a run tells of: one that was made from one, and so on
ID_BATCH = 500  # bound parameters a statement; SQLite's limit is far above
GONE = (RunStatus.FAILED, RunStatus.CANCELLED)


class InputGone(Conflict):
    """A run that was to be an input has failed, was cancelled, or is not there any more."""


@dataclass(frozen=True)
class NewInput:
    """What a run is to have as an input.

    Args:
        input_id: The run.
        files: Names of those of its artifacts that are read.
    """

    input_id: UUID
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class InputFile:
    """A file of an input, and where it lies; no `sha256`: the run has left none of that name."""

    name: str
    run_id: UUID  # that left it: of a reused result another one than the input
    fence: int = 0
    sha256: str = ""


def config_key(experiment: str, version: int, config: Config, files: Mapping[str, str] | None = None) -> str:
    """Equal for runs that would give the same result; `files` has the hashes of those that the config names."""
    what = [experiment, version, config, *([files] if files else [])]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


class Lineage(Tagging, Owners):
    """The part of the store that knows what is made from what."""

    def known_runs(self, ids: Iterable[UUID]) -> dict[UUID, Run]:
        """Those of the runs that there are."""
        wanted, found = list(dict.fromkeys(ids)), dict[UUID, Run]()
        with self._read() as connection:
            for batch in _batches(wanted):
                rows = connection.execute(select(runs).where(runs.c.id.in_(batch))).mappings().all()
                found |= {run.id: run for run in self._records(connection, rows)}
        return found

    def needed_by(self, run_id: UUID) -> list[UUID]:
        """The runs that need this one's files: it is their input, or they took over its result."""
        with self._read() as connection:
            reusing = select(runs.c.id).where(runs.c.reused_from == run_id)
            return [*self._used_by(connection, [run_id]), *connection.scalars(reusing)]

    def _records(self, connection: Connection, rows: Sequence[RowMapping]) -> list[Run]:
        """The rows of a page of runs, with their inputs, tags and sweeps: three questions more for all of them, and
        one for each generation of inputs."""
        lineage = self._inputs(connection, [row["id"] for row in rows])
        tags = self._run_tags(connection, [row["seq"] for row in rows])
        of_sweeps = list({row["sweep_id"] for row in rows})
        names: dict[UUID, str] = {}
        for batch in _batches(of_sweeps):
            called = connection.execute(select(sweeps.c.id, sweeps.c.name).where(sweeps.c.id.in_(batch)))
            names |= {row.id: row.name for row in called}
        sweep_tags = self._sweep_tags(connection, of_sweeps)
        return [
            run_record(
                row,
                Surroundings(
                    lineage.get(row["id"], ()),
                    tags.get(row["seq"], ()),
                    names[row["sweep_id"]],
                    sweep_tags.get(row["sweep_id"], ()),
                ),
            )
            for row in rows
        ]

    def _inputs(
        self, connection: Connection, ids: Sequence[UUID], generations: int = GENERATIONS
    ) -> dict[UUID, list[tuple[str, Awaited, InputRun]]]:
        """By run, those it has, each with what it runs and, so many generations back, with its own."""
        found: list[Any] = []
        for batch in _batches(ids if generations else ()):
            query = (
                select(inputs.c.run_id, inputs.c.field, runs.c.id, runs.c.status, runs.c.experiment, runs.c.config)
                .join(runs, runs.c.id == inputs.c.input_id)
                .where(inputs.c.run_id.in_(batch))
                .order_by(inputs.c.field)
            )
            found += connection.execute(query).all()
        own = self._inputs(connection, list({row.id for row in found}), generations - 1) if found else {}
        lineage: dict[UUID, list[tuple[str, Awaited, InputRun]]] = {}
        for row in found:
            of_it = {field: what for field, _, what in own.get(row.id, ())}
            what = InputRun(experiment=row.experiment, config=row.config, inputs=of_it)
            awaited = Awaited(id=row.id, status=RunStatus(row.status))
            lineage.setdefault(row.run_id, []).append((row.field, awaited, what))
        return lineage

    def _input_files(self, connection: Connection, run_id: UUID) -> dict[str, tuple[InputFile, ...]]:
        """By field, what a run reads of its inputs."""
        source = func.coalesce(runs.c.reused_from, runs.c.id)
        given = (
            select(inputs.c.field, inputs.c.files, source)
            .join(runs, runs.c.id == inputs.c.input_id)
            .where(inputs.c.run_id == run_id)
        )
        found = {}
        for field, names, left_by in connection.execute(given).all():
            left = select(artifacts).where(artifacts.c.run_id == left_by, artifacts.c.name.in_(names))
            there = {row["name"]: row for row in connection.execute(left).mappings()}
            found[field] = tuple(
                InputFile(name, left_by, there[name]["fence"], there[name]["sha256"])
                if name in there
                else InputFile(name, left_by)
                for name in names
            )
        return found

    def _hold(self, connection: Connection, ids: Iterable[UUID]) -> dict[UUID, RunStatus]:
        """The status of runs that are to be inputs; until this transaction is over nobody can end them.

        Raises:
            InputGone: One has ended without success, or did not run here.
        """
        wanted, found = sorted(set(ids)), dict[UUID, RunStatus]()
        for batch in _batches(wanted):
            query = select(runs.c.id, runs.c.status, runs.c.imported).where(runs.c.id.in_(batch)).order_by(runs.c.id)
            for run_id, status, imported in connection.execute(query.with_for_update(read=True, key_share=True)):
                found[run_id] = RunStatus(status)
                if imported:
                    raise InputGone(f"run {run_id} is to be an input, and did not run here: it has no files")
        for run_id in wanted:
            if run_id not in found:
                raise InputGone(f"there is no run {run_id}")
            if found[run_id] in GONE:
                raise InputGone(f"run {run_id} is to be an input, and {_how(found[run_id])}")
        return found

    def _add_inputs(self, connection: Connection, given: Mapping[UUID, Mapping[str, NewInput]]) -> None:
        """Of runs that are stored."""
        rows = [
            {"run_id": run_id, "field": field, "input_id": one.input_id, "files": list(one.files)}
            for run_id, fields in given.items()
            for field, one in fields.items()
        ]
        if rows:
            connection.execute(insert(inputs), rows)

    def _free(self, connection: Connection, run_id: UUID) -> dict[str, int]:
        """The run has succeeded: what waits for it lacks an input less, or two where two fields name it.

        Returns:
            How many of these lack nothing more, by queue.
        """
        query = select(inputs.c.run_id.label("user"), func.count().label("fields"))
        users = connection.execute(query.where(inputs.c.input_id == run_id).group_by("user").order_by("user"))
        freed = Counter[str]()
        if fields := [dict(row) for row in users.mappings()]:
            mine = (runs.c.id == bindparam("user"), runs.c.status == RunStatus.QUEUED)
            connection.execute(update(runs).where(*mine).values(lacks=runs.c.lacks - bindparam("fields")), fields)
            for batch in _batches([row["user"] for row in fields]):
                told = select(runs.c.queue, runs.c.status, runs.c.lacks).where(runs.c.id.in_(batch))
                waiting = connection.execute(told).all()
                freed.update(queue for queue, status, lacks in waiting if status == RunStatus.QUEUED and not lacks)
        return dict(freed)

    def _used_by(self, connection: Connection, ids: Iterable[UUID]) -> dict[UUID, UUID]:
        """Each run that has one of these as an input, with that one."""
        found: dict[UUID, UUID] = {}
        for batch in _batches(list(ids)):
            query = select(inputs.c.run_id, inputs.c.input_id).where(inputs.c.input_id.in_(batch))
            found |= {user: used for user, used in connection.execute(query.order_by(inputs.c.field.desc()))}
        return found

    def _rows(self, connection: Connection, ids: Iterable[UUID]) -> list[RowMapping]:
        """By age; locked, by all in one order. Asked for by nothing but their ids: SQLite would else read others."""
        found: list[RowMapping] = []
        for batch in _batches(sorted(ids)):
            query = select(runs).where(runs.c.id.in_(batch)).order_by(runs.c.id).with_for_update()
            found += connection.execute(query).mappings()
        return sorted(found, key=lambda row: row["seq"])

    def _row(self, connection: Connection, run_id: UUID) -> RowMapping:
        row = connection.execute(select(runs).where(runs.c.id == run_id).with_for_update()).mappings().first()
        if row is None:
            raise NotFound(f"there is no run {run_id}")
        return row


def _how(status: RunStatus) -> str:
    return "has failed" if status is RunStatus.FAILED else f"was {status}"


def _batches(ids: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (ids[start : start + ID_BATCH] for start in range(0, len(ids), ID_BATCH))
