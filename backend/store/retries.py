"""Running again what has failed or was cancelled: a new run in the old one's place, with what hangs on it."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection, RowMapping, insert, select, update

from backend.store.facts import record_start
from backend.store.lineage import GONE, Lineage, NewInput, config_key
from backend.store.rows import SEARCHING
from backend.store.schema import inputs, runs, sweeps
from mgic.errors import Conflict
from mgic.records import Reason, Run, RunStatus

KEPT = (
    *("sweep_id", "number", "experiment", "version", "model", "dataset", "requested", "config", "config_key"),
    *("work_macs", "queue", "device", "priority", "trial"),
)
was = runs.alias()  # an input as it was named, beside what has its place now


class Retries(Lineage):
    """The part of the store that queues runs again. Every method is one transaction.

    A run whose input has ended without success cannot run: that input is retried first. And what failed because
    its input did is queued again with it, and has the new run as its input.
    """

    def retry(self, run_id: UUID) -> Run:
        """Queue a new run with the config of one that failed or was cancelled, in its place in the sweep.

        Raises:
            NotFound: There is no such run.
            Conflict: It has not ended, it succeeded, it was retried before, or its input was ended early.
            QuotaExceeded: Too much is queued already.
        """
        with self._queueing(self.run_owner(run_id)) as connection:
            row = self._row(connection, run_id)
            if row["status"] not in GONE:
                raise Conflict(f"only a failed or cancelled run can be retried; this one is {row['status']}")
            if row["superseded"]:
                raise Conflict("the run has been retried before")
            again: dict[UUID, UUID] = {}
            self._revive(connection, row, again)
            if run_id not in again:
                raise Conflict("its input was ended early by its search: name one that was trained to its end")
            record_start(connection, again.values())
            return self._records(connection, [self._row(connection, again[run_id])])[0]

    def retry_failed(self, sweep_id: UUID, cancelled: bool = False) -> int:
        """Retry every failed run of the sweep that has not been, or also the cancelled ones; how many they were.

        With the cancelled ones, a search that was cancelled goes on. Raises `QuotaExceeded`.
        """
        which = GONE if cancelled else (RunStatus.FAILED,)
        with self._queueing(self.sweep_owner(sweep_id)) as connection:
            if cancelled:
                self._search_on(connection, sweep_id)
            gone = (runs.c.sweep_id == sweep_id, runs.c.status.in_(which), ~runs.c.superseded)
            rows = self._rows(connection, connection.scalars(select(runs.c.id).where(*gone)))
            again: dict[UUID, UUID] = {}
            for row in rows:
                self._revive(connection, row, again)
            record_start(connection, again.values())
        return len(rows)

    def _search_on(self, connection: Connection, sweep_id: UUID) -> None:
        ended = (sweeps.c.id == sweep_id, sweeps.c.search_state == "cancelled")
        for search, asked in connection.execute(select(sweeps.c.search, sweeps.c.asked).where(*ended)).all():
            state = SEARCHING if asked < search["settings"]["trials"] else "done"
            connection.execute(update(sweeps).where(*ended).values(search_state=state))

    def _revive(self, connection: Connection, row: RowMapping, again: dict[UUID, UUID]) -> None:
        """Queue it again, after those of its inputs that have ended without success; each once.

        Args:
            connection: With the transaction.
            row: Of the run.
            again: The run that took the place of each that was queued again so far.
        """
        order: dict[UUID, RowMapping] = {}
        looked_at = [row]
        while looked_at:  # what is needed stands behind what needs it
            one = looked_at.pop()
            order.pop(one["id"], None)
            order[one["id"]] = one
            now = self._inputs_now(connection, one["id"]).values()
            looked_at += [needed for _, needed in now if needed["status"] in GONE]
        for one in reversed(order.values()):
            self._again(connection, one, again)

    def _again(self, connection: Connection, row: RowMapping, again: dict[UUID, UUID]) -> None:
        """Queue it again, and then what failed for want of it and lacks nothing else."""
        to_do = [row]
        while to_do:
            one = to_do.pop()
            now = self._inputs_now(connection, one["id"])
            if one["id"] in again or any(_useless(needed) for _, needed in now.values()):
                continue
            again[one["id"]] = self._insert_again(connection, one, now)
            place = (runs.c.sweep_id == one["sweep_id"], runs.c.number == one["number"])
            was_it = connection.scalars(select(runs.c.id).where(*place))  # or what it is a retry of
            users = self._rows(connection, self._used_by(connection, was_it))
            to_do += [
                user for user in reversed(users) if user["reason"] == Reason.INPUT_FAILED and not user["superseded"]
            ]

    def _inputs_now(self, connection: Connection, run_id: UUID) -> dict[str, tuple[list[str], RowMapping]]:
        """By field, the files that a run reads, and the run that has the place of its input by now."""
        query = (
            select(inputs.c.field, inputs.c.files, runs)
            .join(was, was.c.id == inputs.c.input_id)
            .join(runs, (runs.c.sweep_id == was.c.sweep_id) & (runs.c.number == was.c.number))
            .where(inputs.c.run_id == run_id)
            .order_by(runs.c.id)
            .with_for_update(of=runs)
        )
        found = connection.execute(query).mappings()
        return {row["field"]: (row["files"], row) for row in found if not row["superseded"]}

    def _insert_again(
        self, connection: Connection, row: RowMapping, now: Mapping[str, tuple[list[str], RowMapping]]
    ) -> UUID:
        connection.execute(update(runs).where(runs.c.id == row["id"]).values(superseded=True))
        new_id = self._new_id()
        values = {name: row[name] for name in KEPT}
        if now:
            named = {field: str(needed["id"]) for field, (_, needed) in now.items()}
            values["config"] = row["config"] | named
            values["requested"] = row["requested"] | {name: named[name] for name in named if name in row["requested"]}
            values["config_key"] = config_key(row["experiment"], row["version"], values["config"])
        lacks = sum(needed["status"] != RunStatus.SUCCEEDED for _, needed in now.values())
        connection.execute(
            insert(runs).values(
                id=new_id,
                status=RunStatus.QUEUED,
                created_at=self._now(connection),
                retry_of=row["id"],
                lacks=lacks,
                **values,
            )
        )
        given = {field: NewInput(needed["id"], tuple(files)) for field, (files, needed) in now.items()}
        self._add_inputs(connection, {new_id: given})
        self._note(connection, new_id, None, RunStatus.QUEUED, 0, f"retry of {row['id']}")
        self._copy_tags(connection, row["id"], new_id)
        return new_id


def _useless(needed: RowMapping) -> bool:
    """Whether a run has ended as one that no other can have as its input."""
    return needed["status"] in GONE or bool(needed["stopped_early"])
