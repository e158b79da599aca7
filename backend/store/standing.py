"""How the searches of some sweeps stand: what was asked for, what came of it, and the best so far."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, func, select

from backend.store.rows import SEARCHING
from backend.store.schema import runs
from mgic.records import Found, RunStatus, Search, Searched
from mgic.search.best import Scored, best_of


@dataclass(frozen=True)
class NewSearch:
    """How the runs of a new sweep are to be chosen; `curve` is by what trainings are ended early, where they are."""

    settings: Search
    curve: str | None
    reuse: bool

    @property
    def columns(self) -> dict[str, Any]:
        """Of the sweep's row."""
        told = {"settings": self.settings.model_dump(mode="json"), "curve": self.curve, "reuse": self.reuse}
        return {"search": told, "search_state": SEARCHING}


def standings(
    connection: Connection, rows: Iterable[RowMapping], counts: Mapping[UUID, Mapping[RunStatus, int]]
) -> dict[UUID, Searched]:
    """Of those of the sweeps whose runs a sampler chooses; `counts` has the statuses of their runs."""
    return {row["id"]: _standing(connection, row, counts[row["id"]]) for row in rows if row["search"] is not None}


def _standing(connection: Connection, row: RowMapping, counts: Mapping[RunStatus, int]) -> Searched:
    settings = Search.model_validate(row["search"]["settings"])
    mine = (runs.c.sweep_id == row["id"], ~runs.c.superseded, runs.c.status == RunStatus.SUCCEEDED)
    stopped = connection.scalar(select(func.count()).select_from(runs).where(*mine, runs.c.stopped_early)) or 0
    ended = sum(number for status, number in counts.items() if status.terminal)
    in_work = ended < sum(counts.values()) and row["search_state"] != "cancelled"
    query = select(runs.c.id, runs.c.number, runs.c.result[settings.metric], runs.c.trial)
    scored = {
        Scored(number, value, trial["macs"]): run_id
        for run_id, number, value, trial in connection.execute(query.where(*mine, ~runs.c.stopped_early))
        if is_score(value)
    }
    return Searched(
        settings=settings,
        state=SEARCHING if in_work else row["search_state"],
        why=row["search_why"],
        asked=row["asked"],
        ended=ended,
        failed=counts.get(RunStatus.FAILED, 0),
        stopped=stopped,
        refused=len(row["refused"] or ()),
        best=tuple(Found(run_id=scored[one], **one._asdict()) for one in best_of(settings, scored)),
    )


def is_score(value: Any) -> bool:
    """Whether a trial has a number to be judged by."""
    return isinstance(value, int | float) and not isinstance(value, bool)
