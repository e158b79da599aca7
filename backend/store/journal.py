"""What a run tells while it goes, and who works: curves, log lines, artifacts, events, workers."""

import contextlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, and_, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from backend.store.database import Database
from backend.store.rows import ACTIVE, OPEN
from backend.store.schema import artifacts, curves, events, logs, runs, workers
from backend.store.slots import Slot, holders
from mgic.errors import NotFound
from mgic.records import Abilities, Artifact, CurvePoint, Event, LogLine, RunStatus, Worker

IDS_AT_A_TIME = 500  # in one query; SQLite takes some thousands of parameters


class Journal(Database):
    """The part of the store that only ever grows, and the list of workers."""

    def record(
        self, run_id: UUID, fence: int, points: Sequence[tuple[str, int, float | None]], lines: Sequence[str]
    ) -> bool:
        """Add curve points (name, step, value) and log lines; False if the fence is old, and nothing is added."""
        with self._write() as connection:
            held = and_(runs.c.id == run_id, runs.c.fence == fence, runs.c.status.in_(ACTIVE))
            attempt = connection.scalar(select(runs.c.attempt).where(held).with_for_update())
            if attempt is None:
                return False
            last = {(name, step): value for name, step, value in points}
            if last:
                self._upsert_points(connection, run_id, fence, last)
            if lines:
                connection.execute(
                    insert(logs), [{"run_id": run_id, "attempt": attempt, "line": line} for line in lines]
                )
            return True

    def resume(self, run_id: UUID, fence: int, step: int) -> bool:
        """The attempt goes on after `step`: it takes over what the attempt before drew up to there.

        The rest of that stays with the old fence, and no reader sees it; False if the fence is old.
        """
        with self._write() as connection:
            held = and_(runs.c.id == run_id, runs.c.fence == fence, runs.c.status.in_(ACTIVE))
            if connection.scalar(select(runs.c.id).where(held).with_for_update()) is None:
                return False
            before = select(func.max(curves.c.fence)).where(curves.c.run_id == run_id, curves.c.fence < fence)
            kept = and_(curves.c.run_id == run_id, curves.c.fence == before.scalar_subquery(), curves.c.step <= step)
            connection.execute(update(curves).where(kept).values(fence=fence))
            return True

    def _upsert_points(
        self, connection: Connection, run_id: UUID, fence: int, points: dict[tuple[str, int], float | None]
    ) -> None:
        """A point told twice is one: its first answer may have been lost."""
        statement = (postgresql.insert if self._postgres else sqlite.insert)(curves)
        key = ["run_id", "fence", "name", "step"]
        upsert = statement.on_conflict_do_update(index_elements=key, set_={"value": statement.excluded.value})
        rows = [
            {"run_id": run_id, "fence": fence, "name": name, "step": step, "value": value}
            for (name, step), value in points.items()
        ]
        connection.execute(upsert, rows)

    def curves(self, run_id: UUID, after: int = 0, limit: int = 5000) -> tuple[list[CurvePoint], int]:
        """Points of the current attempt after the cursor, oldest first, and the new cursor. Raises `NotFound`."""
        with self._read() as connection:
            fence = connection.scalar(select(runs.c.fence).where(runs.c.id == run_id))
            if fence is None:
                raise NotFound(f"there is no run {run_id}")
            query = (
                select(curves)
                .where(curves.c.run_id == run_id, curves.c.fence == fence, curves.c.id > after)
                .order_by(curves.c.id)
                .limit(limit)
            )
            rows = connection.execute(query).mappings().all()
        points = [
            CurvePoint(name=row["name"], step=row["step"], value=row["value"], fence=row["fence"]) for row in rows
        ]
        return points, rows[-1]["id"] if rows else after

    def log(self, run_id: UUID, after: int = 0, limit: int = 500) -> tuple[list[LogLine], int]:
        """Lines after the cursor, oldest first, and the new cursor. Raises `NotFound`."""
        query = select(logs).where(logs.c.run_id == run_id, logs.c.id > after).order_by(logs.c.id).limit(limit)
        with self._read() as connection:
            if connection.scalar(select(runs.c.seq).where(runs.c.id == run_id)) is None:
                raise NotFound(f"there is no run {run_id}")
            rows = connection.execute(query).mappings().all()
        lines = [LogLine(attempt=row["attempt"], line=row["line"]) for row in rows]
        return lines, rows[-1]["id"] if rows else after

    def artifacts(self, run_id: UUID) -> list[tuple[Artifact, UUID, int]]:
        """Each file with the run and the fence that left it: a reused result has those of its source.

        Raises `NotFound`.
        """
        with self._read() as connection:
            known = connection.execute(select(runs.c.reused_from).where(runs.c.id == run_id)).first()
            if known is None:
                raise NotFound(f"there is no run {run_id}")
            source = known.reused_from or run_id
            query = select(artifacts).where(artifacts.c.run_id == source).order_by(artifacts.c.name)
            rows = connection.execute(query).mappings().all()
        names = ("name", "media_type", "size", "sha256")
        return [(Artifact(**{name: row[name] for name in names}), source, row["fence"]) for row in rows]

    def ended(self, names: Iterable[str]) -> set[str]:
        """Those of the names that are ids of runs that have ended, or of none that is known."""
        asked = {}
        for name in names:
            with contextlib.suppress(ValueError):
                asked[UUID(name)] = name
        found: set[UUID] = set()
        ids = list(asked)
        with self._read() as connection:
            for start in range(0, len(ids), IDS_AT_A_TIME):
                some = runs.c.id.in_(ids[start : start + IDS_AT_A_TIME])
                found |= set(connection.scalars(select(runs.c.id).where(some, runs.c.status.in_(OPEN))))
        return {name for run_id, name in asked.items() if run_id not in found}

    def events(self, run_id: UUID, after: int = 0) -> list[Event]:
        """The run's transitions after the event of this id, oldest first. Raises `NotFound`."""
        query = select(events).where(events.c.run_id == run_id, events.c.id > after).order_by(events.c.id)
        with self._read() as connection:
            if connection.scalar(select(runs.c.seq).where(runs.c.id == run_id)) is None:
                raise NotFound(f"there is no run {run_id}")
            rows = connection.execute(query).mappings().all()
        return [
            Event(
                id=row["id"],
                run_id=row["run_id"],
                at=datetime.fromtimestamp(row["at"], UTC),
                from_status=RunStatus(row["from_status"]) if row["from_status"] else None,
                to_status=RunStatus(row["to_status"]),
                fence=row["fence"],
                note=row["note"],
            )
            for row in rows
        ]

    def newest_events(self, run_ids: Collection[UUID]) -> dict[UUID, int]:
        """Of each of these runs that is there, the id of its last event."""
        query = select(events.c.run_id, func.max(events.c.id)).where(events.c.run_id.in_(run_ids))
        with self._read() as connection:
            return {run_id: newest for run_id, newest in connection.execute(query.group_by(events.c.run_id))}

    # Workers

    def worker_seen(self, slot: Slot, slots: int, version: str, able: Abilities | None = None) -> None:
        """Note that a worker is alive, and what it can do, once that is known."""
        with self._write() as connection:
            now = self._now(connection)
            values: dict[str, Any] = {
                "host": slot.host,
                "queue": slot.queue,
                "device": slot.device,
                "slots": slots,
                "version": version,
                "seen_at": now,
                "able": able and able.model_dump(mode="json"),
            }
            known = connection.execute(update(workers).where(workers.c.name == slot.worker).values(**values))
            if known.rowcount == 0:
                try:
                    with connection.begin_nested():
                        connection.execute(insert(workers).values(name=slot.worker, **values))
                except IntegrityError:  # two beacons of one worker at its start
                    connection.execute(update(workers).where(workers.c.name == slot.worker).values(**values))

    def worker_gone(self, name: str) -> None:
        with self._write() as connection:
            connection.execute(workers.delete().where(workers.c.name == name))

    def workers(self, alive_s: float) -> list[Worker]:
        """All known workers; alive are those seen within `alive_s` seconds, and not before the clock was set back."""
        with self._read() as connection:
            now = self._now(connection)
            rows = connection.execute(select(workers).order_by(workers.c.queue, workers.c.name)).mappings().all()
            busy = connection.execute(select(runs.c.worker, runs.c.id).where(runs.c.status.in_(ACTIVE))).all()
            held = {row["name"]: holders(connection, _slot(row), now, alive_s) for row in rows}
        running: dict[str, list[UUID]] = {}
        for name, run_id in busy:
            running.setdefault(name, []).append(run_id)
        return [
            Worker(
                name=row["name"],
                host=row["host"],
                queue=row["queue"],
                device=row["device"],
                slots=row["slots"],
                version=row["version"],
                seen_at=datetime.fromtimestamp(row["seen_at"], UTC),
                alive=abs(now - row["seen_at"]) <= alive_s,
                able=Abilities.model_validate(row["able"]) if row["able"] else None,
                running=tuple(running.get(row["name"], ())),
                held_by=tuple(one for one in held[row["name"]] if one not in running.get(row["name"], ())),
            )
            for row in rows
        ]

    def alive_workers(self, alive_s: float) -> dict[str, int]:
        """How many were seen within `alive_s` seconds, by queue."""
        with self._read() as connection:
            seen = workers.c.seen_at >= self._now(connection) - alive_s
            query = select(workers.c.queue, func.count()).where(seen).group_by(workers.c.queue)
            return {queue: number for queue, number in connection.execute(query)}

    def newest_heartbeat_s(self) -> float | None:
        """Seconds since any worker was last seen; None if none ever was."""
        with self._read() as connection:
            newest: float | None = connection.scalar(
                select(func.min(func.abs(self._now(connection) - workers.c.seen_at)))
            )
            return newest


def _slot(worker: RowMapping) -> Slot:
    return Slot(worker["name"], worker["host"], worker["queue"], worker["device"])
