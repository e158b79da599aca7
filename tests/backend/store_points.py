"""Sweeps, slots and outcomes to put into a store, and what tests look up in it besides its methods."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from backend.store import Claim, NewInput, NewRun, NewSweep, Slot, Store, config_key
from backend.store.schema import events, runs
from mgic.errors import MgicError
from mgic.records import Failure, Outcome, Reason, Run, RunStatus

CPU = Slot(worker="w1", host="h1", queue="cpu", device="cpu")
KILLED = Failure(reason=Reason.KILLED, message="signal 9")

NEXT = {
    None: {"queued"},
    "queued": {
        "running",
        "cancelled",
        "succeeded",
        "failed",
    },  # the last two: by the result, or the end, of another run
    "running": {"queued", "cancelling", "succeeded", "failed", "cancelled"},
    "cancelling": {"succeeded", "failed", "cancelled"},
}


def new_sweep(
    configs: int | Sequence[Mapping[str, Any]] = 1,
    queue="cpu",
    device="cpu",
    needs: Sequence[UUID] = (),
    files: Sequence[str] = (),
    **values,
) -> NewSweep:
    """A sweep of so many runs, or of these, each with the same inputs; runs of equal config have equal keys."""
    if isinstance(configs, int):
        configs = [{"x": x} for x in range(configs)]
    inputs = {f"input{number}": NewInput(run_id, tuple(files)) for number, run_id in enumerate(needs)}
    configs = [{**config, **{field: str(one.input_id) for field, one in inputs.items()}} for config in configs]
    points = tuple(
        NewRun(
            requested=dict(config),
            config=dict(config),
            config_key=config_key("cost", 1, dict(config)),
            queue=queue,
            device=device,
            work_macs=10.0,
            inputs=inputs,
        )
        for config in configs
    )
    values = {"experiment": "cost", "version": 1, "grids": ()} | values
    return NewSweep(runs=points, **values)


def slot(queue="cpu", host="h1", device="cpu", worker="w1") -> Slot:
    return Slot(worker=worker, host=host, queue=queue, device=device)


def add(store: Store, *args, **values) -> list[UUID]:
    """The runs of a new sweep, in the order of its grid."""
    sweep = store.add_sweep(new_sweep(*args, **values))
    return [run.id for run in store.sweep_runs(sweep.id, 5000)[0]]


def taken(store: Store, by: Slot = CPU) -> Claim:
    claim = store.claim(by)
    assert claim is not None
    return claim


def succeeded(seconds: float = 1.0, **result) -> Outcome:
    environment = {"commit": "abc", "dirty": False, "torch": "2.14", "threads": 2}
    return Outcome(
        status=RunStatus.SUCCEEDED, config={}, result=result or {"y": 1}, environment=environment, seconds=seconds
    )


def ended(status: RunStatus) -> Outcome:
    if status is RunStatus.SUCCEEDED:
        return succeeded()
    failure = Failure(reason=Reason.OOM, message="too big") if status is RunStatus.FAILED else None
    return Outcome(status=status, config={}, failure=failure, environment={}, seconds=1.0)


def fail(store: Store, claim: Claim) -> None:
    assert store.finish(claim.run_id, claim.fence, ended(RunStatus.FAILED))


def expire(store: Store, run_id: UUID) -> None:
    """Let the lease have ended long ago, on the clock of any database."""
    with store._write() as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(lease_until=1.0))


def history(store: Store, run_id: UUID) -> list[str]:
    return [event.to_status.value for event in store.events(run_id)]


def refused(call, *args) -> type[MgicError] | None:
    """The store's own error that the call raises, if it does."""
    try:
        call(*args)
    except MgicError as error:
        return type(error)
    return None


def every_run(store: Store) -> list[Run]:
    """Those that a retry replaced, too."""
    found, cursor = store.runs(500)
    while cursor is not None:
        page, cursor = store.runs(500, cursor)
        found += page
    return found


def check_all(store: Store) -> None:
    """What must hold whenever no transaction is open (RELIABILITY.md, B0)."""
    with store._read() as connection:
        rows = connection.execute(select(runs)).mappings().all()
        told = connection.execute(select(events).order_by(events.c.id)).mappings().all()
    paths: dict[UUID, list[Any]] = {row["id"]: [] for row in rows}
    for event in told:
        paths[event["run_id"]].append(event)
    for row in rows:
        check_run(row, paths[row["id"]], store.lease.max_attempts)


def check_run(row: Mapping[str, Any], path: Sequence[Mapping[str, Any]], max_attempts: int) -> None:
    before = None
    for event in path:
        assert event["from_status"] == before
        assert event["to_status"] in NEXT.get(before, ()), f"{before} -> {event['to_status']}"
        before = event["to_status"]
    assert before == row["status"], "the last event is not the state"
    fences = [event["fence"] for event in path]
    assert fences == sorted(fences)
    assert fences[-1] == row["fence"]
    claims = [event["fence"] for event in path if event["to_status"] == "running"]
    assert len(set(claims)) == len(claims), "two claims with one fence"

    assert 0 <= row["attempt"] <= max_attempts
    assert (row["result"] is not None) == (row["status"] == "succeeded")
    assert (row["failure"] is not None) == (row["status"] == "failed") == (row["reason"] is not None)
    assert (row["lease_until"] is not None) == (row["status"] in ("running", "cancelling"))
    assert (row["finished_at"] is not None) == RunStatus(row["status"]).terminal
    if row["status"] == "queued":
        assert row["worker"] is None
        assert row["host"] is None
    elif row["status"] in ("running", "cancelling", "succeeded"):
        assert row["lacks"] == 0
    if row["superseded"]:
        assert row["status"] in ("failed", "cancelled")


SQLITE_PAGE = 4096  # bytes


def overwrite(file: Path, first: int) -> None:
    """All pages from this one on, with what is none, as a failing disk might."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("pragma page_size").fetchone() == (SQLITE_PAGE,)
        connection.execute("pragma user_version = 1")  # a change, so that nobody believes what he remembers
        connection.execute("pragma wal_checkpoint(truncate)")
    with file.open("r+b") as opened:
        opened.seek(first * SQLITE_PAGE)
        opened.write(b"\xa5" * (file.stat().st_size - first * SQLITE_PAGE))
