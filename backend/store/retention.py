"""Which runs have had their time: of sweeps that ended long ago, and that nothing younger needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, func, select

from backend.store.removal import Removal, batches
from backend.store.rows import OPEN, SEARCHING
from backend.store.schema import artifacts, run_tags, runs, sweep_tags, sweeps
from backend.store.search import RunQuery, Search


@dataclass(frozen=True)
class Policy:
    """What is kept.

    Args:
        older_than_s: Sweeps of which a run has ended within so many seconds.
        keep_tags: Sweeps that have one of these tags, and those of which a run has.
        keep_best: Of each other sweep the run that comes first in this order, `-result.top1`; empty: none.
    """

    older_than_s: float
    keep_tags: Sequence[str] = ()
    keep_best: str = ""


@dataclass(frozen=True)
class Leaving:
    """What can go of one sweep; `whole`: all of it. `needed` runs stay for others, `best` ones by themselves."""

    sweep_id: UUID
    runs: tuple[UUID, ...]  # the newest first
    size: int  # of their files, bytes
    whole: bool
    needed: int
    best: int


class Retention(Removal, Search):
    """The part of the store that finds what may go."""

    def leaving(self, policy: Policy) -> Iterator[Leaving]:
        """Sweep by sweep, the newest first: what needs something is younger, and goes before it."""
        gone = set[UUID]()
        for sweep_id in self._old_sweeps(policy):
            best = self._best(sweep_id, policy.keep_best)
            with self._read() as connection:
                found = self._of_sweep(connection, sweep_id, best, gone)
            gone.update(found.runs)
            yield found

    def _old_sweeps(self, policy: Policy) -> list[UUID]:
        tagged = select(sweep_tags.c.sweep_id).where(sweep_tags.c.tag.in_(policy.keep_tags))
        with_tagged_run = (
            select(runs.c.sweep_id)
            .join(run_tags, run_tags.c.run_seq == runs.c.seq)
            .where(run_tags.c.tag.in_(policy.keep_tags))
        )
        not_ended = select(runs.c.sweep_id).where(runs.c.status.in_(OPEN))
        with self._read() as connection:
            before = self._now(connection) - policy.older_than_s
            young = select(runs.c.sweep_id).where(func.coalesce(runs.c.finished_at, runs.c.created_at) >= before)
            query = select(sweeps.c.id).where(
                sweeps.c.created_at < before,
                sweeps.c.search_state.is_distinct_from(SEARCHING),
                *(sweeps.c.id.not_in(kept) for kept in (tagged, with_tagged_run, not_ended, young)),
            )
            return list(connection.scalars(query.order_by(sweeps.c.seq.desc())))

    def _best(self, sweep_id: UUID, order: str) -> UUID | None:
        if not order:
            return None
        field = order.removeprefix("-")
        query = RunQuery({"sweep_id": sweep_id, "status": "succeeded"}, sort=field, descending=order.startswith("-"))
        found, _ = self.runs(1, None, query)
        part, _, name = field.partition(".")
        has = found and name in ((found[0].config if part == "config" else found[0].result) or {})
        return found[0].id if has else None

    def _of_sweep(self, connection: Connection, sweep_id: UUID, best: UUID | None, gone: set[UUID]) -> Leaving:
        query = select(runs.c.id).where(runs.c.sweep_id == sweep_id).order_by(runs.c.seq.desc())
        every = list(connection.scalars(query))
        needed_by = self._users(connection, every)
        leaving = set[UUID]()
        for run_id in every:
            if run_id != best and needed_by.get(run_id, set()) <= gone | leaving:
                leaving.add(run_id)
        left = tuple(run_id for run_id in every if run_id in leaving)
        stays = len(every) - len(left)
        return Leaving(sweep_id, left, self._size(connection, left), not stays, stays - bool(best), int(bool(best)))

    def _size(self, connection: Connection, ids: Sequence[UUID]) -> int:
        sizes = (
            connection.scalar(select(func.sum(artifacts.c.size)).where(artifacts.c.run_id.in_(some))) or 0
            for some in batches(ids)
        )
        return sum(map(int, sizes))
