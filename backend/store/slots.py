"""Who claims, what may be claimed, and what keeps a slot from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, func, select

from backend.store.rows import ACTIVE
from backend.store.schema import runs, workers
from mgic.records import Queue, RunStatus


@dataclass(frozen=True)
class Slot:
    """Who claims: one slot of one worker."""

    worker: str
    host: str
    queue: Queue
    device: str


def eligible(queue: str, device: str) -> tuple[Any, ...]:
    """Which runs a worker of the queue can take: one with a GPU takes those of any device."""
    devices: Iterable[str] = ("cpu", "cuda") if device == "cuda" else ("cpu",)
    return runs.c.status == RunStatus.QUEUED, runs.c.queue == queue, runs.c.lacks == 0, runs.c.device.in_(devices)


def holders(connection: Connection, slot: Slot, now: float, alive_s: float) -> list[UUID]:
    """The runs that keep a slot from taking one: its host is a timing run's alone, or is kept free for one.

    Args:
        connection: To the store.
        slot: Of a timing worker all runs of the host keep it, its own among them.
        now: By the database's clock.
        alive_s: Timing workers that were not seen for longer are gone, and hold nobody up; so do those that were seen
            in the future, before the clock was set back: who lives has been seen since.
    """
    here = and_(runs.c.host == slot.host, runs.c.status.in_(ACTIVE))
    if slot.queue == "timing":
        return list(connection.scalars(select(runs.c.id).where(here)))
    at_work = list(connection.scalars(select(runs.c.id).where(here, runs.c.queue == "timing")))
    if at_work:
        return at_work
    seen = workers.c.seen_at.between(now - alive_s, now + alive_s)
    timing = select(workers.c.device).where(workers.c.host == slot.host, workers.c.queue == "timing", seen)
    first = (
        select(runs.c.id).where(*eligible("timing", device)).order_by(runs.c.priority, runs.c.seq).limit(1)
        for device in set(connection.scalars(timing))
    )
    return [run_id for query in first if (run_id := connection.scalar(query)) is not None]


def held_up_by(connection: Connection, queue: str) -> dict[str, int]:
    """What may have waited for the end of a run of this queue, because one of the two has its host to itself: how many
    runs, by queue."""
    others = ("cpu", "gpu") if queue == "timing" else ("timing",)
    waiting = (runs.c.status == RunStatus.QUEUED, runs.c.queue.in_(others), runs.c.lacks == 0)
    query = select(runs.c.queue, func.count()).where(*waiting).group_by(runs.c.queue)
    return {other: number for other, number in connection.execute(query)}
