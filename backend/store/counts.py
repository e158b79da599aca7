"""How the runs of sweeps stand: how many have each status, how far those in work are, how long the others took."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, func, select

from backend.store.rows import ACTIVE, Counts
from backend.store.schema import runs
from mgic.records import RunStatus


def counted(connection: Connection, sweep_ids: Collection[UUID]) -> dict[UUID, Counts]:
    """Of each of these sweeps; a run that a retry replaced is none of its runs."""
    found = {sweep_id: Counts() for sweep_id in sweep_ids}
    mine = (runs.c.sweep_id.in_(sweep_ids), ~runs.c.superseded)
    number = (runs.c.sweep_id, runs.c.status, func.count(), func.avg(runs.c.seconds))
    for sweep_id, status, count, mean in connection.execute(select(*number).where(*mine).group_by(*number[:2])):
        found[sweep_id].by_status[RunStatus(status)] = count
        if status == RunStatus.SUCCEEDED:
            found[sweep_id].seconds = mean
    done = select(runs.c.sweep_id, func.sum(runs.c.progress)).where(*mine, runs.c.status.in_(ACTIVE))
    for sweep_id, progress in connection.execute(done.group_by(runs.c.sweep_id)):
        found[sweep_id].in_work = progress
    return found
