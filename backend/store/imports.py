"""Finished results that come from elsewhere, to be looked at: nothing here is predicted, reused or judged by them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from backend.store.facts import facts_at_end, record_facts, record_start
from backend.store.lineage import config_key
from backend.store.schema import curves, events, runs, sweep_tags, sweeps
from backend.store.sweeps import Sweeps
from mgic.errors import Conflict
from mgic.records import Config, Grid, Queue, RunStatus, Sweep

MARK = "import "  # begins the key of such a sweep; no client's Idempotency-Key has a blank


@dataclass(frozen=True)
class ImportedRun:
    """One that succeeded; `curves` has its points, step and value, by name."""

    requested: Config
    config: Config
    version: int
    queue: Queue
    device: str
    work_macs: float | None
    result: Mapping[str, Any]
    environment: Mapping[str, Any]
    seconds: float
    curves: Mapping[str, Sequence[tuple[int, float | None]]] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportedSweep:
    name: str
    experiment: str
    grids: Sequence[Grid]
    runs: Sequence[ImportedRun]


class Imports(Sweeps):
    """The part of the store that takes in what was measured elsewhere."""

    def add_imported(self, what: str, given: Sequence[ImportedSweep], tags: Sequence[str]) -> list[Sweep]:
        """All of it or nothing. Raises `Conflict` where some of it is there."""
        with self._write() as connection:
            if self._imported(connection, what):
                raise Conflict(f"the {what} data are there already; delete them first to load them again")
            ids = [self._import(connection, f"{MARK}{what} {number}", one, tags) for number, one in enumerate(given)]
            return [self._sweep(connection, sweep_id) for sweep_id in ids]

    def imported(self, what: str) -> list[UUID]:
        """The sweeps of it that are there."""
        with self._read() as connection:
            return self._imported(connection, what)

    def _imported(self, connection: Connection, what: str) -> list[UUID]:
        mine = sweeps.c.idempotency_key.startswith(f"{MARK}{what} ", autoescape=True)
        return list(connection.scalars(select(sweeps.c.id).where(mine)))

    def _import(self, connection: Connection, key: str, one: ImportedSweep, tags: Sequence[str]) -> UUID:
        sweep_id, now = self._new_id(), self._now(connection)
        values = {"name": one.name, "experiment": one.experiment, "grids": list(one.grids), "priority": 5}
        values |= {"id": sweep_id, "created_at": now, "idempotency_key": key, "payload_hash": ""}
        connection.execute(insert(sweeps).values(values))
        connection.execute(insert(sweep_tags), [{"sweep_id": sweep_id, "tag": tag} for tag in tags])
        rows = [self._imported_row(one, sweep_id, number, run, now) for number, run in enumerate(one.runs)]
        connection.execute(insert(runs), rows)
        both = ((None, RunStatus.QUEUED), (RunStatus.QUEUED, RunStatus.SUCCEEDED))
        told = [{"at": now, "from_status": before, "to_status": after, "fence": 0} for before, after in both]
        connection.execute(insert(events), [{"run_id": row["id"], **event} for row in rows for event in told])
        points = [
            {"run_id": row["id"], "fence": 0, "name": name, "step": step, "value": value}
            for row, run in zip(rows, one.runs, strict=True)
            for name, drawn in run.curves.items()
            for step, value in drawn
        ]
        if points:
            connection.execute(insert(curves), points)
        record_start(connection, [row["id"] for row in rows])
        stored = connection.execute(
            select(runs.c.seq, runs.c.result, runs.c.seconds).where(runs.c.sweep_id == sweep_id)
        )
        record_facts(
            connection, one.experiment, {seq: facts_at_end(result, seconds) for seq, result, seconds in stored}
        )
        return sweep_id

    def _imported_row(
        self, one: ImportedSweep, sweep_id: UUID, number: int, run: ImportedRun, now: float
    ) -> dict[str, Any]:
        names = ("requested", "config", "version", "queue", "device", "work_macs", "result", "environment", "seconds")
        return {name: getattr(run, name) for name in names} | {
            "id": self._new_id(),
            "sweep_id": sweep_id,
            "number": number,
            "experiment": one.experiment,
            "model": run.config.get("model"),
            "dataset": run.config.get("dataset"),
            "config_key": config_key(one.experiment, run.version, run.config),
            "priority": 5,
            "status": RunStatus.SUCCEEDED,
            "progress": 1.0,
            "imported": True,
            "created_at": now,
            "started_at": run.environment.get("started"),
            "finished_at": run.environment.get("ended") or now,
        }
