"""How the searches of some sweeps stand: what was asked for, what came of it, and the best so far."""

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, func, select

from backend.store.rows import SEARCHING
from backend.store.schema import runs
from mgic.records import Found, Goal, RunStatus, Search, Searched


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
    scored = [
        Found(run_id=run_id, number=number, value=value, macs=(trial or {}).get("macs"))
        for run_id, number, value, trial in connection.execute(query.where(*mine, ~runs.c.stopped_early))
        if is_score(value)
    ]
    return Searched(
        settings=settings,
        state=SEARCHING if in_work else row["search_state"],
        why=row["search_why"],
        asked=row["asked"],
        ended=ended,
        failed=counts.get(RunStatus.FAILED, 0),
        stopped=stopped,
        refused=len(row["refused"] or ()),
        best=tuple(_front(scored, settings.goal) if settings.sampler == "nsga2" else _best(scored, settings.goal)),
    )


def is_score(value: Any) -> bool:
    """Whether a trial has a number to be judged by."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _loss(one: Found, goal: Goal | None) -> float:
    return -one.value if goal == "max" else one.value


def _best(scored: list[Found], goal: Goal | None) -> list[Found]:
    """Of equal ones the first."""
    return [min(scored, key=lambda one: (_loss(one, goal), one.number))] if scored else []


def _front(scored: list[Found], goal: Goal | None) -> list[Found]:
    """Those that no other one beats in the metric with as few multiply-accumulates."""
    front: list[Found] = []
    for one in sorted(scored, key=lambda one: (one.macs or 0, _loss(one, goal), one.number)):
        if _loss(one, goal) < (_loss(front[-1], goal) if front else inf):
            front.append(one)
    return front
