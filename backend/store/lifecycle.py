"""Who owns a run: claim, heartbeat, finish, cancel, take back. The state machine is here and nowhere else.

queued -> running -> succeeded | failed | cancelled; running -> cancelling -> the same three;
queued -> cancelled, queued -> failed, when an input of it has ended without success; running -> queued, when its
attempt ended without an answer. Terminal is for ever. `fence` rises with every change of owner; who holds an old
one can write nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Connection, RowMapping, and_, bindparam, exists, insert, select, update

from backend.store.facts import facts_at_end, record_facts
from backend.store.lineage import InputFile, Lineage
from backend.store.rows import ACTIVE, OPEN, SEARCHING
from backend.store.schema import artifacts, events, runs, sweeps, workers
from backend.store.slots import Slot, eligible, held_up_by, holders
from backend.store.stopping import Stop, stop_of
from mgic.errors import Conflict
from mgic.records import Artifact, Config, Failure, Outcome, Reason, Run, RunStatus, stopped_early

Beat = Literal["ok", "cancel", "lost"]

KEEP_WORKERS_S = 24 * 3600
# Why what waits for a training fails that has succeeded, and not come to its end.
EARLY = Failure(reason=Reason.INPUT_FAILED, message="was ended early by its search")


@dataclass(frozen=True)
class Claim:
    """A run in somebody's hands, with the fence that proves it.

    `inputs` is what it reads of others, by field; `stop` by what it may be ended early.
    """

    run_id: UUID
    fence: int
    attempt: int
    experiment: str
    config: Config
    device: str
    inputs: Mapping[str, tuple[InputFile, ...]] = field(default_factory=dict)
    stop: Stop | None = None


@dataclass(frozen=True)
class Ending:
    """What follows from an end that is stored.

    Args:
        over: Whether no later attempt will come.
        rings: How many runs of which queues may go on now: their workers are to be told.
        next: What was claimed with it.
    """

    over: bool = True
    rings: Mapping[str, int] = field(default_factory=dict)
    next: Claim | None = None


@dataclass(frozen=True)
class Lease:
    """How long a silent owner is believed, and how often a run may be tried."""

    seconds: float = 30
    max_attempts: int = 5


@dataclass(frozen=True)
class Held:
    """A run in somebody's hands, and how long it is left there if nothing is heard, by the database's clock."""

    run_id: UUID
    fence: int
    lease_until: float


def expired(held: Sequence[Held], now: float) -> list[Held]:
    """Those whose lease has ended, if the database's clock is believed."""
    return [one for one in held if one.lease_until < now]


class Lifecycle(Lineage):
    """The part of the store that moves runs from state to state. Every method is one transaction."""

    lease = Lease()

    def claim(self, slot: Slot) -> Claim | None:
        """Take the next eligible run of the slot's queue: by priority, then age; none that waits for an input.

        A timing run has its host to itself: it is taken only while nothing runs there,
        and while one waits that this host could take, nothing else is taken there.
        """
        with self._write() as connection:
            return self._claim(connection, slot)

    def could_claim(self, slot: Slot) -> bool:
        """Whether the worker has nothing in work, and a run waits that `claim` would give it."""
        mine = exists().where(runs.c.worker == slot.worker, runs.c.status.in_(ACTIVE))
        waiting = exists().where(*eligible(slot.queue, slot.device))
        with self._read() as connection:
            idle = not connection.scalar(select(mine)) and bool(connection.scalar(select(waiting)))
            return idle and not self._host_taken(connection, slot)

    def heartbeat(self, run_id: UUID, fence: int, progress: float, phase: str = "") -> Beat:
        """Prolong the lease. "cancel": the user wants it stopped; "lost": it has another owner, write nothing more."""
        with self._write() as connection:
            now = self._now(connection)
            status = connection.scalar(
                update(runs)
                .where(_held(run_id, fence))
                .values(lease_until=now + self.lease.seconds, progress=progress, phase=phase[:40])
                .returning(runs.c.status)
            )
        if status is None:
            return "lost"
        return "cancel" if status == RunStatus.CANCELLING else "ok"

    def finish(
        self, run_id: UUID, fence: int, outcome: Outcome, files: Sequence[Artifact] = (), then: Slot | None = None
    ) -> Ending | None:
        """Store how the run ended, with its artifacts; None if the fence is old, and then nothing is stored.

        A success that is stored already is stored: the first answer may have been lost.

        Args:
            run_id: The run.
            fence: The holder's.
            outcome: How it ended.
            files: What it leaves.
            then: Who takes the next run, in the same transaction.
        """
        if not outcome.status.terminal:
            raise ValueError(f"{outcome.status} is no end")
        with self._write() as connection:
            row = self._owned(connection, run_id, fence)
            if row is None:
                again = outcome.status is RunStatus.SUCCEEDED and self._succeeded(connection, run_id, fence)
                return Ending(next=self._next(connection, then)) if again else None
            freed = self._end(
                connection,
                row,
                outcome.status,
                result=outcome.result,
                failure=outcome.failure,
                environment=outcome.environment,
                seconds=outcome.seconds,
                stopped_early=stopped_early(outcome.result),
            )
            if files and outcome.status is RunStatus.SUCCEEDED:
                connection.execute(
                    insert(artifacts), [{"run_id": run_id, "fence": fence, **file.model_dump()} for file in files]
                )
            record_facts(connection, row["experiment"], {row["seq"]: facts_at_end(outcome.result, outcome.seconds)})
            rings = {**freed, **held_up_by(connection, row["queue"])}
            return Ending(True, rings, self._next(connection, then))

    def release(self, run_id: UUID, fence: int, failure: Failure | None) -> Ending | None:
        """Give up an attempt that ended without an outcome; None if the fence is old.

        Args:
            run_id: The run.
            fence: The holder's.
            failure: What killed the attempt: the run is queued again, or fails with this
                on its last attempt. None: the host goes down, and the attempt is given back.
        """
        with self._write() as connection:
            row = self._owned(connection, run_id, fence)
            if row is None:
                return None
            over = self._take_back(connection, row, failure)
            return Ending(over, held_up_by(connection, row["queue"]))

    def reap(self, silent: Callable[[Sequence[Held], float], Sequence[Held]] = expired) -> int:
        """Take back the runs whose owner is silent; how many they were. Workers not seen for a day are forgotten.

        Args:
            silent: Of what is held, and the time by the database's clock, those that are lost.
        """
        why = Failure(reason=Reason.WORKER_LOST, message="The worker that ran it stopped answering.")
        with self._write() as connection:
            now = self._now(connection)
            query = select(runs.c.id, runs.c.fence, runs.c.lease_until).where(runs.c.status.in_(ACTIVE))
            lost = silent([Held(*row) for row in connection.execute(query)], now)
            rows = select(runs).where(runs.c.id.in_([one.run_id for one in lost]), runs.c.status.in_(ACTIVE))
            locked = connection.execute(rows.order_by(runs.c.seq).with_for_update(skip_locked=True)).mappings().all()
            taken = [row for row in locked if Held(row["id"], row["fence"], row["lease_until"]) in lost]
            for row in taken:
                self._take_back(connection, row, why)
            connection.execute(workers.delete().where(workers.c.seen_at < now - KEEP_WORKERS_S))
        return len(taken)

    def cancel_run(self, run_id: UUID) -> Run:
        """A queued run is cancelled, a running one is told to stop.

        Raises:
            NotFound: There is no such run.
            Conflict: It has ended.
        """
        with self._write() as connection:
            row = self._row(connection, run_id)
            if RunStatus(row["status"]).terminal:
                raise Conflict(f"the run has ended: {row['status']}")
            self._cancel(connection, row)
            return self._records(connection, [self._row(connection, run_id)])[0]

    def cancel_sweep(self, sweep_id: UUID) -> int:
        """Cancel what has not ended, and ask for no more of a search; how many runs that concerned."""
        with self._write() as connection:
            searching = (sweeps.c.id == sweep_id, sweeps.c.search_state == SEARCHING)
            connection.execute(update(sweeps).where(*searching).values(search_state="cancelled"))
            query = select(runs.c.id).where(runs.c.sweep_id == sweep_id, runs.c.status.in_(OPEN))
            rows = [row for row in self._rows(connection, connection.scalars(query)) if row["status"] in OPEN]
            queued = [row for row in rows if row["status"] == RunStatus.QUEUED]
            self._close_waiting(connection, queued, RunStatus.CANCELLED, {})
            self._fail_what_waits(connection, {row["id"]: None for row in queued})
            for row in rows:
                if row["status"] != RunStatus.QUEUED:
                    self._cancel(connection, row)
        return len(rows)

    # How a state changes

    def _claim(self, connection: Connection, slot: Slot) -> Claim | None:
        """Last in its transaction: nobody waits who holds the lock of the host."""
        self._lock_host(connection, slot.host)
        if self._host_taken(connection, slot):
            return None
        query = (
            select(runs)
            .where(*eligible(slot.queue, slot.device))
            .order_by(runs.c.priority, runs.c.seq)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = connection.execute(query).mappings().first()
        if row is None:
            return None
        now = self._now(connection)  # after all waiting for others
        fence, attempt = row["fence"] + 1, row["attempt"] + 1
        self._move(
            connection,
            row,
            RunStatus.RUNNING,
            f"claimed by {slot.worker}",
            fence=fence,
            attempt=attempt,
            host=slot.host,
            worker=slot.worker,
            lease_until=now + self.lease.seconds,
            started_at=now,
            progress=0.0,
            phase="",
        )
        files = self._input_files(connection, row["id"])
        stop = stop_of(connection, row)
        return Claim(row["id"], fence, attempt, row["experiment"], row["config"], row["device"], files, stop)

    def _next(self, connection: Connection, slot: Slot | None) -> Claim | None:
        return self._claim(connection, slot) if slot else None

    def _host_taken(self, connection: Connection, slot: Slot) -> bool:
        return bool(holders(connection, slot, self._now(connection), self.lease.seconds))

    def _take_back(self, connection: Connection, row: RowMapping, failure: Failure | None) -> bool:
        """Whether that was its end: else it is queued again."""
        if row["status"] == RunStatus.CANCELLING:
            self._end(connection, row, RunStatus.CANCELLED)
            return True
        if failure is not None and row["attempt"] >= self.lease.max_attempts:
            self._end(connection, row, RunStatus.FAILED, failure=failure)
            return True
        attempt = row["attempt"] - (failure is None)
        note = f"{failure.reason}: {failure.message}" if failure else "its worker was stopped"
        free: dict[str, Any] = {"host": None, "worker": None, "lease_until": None, "started_at": None}
        free |= {"progress": 0.0, "phase": ""}
        self._move(connection, row, RunStatus.QUEUED, note, fence=row["fence"] + 1, attempt=attempt, **free)
        return False

    def _cancel(self, connection: Connection, row: RowMapping) -> None:
        if row["status"] == RunStatus.QUEUED:
            self._end(connection, row, RunStatus.CANCELLED)
        elif row["status"] == RunStatus.RUNNING:
            self._move(connection, row, RunStatus.CANCELLING, "cancel was asked for")

    def _end(
        self, connection: Connection, row: RowMapping, status: RunStatus, failure: Failure | None = None, **values: Any
    ) -> dict[str, int]:
        """Into a terminal state; what waits for it lacks an input less, or fails with it, and so on.

        Returns:
            How many runs can be claimed because of it, by queue.
        """
        self._close(connection, row, status, failure, **values)
        if status is RunStatus.SUCCEEDED and not values.get("stopped_early"):
            return self._free(connection, row["id"])
        self._fail_what_waits(connection, {row["id"]: EARLY if values.get("stopped_early") else failure})
        return {}

    def _fail_what_waits(self, connection: Connection, ended: Mapping[UUID, Failure | None]) -> None:
        """For these, and for what fails with that, and so on."""
        while ended:
            ended = self._fail_for_want(connection, ended)

    def _fail_for_want(
        self, connection: Connection, ended: Mapping[UUID, Failure | None]
    ) -> Mapping[UUID, Failure | None]:
        """What waits for runs that have ended without success fails, all at once; each with its failure."""
        used = self._used_by(connection, ended)
        waiting = [row for row in self._rows(connection, used) if row["status"] == RunStatus.QUEUED]
        failed = {row["id"]: _for_want(used[row["id"]], ended[used[row["id"]]]) for row in waiting}
        self._close_waiting(connection, waiting, RunStatus.FAILED, failed)
        return failed

    def _close_waiting(
        self,
        connection: Connection,
        waiting: Sequence[RowMapping],
        status: RunStatus,
        failed: Mapping[UUID, Failure],
    ) -> None:
        """Runs that are locked and queued, all at once: thousands one by one would hold up all others."""
        if not waiting:
            return
        now = self._now(connection)
        why = {run_id: failure.model_dump(mode="json") for run_id, failure in failed.items()}
        values = {"status": status, "finished_at": now, "reason": Reason.INPUT_FAILED if failed else None}
        values["failure"] = bindparam("why", type_=runs.c.failure.type)
        each = [{"one": row["id"], "why": why.get(row["id"])} for row in waiting]
        connection.execute(update(runs).where(runs.c.id == bindparam("one")).values(**values), each)
        told = {"at": now, "from_status": RunStatus.QUEUED, "to_status": status}
        told |= {"note": str(Reason.INPUT_FAILED) if failed else ""}
        connection.execute(insert(events), [{"run_id": row["id"], "fence": row["fence"], **told} for row in waiting])

    def _close(
        self, connection: Connection, row: RowMapping, status: RunStatus, failure: Failure | None, **values: Any
    ) -> None:
        values |= {
            "failure": failure.model_dump(mode="json") if failure else None,
            "reason": failure.reason if failure else None,
            "finished_at": self._now(connection),
            "lease_until": None,
        }
        if status is RunStatus.SUCCEEDED:
            values["progress"] = 1.0
        self._move(connection, row, status, str(failure.reason) if failure else "", **values)

    def _move(self, connection: Connection, row: RowMapping, status: RunStatus, note: str, **values: Any) -> None:
        changed = connection.execute(
            update(runs)
            .where(runs.c.id == row["id"], runs.c.status == row["status"], runs.c.fence == row["fence"])
            .values(status=status, **values)
        )
        if changed.rowcount != 1:
            raise Conflict(f"run {row['id']} changed hands")  # the transaction is rolled back
        self._note(connection, row["id"], RunStatus(row["status"]), status, values.get("fence", row["fence"]), note)

    def _succeeded(self, connection: Connection, run_id: UUID, fence: int) -> bool:
        same = and_(runs.c.id == run_id, runs.c.fence == fence, runs.c.status == RunStatus.SUCCEEDED)
        return bool(connection.scalar(select(exists().where(same))))

    def _owned(self, connection: Connection, run_id: UUID, fence: int) -> RowMapping | None:
        return connection.execute(select(runs).where(_held(run_id, fence)).with_for_update()).mappings().first()


def _held(run_id: UUID, fence: int) -> Any:
    return and_(runs.c.id == run_id, runs.c.fence == fence, runs.c.status.in_(ACTIVE))


def _for_want(run_id: UUID, why: Failure | None) -> Failure:
    how = f"has failed ({why.reason})" if why else "was cancelled"
    how = why.message if why is EARLY else how
    return Failure(reason=Reason.INPUT_FAILED, message=f"Run {run_id}, which is its input, {how}.")
