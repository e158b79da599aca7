"""From rows to records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import RowMapping

from mgic.records import Awaited, Failure, InputRun, Run, RunStatus, Searched, Sweep, main_table, unfold

ACTIVE = (RunStatus.RUNNING, RunStatus.CANCELLING)
OPEN = (RunStatus.QUEUED, *ACTIVE)
SEARCHING = "searching"  # of a sweep of which more runs may be asked for
ENVIRONMENT = ("mgic", "torch", "device", "threads", "imported")  # what rows of results tell of it
SOURCE = ("commit", "dirty")  # of the lab itself
SUBJECT = ("commit", "branch", "dirty", "remote", "fingerprint", "ci_run", "pull_request")  # of the code under test
# Of the table runs, what `result_rows` reads: the rest is as much JSON again.
RESULT_COLUMNS = (
    *("seq", "id", "sweep_id", "attempt", "version", "host", "created_at", "started_at", "finished_at"),
    *("config", "result", "environment"),
)


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class Surroundings(NamedTuple):
    """What other tables know of a run: its inputs as they stand, by the fields that name them, its tags, its sweep."""

    lineage: Sequence[tuple[str, Awaited, InputRun]] = ()
    tags: Sequence[str] = ()
    sweep_name: str = ""
    sweep_tags: Sequence[str] = ()


def run_record(row: RowMapping, beside: Surroundings) -> Run:
    """A run, of its row and of what is beside it."""
    lineage = beside.lineage
    awaited = {one.id: one for _, one, _ in lineage if one.status is not RunStatus.SUCCEEDED}
    return Run(
        id=row["id"],
        sweep_id=row["sweep_id"],
        number=row["number"],
        experiment=row["experiment"],
        status=RunStatus(row["status"]),
        reason=row["reason"],
        phase=row["phase"],
        progress=row["progress"],
        attempt=row["attempt"],
        queue=row["queue"],
        device=row["device"],
        requested=row["requested"],
        config=row["config"],
        result=row["result"],
        failure=Failure.model_validate(row["failure"]) if row["failure"] else None,
        environment=row["environment"],
        seconds=row["seconds"],
        worker=row["worker"],
        created_at=datetime.fromtimestamp(row["created_at"], UTC),
        started_at=moment(row["started_at"]),
        finished_at=moment(row["finished_at"]),
        retry_of=row["retry_of"],
        reused_from=row["reused_from"],
        made_from={field: one.id for field, one, _ in lineage},
        inputs={field: what for field, _, what in lineage},
        waits_for=tuple(awaited.values()) if row["status"] == RunStatus.QUEUED else (),
        sweep_name=beside.sweep_name,
        tags=tuple(beside.tags),
        sweep_tags=tuple(beside.sweep_tags),
        notes=row["notes"],
        imported=row["imported"],
    )


@dataclass
class Counts:
    """Of one sweep.

    Args:
        by_status: Of each status that occurs.
        in_work: The sum of the progress of those that are in work.
        seconds: Mean duration of those that succeeded.
    """

    by_status: dict[RunStatus, int] = field(default_factory=dict)
    in_work: float = 0.0
    seconds: float | None = None


def sweep_record(row: RowMapping, counts: Counts, tags: Sequence[str], searched: Searched | None = None) -> Sweep:
    """A sweep with the state of its runs.

    Args:
        row: Of the table sweeps.
        counts: Of its runs.
        tags: In order.
        searched: Where a sampler chooses its runs.
    """
    by_status = counts.by_status
    total = sum(by_status.values())
    to_come = searched.settings.trials - searched.asked if searched and row["search_state"] == SEARCHING else 0
    left = to_come + sum(n for status, n in by_status.items() if not status.terminal)
    planned = total + to_come
    progress = (planned - left + counts.in_work) / planned if planned else 1.0
    eta = None
    if counts.seconds is not None and left:
        at_once = max(1, sum(by_status.get(status, 0) for status in ACTIVE))
        eta = (left - counts.in_work) * counts.seconds / at_once
    return Sweep(
        id=row["id"],
        name=row["name"],
        experiment=row["experiment"],
        grids=row["grids"],
        recipe=row["recipe"],
        priority=row["priority"],
        created_at=datetime.fromtimestamp(row["created_at"], UTC),
        counts=by_status,
        total=total,
        progress=min(1.0, progress),
        finished=not left,
        eta_seconds=eta,
        then_sweep_id=row["then_sweep_id"],
        search=searched,
        owner=row["owner"],
        tags=tuple(tags),
        notes=row["notes"],
    )


def result_rows(row: RowMapping, table: str | None = None) -> list[dict[str, Any]]:
    """Where it comes from, its config and its result side by side: one row, or one for each row of a table.

    Args:
        row: `RESULT_COLUMNS` and `sweep_name`.
        table: Of the result; None: the one that the result is all of, if it is.
    """
    run = {
        "run_id": str(row["id"]),
        "sweep_id": str(row["sweep_id"]),
        "name": row["sweep_name"],
        "attempt": row["attempt"],
        "version": row["version"],
        "host": row["host"],
    }
    run |= {name: _iso(row[name]) for name in ("created_at", "started_at", "finished_at")}
    environment = row["environment"] or {}
    source = environment.get("source", environment)  # older runs have its fields beside the others
    subject = environment.get("subject", {})
    where = {f"env_{name}": source.get(name) for name in SOURCE}
    where |= {f"env_{name}": environment.get(name) for name in ENVIRONMENT}
    where |= {f"subject_{name}": subject.get(name) for name in SUBJECT}
    found = unfold(row["config"], row["result"], table or main_table(row["result"]))
    return [{**run, **one, **where} for one in found]


def _iso(seconds: float | None) -> str | None:
    at = moment(seconds)
    return at.isoformat(timespec="seconds") if at else None
