"""Searches in the store: which are under way, what their trials came to, and the next ones, each added once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, func, insert, select, update

from backend.store.facts import record_start
from backend.store.rows import OPEN, SEARCHING
from backend.store.schema import events, runs, sweeps
from backend.store.standing import is_score
from backend.store.sweeps import NewRun, NewSweep, Sweeps
from mgic.records import Grid, Refused, RunStatus, Search, Trial, TrialState

KEPT_REFUSED = 2000  # cells that the sampler is told of, the newest


@dataclass(frozen=True)
class OpenSearch:
    """A search that may ask for more; `asked` and `refused` are what an answer to it has to have seen.

    `work_macs` is what all its runs so far compute, `owner` whose they are.
    """

    sweep_id: UUID
    experiment: str
    axes: Grid
    priority: int
    settings: Search
    reuse: bool
    asked: int
    refused: tuple[Refused, ...]
    trials: tuple[Trial, ...]
    work_macs: float = 0.0
    owner: str | None = None


class Searches(Sweeps):
    """The part of the store that knows of searches."""

    def searching(self) -> dict[UUID, int]:
        """The sweeps of which more may be asked for, oldest first, with the number of runs that have not ended."""
        still = and_(runs.c.sweep_id == sweeps.c.id, runs.c.status.in_(OPEN))
        query = (
            select(sweeps.c.id, func.count(runs.c.seq))
            .join(runs, still, isouter=True)
            .where(sweeps.c.search_state == SEARCHING)
            .group_by(sweeps.c.id, sweeps.c.seq)
            .order_by(sweeps.c.seq)
        )
        with self._read() as connection:
            return {sweep_id: number for sweep_id, number in connection.execute(query)}

    def open_search(self, sweep_id: UUID) -> OpenSearch | None:
        """All that the next trials follow from, read at one moment; None if it asks for no more."""
        wanted = select(sweeps).where(sweeps.c.id == sweep_id, sweeps.c.search_state == SEARCHING)
        with self._read() as connection:
            row = connection.execute(wanted).mappings().first()
            if row is None:
                return None
            settings = Search.model_validate(row["search"]["settings"])
            work = select(func.sum(runs.c.work_macs)).where(runs.c.sweep_id == sweep_id)
            return OpenSearch(
                sweep_id,
                row["experiment"],
                row["grids"][0],
                row["priority"],
                settings,
                row["search"]["reuse"],
                row["asked"],
                tuple(Refused.model_validate(one) for one in row["refused"] or ()),
                tuple(self._trials(connection, sweep_id, settings.metric)),
                connection.scalar(work) or 0.0,
                row["owner"],
            )

    def _trials(self, connection: Connection, sweep_id: UUID, metric: str) -> list[Trial]:
        told = (runs.c.requested, runs.c.status, runs.c.stopped_early, runs.c.trial)
        query = select(*told, runs.c.result[metric], runs.c.result["steps"])
        query = query.where(runs.c.sweep_id == sweep_id, ~runs.c.superseded).order_by(runs.c.number)
        return [
            Trial(
                requested=requested,
                state=_state(RunStatus(status), stopped, value),
                value=value if is_score(value) else None,
                step=steps or 0,
                macs=trial["macs"],
                notes=trial["notes"],
            )
            for requested, status, stopped, trial, value, steps in connection.execute(query)
        ]

    def add_trials(
        self, search: OpenSearch, version: int, new: Sequence[NewRun], refused: Sequence[Refused], exhausted: str = ""
    ) -> bool:
        """Queue the next trials; False, and nothing is added, if somebody else was first, or the search was ended.

        Args:
            search: What they follow from.
            version: Of the experiment.
            new: The trials.
            refused: Cells that cannot be run.
            exhausted: Why no further one will come.

        Raises:
            QuotaExceeded: Too much is queued already.
        """
        asked = search.asked + len(new)
        state = "exhausted" if exhausted else "done" if asked >= search.settings.trials else SEARCHING
        kept = [one.model_dump(mode="json") for one in (*search.refused, *refused)][-KEPT_REFUSED:]
        seen = and_(sweeps.c.id == search.sweep_id, sweeps.c.search_state == SEARCHING, sweeps.c.asked == search.asked)
        with self._queueing(search.owner) as connection:
            mine = update(sweeps).where(seen).values(asked=asked, refused=kept, search_state=state)
            if connection.execute(mine.values(search_why=exhausted)).rowcount != 1:
                return False
            self._add_runs(connection, search, version, new)
        return True

    def _add_runs(self, connection: Connection, search: OpenSearch, version: int, new: Sequence[NewRun]) -> None:
        if not new:
            return
        now, of = self._now(connection), NewSweep(search.experiment, version, (), new, priority=search.priority)
        rows = [self._new_row(of, search.sweep_id, search.asked + place, run, now) for place, run in enumerate(new)]
        connection.execute(insert(runs), rows)
        queued = {"at": now, "to_status": RunStatus.QUEUED, "fence": 0}
        connection.execute(insert(events), [{"run_id": row["id"], **queued} for row in rows])
        if search.reuse:
            self._reuse(connection, rows, [run.code for run in new])
        record_start(connection, [row["id"] for row in rows])


def _state(status: RunStatus, stopped: bool, value: Any) -> TrialState:
    """As a sampler sees it: a run that was cancelled, or has no number to be judged by, has failed."""
    if not status.terminal:
        return "running"
    if status is not RunStatus.SUCCEEDED or not is_score(value):
        return "failed"
    return "stopped" if stopped else "complete"
