"""The machine finds nothing in the store, and finds each of the mistakes that a store could have made."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import select, update

from backend.store import Store
from backend.store.schema import runs
from mgic.records import RunStatus
from tests.backend.store_machine import StoreMachine
from tests.cases import thorough

LOOK = settings(
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
FIND = settings(LOOK, max_examples=400, phases=[Phase.generate], report_multiple_bugs=False)


@contextmanager
def machine_for(store_class):
    class Machine(StoreMachine):
        pass

    Machine.store_class = store_class
    yield Machine
    if Machine.engine is not None:
        Machine.engine.dispose()


@pytest.mark.parametrize("orders", [30, *thorough(80)])
def test_no_order_of_calls_breaks_the_store(orders):
    with machine_for(Store) as machine:
        run_state_machine_as_test(machine, settings=settings(LOOK, max_examples=orders))


class AnyFenceFinishes(Store):
    def finish(self, run_id, fence, outcome, files=(), then=None):
        with self._read() as connection:
            fence = connection.scalar(select(runs.c.fence).where(runs.c.id == run_id))
        return super().finish(run_id, fence, outcome, files, then)


class NoAttemptLimit(Store):
    def _take_back(self, connection, row, failure):
        self.lease = replace(self.lease, max_attempts=10**9)
        super()._take_back(connection, row, failure)


class CancelOverwritesSuccess(Store):
    def cancel_run(self, run_id):
        with self._write() as connection:
            row = self._row(connection, run_id)
            if row["status"] == "succeeded":
                self._end(connection, row, RunStatus.CANCELLED, result=None)
                over = True
            else:
                over = False
        return self.run(run_id) if over else super().cancel_run(run_id)


class ReapIgnoresTheLease(Store):
    def reap(self):
        with self._write() as connection:
            connection.execute(update(runs).where(runs.c.lease_until.is_not(None)).values(lease_until=float("-inf")))
        return super().reap()


class TheFenceDoesNotRise(Store):
    def _move(self, connection, row, status, note, **values):
        if status == "queued":
            values["fence"] = row["fence"] - 1
        super()._move(connection, row, status, note, **values)


class NoNoteOfACancel(Store):
    def _note(self, connection, run_id, before, after, fence, note=""):
        if after != "cancelling":
            super()._note(connection, run_id, before, after, fence, note)


class HeartbeatRevivesTheDead(Store):
    def heartbeat(self, run_id, fence, progress, phase=""):
        with self._write() as connection:
            connection.execute(update(runs).where(runs.c.id == run_id, runs.c.fence == fence).values(status="running"))
        return super().heartbeat(run_id, fence, progress, phase)


class RetryAsOftenAsAsked(Store):
    def _insert_again(self, connection, row, now):
        new_id = super()._insert_again(connection, row, now)
        connection.execute(update(runs).where(runs.c.id == row["id"]).values(superseded=False))
        return new_id


class AWaitingRunIsClaimed(Store):
    def _hold(self, connection, ids):
        return dict.fromkeys(super()._hold(connection, ids), RunStatus.SUCCEEDED)


class WhatWaitsIsForgotten(Store):
    def _fail_for_want(self, _connection, _ended):
        return {}


class TheNextIsTakenWithAnyFence(Store):
    def finish(self, run_id, fence, outcome, files=(), then=None):
        ending = super().finish(run_id, fence, outcome, files, then)
        if ending is None and then is not None:
            self.claim(then)
        return ending


class ARetryTakesNobodyAlong(Store):
    def _again(self, connection, row, again):
        again[row["id"]] = self._insert_again(connection, row, self._inputs_now(connection, row["id"]))


MISTAKES = [
    AnyFenceFinishes,
    NoAttemptLimit,
    CancelOverwritesSuccess,
    ReapIgnoresTheLease,
    TheFenceDoesNotRise,
    NoNoteOfACancel,
    HeartbeatRevivesTheDead,
    RetryAsOftenAsAsked,
    AWaitingRunIsClaimed,
    WhatWaitsIsForgotten,
    TheNextIsTakenWithAnyFence,
    ARetryTakesNobodyAlong,
]


@pytest.mark.parametrize("mistaken", MISTAKES, ids=lambda store: store.__name__)
def test_the_machine_finds_a_store_that_is_wrong(mistaken):
    with machine_for(mistaken) as machine, pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=FIND)
