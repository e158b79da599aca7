"""From rows to records."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping

from mgic.records import Failure, Run, RunStatus, Sweep

ACTIVE = (RunStatus.RUNNING, RunStatus.CANCELLING)
OPEN = (RunStatus.QUEUED, *ACTIVE)


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def run_record(row: RowMapping) -> Run:
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
    )


def sweep_record(row: RowMapping, tally: Mapping[RunStatus, tuple[int, float]], seconds: float | None) -> Sweep:
    """A sweep with the state of its runs.

    Args:
        row: Of the table sweeps.
        tally: For each status that occurs, the number of runs and the sum of their progress.
        seconds: Mean duration of its succeeded runs.
    """
    counts = {status: number for status, (number, _) in tally.items()}
    total = sum(counts.values())
    left = {status: n for status, n in counts.items() if not status.terminal}
    done = sum(n for status, n in counts.items() if status.terminal)
    progress = (done + sum(tally[status][1] for status in left)) / total if total else 1.0
    eta = None
    if seconds is not None and left:
        remaining = sum(n - tally[status][1] for status, n in left.items())
        eta = remaining * seconds / max(1, sum(n for status, n in left.items() if status in ACTIVE))
    return Sweep(
        id=row["id"],
        name=row["name"],
        experiment=row["experiment"],
        grids=row["grids"],
        recipe=row["recipe"],
        priority=row["priority"],
        created_at=datetime.fromtimestamp(row["created_at"], UTC),
        counts=counts,
        total=total,
        progress=min(1.0, progress),
        finished=not left,
        eta_seconds=eta,
    )


def result_rows(row: RowMapping) -> list[dict[str, Any]]:
    """Config and result side by side; one row, or one for each of the result's own `rows`."""
    result = dict(row["result"])
    parts = result.pop("rows", None)
    base = {"run_id": str(row["id"]), "sweep_id": str(row["sweep_id"]), "attempt": row["attempt"], **row["config"]}
    environment = row["environment"] or {}
    provenance = {key: environment.get(key) for key in ("commit", "dirty", "torch", "threads")}
    if not isinstance(parts, list):
        return [base | result | {f"env_{key}": value for key, value in provenance.items()}]
    return [base | result | part | {f"env_{key}": value for key, value in provenance.items()} for part in parts]
