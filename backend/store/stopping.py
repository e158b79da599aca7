"""Trainings of a search that are held against the others while they go on."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, RowMapping, and_, select

from backend.store.database import Database
from backend.store.schema import curves, runs, sweeps
from mgic.records import RunStatus, Search
from mgic.search.stopping import Other, falls_behind


@dataclass(frozen=True)
class Stop:
    """By what a training is judged: this curve, beside that of the other runs of its sweep."""

    sweep_id: UUID
    curve: str
    settings: Search


class Stops(Database):
    """The part of the store that tells when a training may end early."""

    def behind(self, run_id: UUID, fence: int, stop: Stop, since: int = 0) -> tuple[int, bool]:
        """After how many epochs a training was scored, and whether by one of those after `since` it is to end."""
        current = and_(runs.c.id == curves.c.run_id, runs.c.fence == curves.c.fence)
        query = (
            select(curves.c.run_id, curves.c.fence, curves.c.value, runs.c.status, runs.c.stopped_early)
            .join(runs, current)
            .where(runs.c.sweep_id == stop.sweep_id, ~runs.c.superseded, curves.c.name == stop.curve)
            .order_by(curves.c.run_id, curves.c.step)
        )
        scores: dict[UUID, list[float | None]] = {}
        whole: dict[UUID, bool] = {}
        with self._read() as connection:
            for one, of, value, status, stopped in connection.execute(query):
                if one != run_id or of == fence:
                    scores.setdefault(one, []).append(value)
                    whole[one] = status == RunStatus.SUCCEEDED and not stopped
        mine = scores.pop(run_id, [])
        others = [Other(theirs, whole[one]) for one, theirs in scores.items()]
        rule, goal = stop.settings.stop, stop.settings.goal
        assert rule is not None
        assert goal is not None
        told = any(falls_behind(rule, goal, mine[:epochs], others) for epochs in range(since + 1, len(mine) + 1))
        return len(mine), told


def stop_of(connection: Connection, row: RowMapping) -> Stop | None:
    """By what this run is judged while it goes on; None where it is trained to its end."""
    if row["trial"] is None:
        return None
    search = connection.scalar(select(sweeps.c.search).where(sweeps.c.id == row["sweep_id"])) or {}
    settings = Search.model_validate(search["settings"])
    return Stop(row["sweep_id"], search["curve"], settings) if settings.stop else None
