"""Deleting runs and sweeps, if they have ended and nothing else needs them.

Rows go in one transaction. Files go after it: `leftovers` has the runs whose files still lie there, so that none is
forgotten whatever ends between the two.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Connection, RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.store.lineage import Lineage
from backend.store.schema import baselines, inputs, leftovers, runs, sweeps
from mgic.errors import Conflict, NotFound
from mgic.records import RunStatus

AT_A_TIME = 200  # runs, with all their curves, in one statement
SHOWN = 3  # of those that are in the way


class Removal(Lineage):
    """The part of the store that deletes. Every method is one transaction."""

    def delete_run(self, run_id: UUID) -> None:
        """With its curves, log and events; its files are among the leftovers then.

        A run that it was a retry of has its place in the sweep again.

        Raises:
            NotFound: There is no such run.
            Conflict: It has not ended, or a run or a baseline needs it.
        """
        with self._removing() as connection:
            row = self._row(connection, run_id)
            self._delete(connection, [row])
            if row["retry_of"] is not None and not row["superseded"]:
                connection.execute(update(runs).where(runs.c.id == row["retry_of"]).values(superseded=False))

    def delete_sweep(self, sweep_id: UUID) -> None:
        """With all its runs; a sweep that it was submitted with has no `then_sweep_id` any more.

        Raises:
            NotFound: There is no such sweep.
            Conflict: One of its runs has not ended, or something else needs it.
        """
        with self._removing() as connection:
            rows = self._rows(connection, self._ids(connection, sweep_id))
            found = connection.scalar(select(sweeps.c.id).where(sweeps.c.id == sweep_id).with_for_update())
            if found is None:
                raise NotFound(f"there is no sweep {sweep_id}")
            if len(self._ids(connection, sweep_id)) > len(rows):  # from now on nobody can add one
                raise Conflict("a run was added to it just now")
            self._delete(connection, rows)
            connection.execute(update(sweeps).where(sweeps.c.then_sweep_id == sweep_id).values(then_sweep_id=None))
            connection.execute(delete(sweeps).where(sweeps.c.id == sweep_id))

    def leftovers(self, most: int) -> list[UUID]:
        """Deleted runs whose files may still be there."""
        with self._read() as connection:
            return list(connection.scalars(select(leftovers.c.run_id).limit(most)))

    def forget_leftovers(self, ids: Sequence[UUID]) -> None:
        """Their files are gone."""
        with self._write() as connection:
            connection.execute(delete(leftovers).where(leftovers.c.run_id.in_(ids)))

    @contextmanager
    def _removing(self) -> Iterator[Connection]:
        """What the database itself refuses is in somebody's way too: it was added while this looked."""
        try:
            with self._write() as connection:
                yield connection
        except IntegrityError as error:
            raise Conflict("another run has just come to need it") from error

    def _ids(self, connection: Connection, sweep_id: UUID) -> list[UUID]:
        return list(connection.scalars(select(runs.c.id).where(runs.c.sweep_id == sweep_id)))

    def _delete(self, connection: Connection, rows: Sequence[RowMapping]) -> None:
        """Of runs that are locked."""
        open_runs = [row for row in rows if not RunStatus(row["status"]).terminal]
        if open_runs:
            told = ", ".join(f"run {row['id']} is {row['status']}" for row in open_runs[:SHOWN])
            raise Conflict(f"it has not ended, cancel it first: {told}{_more(open_runs)}")
        ids = [row["id"] for row in rows]
        if needed := self._needs(connection, set(ids)):
            raise Conflict(f"something else needs it: {'; '.join(needed[:SHOWN])}{_more(needed)}")
        if left := [{"run_id": row["id"]} for row in rows if row["fence"]]:
            connection.execute(insert(leftovers), left)
        for some in batches(ids):
            connection.execute(update(runs).where(runs.c.retry_of.in_(some)).values(retry_of=None))
            connection.execute(delete(inputs).where(inputs.c.run_id.in_(some)))
        for some in batches(ids):
            connection.execute(delete(runs).where(runs.c.id.in_(some)))

    def _needs(self, connection: Connection, ids: set[UUID]) -> list[str]:
        """What else needs these runs, in words."""
        found = [
            f"run {user} has run {used} as its input"
            for user, used in self._used_by(connection, ids).items()
            if user not in ids
        ]
        for user, used in self._reusing(connection, list(ids)):
            if user not in ids:
                found.append(f"run {user} took over the result of run {used}")
        for name, named in self._named_by_baselines(connection):
            found += [f"the baseline {name} has the accuracy of run {used}" for used in sorted(named & ids, key=str)]
        return found

    def _users(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, set[UUID | str]]:
        """By run, all that needs it: runs, and baselines by name."""
        found: dict[UUID, set[UUID | str]] = {}
        for some in batches(ids):
            query = select(inputs.c.input_id, inputs.c.run_id).where(inputs.c.input_id.in_(some))
            for used, user in connection.execute(query):
                found.setdefault(used, set()).add(user)
        for user, used in self._reusing(connection, ids):
            found.setdefault(used, set()).add(user)
        for name, named in self._named_by_baselines(connection):
            for used in named.intersection(ids):
                found.setdefault(used, set()).add(name)
        return found

    def _reusing(self, connection: Connection, ids: Sequence[UUID]) -> Iterator[tuple[UUID, UUID]]:
        """Runs that took over the result of one of these, with that one."""
        for some in batches(ids):
            query = select(runs.c.id, runs.c.reused_from).where(runs.c.reused_from.in_(some))
            yield from ((user, used) for user, used in connection.execute(query))

    def _named_by_baselines(self, connection: Connection) -> Iterator[tuple[str, set[UUID]]]:
        """Each baseline with the runs whose accuracy it has."""
        for name, document in connection.execute(select(baselines.c.name, baselines.c.document)):
            told = (model.get("top1") or {} for model in document["models"])
            yield name, {UUID(one["run_id"]) for one in told if one.get("run_id")}


def batches(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    """So many that one statement takes them."""
    return (ids[start : start + AT_A_TIME] for start in range(0, len(ids), AT_A_TIME))


def _more(of: Sequence[object]) -> str:
    return f" and {len(of) - SHOWN} more" if len(of) > SHOWN else ""
