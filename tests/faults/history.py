"""What clients of a service sent and were told, held against its database when all faults are healed (B0)."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any
from uuid import UUID

import httpx2 as httpx
from sqlalchemy import func, select

from backend.store import Lease, Store
from backend.store.schema import artifacts, runs, sweeps
from mgic.client import PREFIX, Client
from mgic.records import RunStatus
from tests.backend.store_points import check_all
from tests.conftest import Service, gone, parent_of, wait_for

OLD_S = 60.0  # what an attempt has left on a disk is gone by then
ENDED = {status.value for status in RunStatus if status.terminal}


@dataclass
class Sent:
    """A request, and its answer if there was one."""

    method: str
    path: str
    key: str | None
    status: int | None = None
    told: Mapping[str, Any] | None = None


@dataclass
class History:
    """Follows any number of clients, which may come and go while a service is broken.

    `ended` is how runs were that somebody has seen at their end.
    """

    sent: list[Sent] = field(default_factory=list)
    ended: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def follow(self, client: Client) -> None:
        client._http.event_hooks = {"request": [self._asked], "response": [self._answered]}

    def _asked(self, request: httpx.Request) -> None:
        path = request.url.path.removeprefix(PREFIX)
        sent = Sent(request.method, path, request.headers.get("idempotency-key"))
        request.extensions["sent"] = sent
        self.sent.append(sent)

    def _answered(self, response: httpx.Response) -> None:
        sent: Sent = response.request.extensions["sent"]
        sent.status = response.status_code
        if "json" not in response.headers.get("content-type", ""):
            return
        told = json.loads(response.read())
        if sent.method == "POST":
            sent.told = told
        for run in told.get("items", [told]) if isinstance(told, dict) else ():
            if "sweep_id" in run and run.get("status") in ENDED:
                self._seen(run["id"], (run["status"], run["result"]))

    def _seen(self, run_id: str, end: tuple[str, Any]) -> None:
        assert self.ended.setdefault(run_id, end) == end, f"run {run_id} has ended twice"

    def acknowledged(self) -> dict[UUID, int]:
        """Sweeps that somebody was told are stored, with their number of runs."""
        made = (sent for sent in self.sent if (sent.method, sent.path, sent.status) == ("POST", "/sweeps", 201))
        return {UUID(sent.told["id"]): sent.told["total"] for sent in made if sent.told}

    def check(self, lab: Service, max_attempts: int) -> None:
        """All that must hold; what was acknowledged has ended by now."""
        self._check_answers()
        store = Store.open(lab.database, Lease(max_attempts=max_attempts))
        try:
            self._check_submissions(store)
            check_all(store)  # one end, fences that rise, a result for a success and for nothing else
            self._check_runs(store)
            _check_nothing_is_left(store, lab)
        finally:
            store.close()

    def _check_answers(self) -> None:
        refused = [sent for sent in self.sent if sent.status and sent.status >= 500 and sent.status not in (503, 507)]
        assert refused == []

    def _check_submissions(self, store: Store) -> None:
        keys = {sent.key for sent in self.sent if sent.key}
        with store._read() as connection:
            query = select(sweeps.c.idempotency_key, func.count()).where(sweeps.c.idempotency_key.in_(keys))
            stored = dict(tuple(row) for row in connection.execute(query.group_by(sweeps.c.idempotency_key)))
            counts = dict(tuple(row) for row in connection.execute(_runs_of_sweeps()))
            query = select(runs.c.id).where(runs.c.status.not_in(ENDED), runs.c.sweep_id.in_(self.acknowledged()))
            open_ones = connection.scalars(query).all()
        assert set(stored.values()) <= {1}, "a key has made two sweeps"
        acknowledged = self.acknowledged()
        assert {sweep: counts.get(sweep) for sweep in acknowledged} == acknowledged, "runs that were promised are lost"
        assert open_ones == [], "runs have not ended"

    def _check_runs(self, store: Store) -> None:
        with store._read() as connection:
            rows = connection.execute(select(runs.c.id, runs.c.status, runs.c.result, runs.c.fence)).all()
            owners = connection.execute(select(artifacts.c.run_id, artifacts.c.fence).distinct()).all()
        fences = {row.id: row.fence for row in rows}
        assert all(fences[run_id] == fence for run_id, fence in owners), "files of an attempt that is not the run's"
        for row in rows:
            if str(row.id) in self.ended:
                self._seen(str(row.id), (row.status, row.result))
            if row.status == RunStatus.SUCCEEDED:
                assert any(isinstance(value, int | float) and isfinite(value) for value in row.result.values())


def _runs_of_sweeps() -> Any:
    return select(runs.c.sweep_id, func.count()).where(~runs.c.superseded).group_by(runs.c.sweep_id)


def _check_nothing_is_left(store: Store, lab: Service) -> None:
    """No process whose worker is gone, and on the disk nothing of attempts at runs that have ended long ago."""
    ours = set(lab.pids()) | {lab.process.pid}
    orphans = [pid for pid in lab.pids("mgic.runner") if parent_of(pid) not in ours]
    wait_for(lambda: all(gone(pid) for pid in orphans), 5, f"the end of orphans {orphans}")
    folders = [path for path in (lab.home / "scratch").glob("*") if time.time() - path.stat().st_mtime > OLD_S]
    assert list(store.ended([path.name for path in folders])) == []
