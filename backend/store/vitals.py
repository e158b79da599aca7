"""How the queue and its workers stand, in numbers for who watches over them."""

from dataclasses import dataclass

from sqlalchemy import func, select

from backend.store.database import Database
from backend.store.rows import ACTIVE
from backend.store.schema import announcements, runs, workers
from mgic.records import RunStatus


@dataclass(frozen=True)
class Vitals:
    """At one moment; ages in seconds.

    `runs` by status and queue; `waiting` has the age of the oldest run that a worker could claim, since it was
    submitted, by queue; `in_work` how long the run that was claimed first has been worked on; `overdue` how long the
    lease is over of the run whose lease ended first, 0 if of none; `untold` counts sweeps of which somebody was to be
    told, and could not; `heartbeats` by worker and queue.
    """

    runs: dict[tuple[str, ...], int]
    waiting: dict[str, float]
    in_work: dict[str, float]
    overdue: float
    untold: int
    heartbeats: dict[tuple[str, ...], float]


class Vital(Database):
    """The part of the store that tells how it goes."""

    def vitals(self) -> Vitals:
        claimable = (runs.c.status == RunStatus.QUEUED, runs.c.lacks == 0)
        counted = select(runs.c.status, runs.c.queue, func.count()).group_by(runs.c.status, runs.c.queue)
        oldest = select(runs.c.queue, func.min(runs.c.created_at)).where(*claimable).group_by(runs.c.queue)
        longest = select(runs.c.queue, func.min(runs.c.started_at)).where(runs.c.status.in_(ACTIVE))
        first_lease = select(func.min(runs.c.lease_until)).where(runs.c.status.in_(ACTIVE))
        untold = select(func.count()).where(announcements.c.attempts > 0, announcements.c.due_at.is_not(None))
        with self._read() as connection:
            now = self._now(connection)
            lease = connection.scalar(first_lease)
            return Vitals(
                runs={(status, queue): number for status, queue, number in connection.execute(counted)},
                waiting={queue: max(0.0, now - at) for queue, at in connection.execute(oldest)},
                in_work={
                    queue: max(0.0, now - at) for queue, at in connection.execute(longest.group_by(runs.c.queue)) if at
                },
                overdue=0.0 if lease is None else max(0.0, now - lease),
                untold=connection.scalar(untold) or 0,
                heartbeats={
                    (row.name, row.queue): max(0.0, now - row.seen_at)
                    for row in connection.execute(select(workers.c.name, workers.c.queue, workers.c.seen_at))
                },
            )
