"""What everything stands on goes away and comes back: the database, the API, the whole host, workers at any moment."""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from uuid import UUID

import pytest

from mgic.client import PREFIX, Client, Unreachable
from mgic.records import Reason, RunStatus, SweepRequest
from tests.conftest import QUICK, Service, gone, wait_for
from tests.faults.lab import check_ended, frozen, kill, linger, running, thaw

pytestmark = [pytest.mark.fault, pytest.mark.thorough]

KILLS = 20
LEASE_S = float(QUICK["MGIC_LEASE_S"])


@contextmanager
def database_away(lab: Service, request) -> Iterator[None]:
    """PostgreSQL ends at once, as in a crash, and starts again at the end; SQLite is another's alone meanwhile."""
    if lab.database.startswith("sqlite"):
        with closing(sqlite3.connect(lab.home / "mgic.db", timeout=60, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            yield
            connection.execute("rollback")
        return
    server = request.getfixturevalue("postgres_to_break")
    pid = server.get_pid()
    os.kill(pid, signal.SIGQUIT)
    wait_for(lambda: gone(pid), 30, "the end of PostgreSQL")
    yield
    server.ensure_postgres_running()


def test_without_a_database_nothing_is_taken_and_all_that_was_taken_ends(lab, request):
    sweep = linger(lab, steps=60, seeds=range(4))
    wait_for(lambda: running(lab, sweep), 60, "a run")
    body = {"experiment": "wait", "axes": {"steps": [2]}}
    ask = lambda: lab.client._http.post(f"{PREFIX}/sweeps", json=body, headers={"Idempotency-Key": key})  # noqa: E731
    key = f"away-{time.time()}"
    with database_away(lab, request):
        refused = ask()
        time.sleep(LEASE_S)
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert "sql" not in refused.text.lower()
    answer = wait_for(lambda: (now := ask()).status_code != 503 and now, 60, "the database")
    assert answer.status_code == 201
    lab.client.wait(UUID(answer.json()["id"]), timeout=150)
    lab.client.wait(sweep.id, timeout=150)
    check_ended(lab, sweep)


def test_what_an_api_acknowledged_is_there_when_it_was_killed_and_a_key_makes_one_sweep(lab, history):
    def submit(number: int) -> UUID:
        with Client(lab.url, timeout=10) as client:
            history.follow(client)
            while True:
                try:
                    return client.submit(request(number), f"{stem}-{number}").id
                except Unreachable:
                    time.sleep(0.2)

    request = lambda number: SweepRequest(experiment="wait", axes={"steps": [1], "seed": [number]})  # noqa: E731
    stem = f"killed-{time.time()}"
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(submit, number) for number in range(40)]
        wait_for(lambda: sum(one.done() for one in sent) > 10, 60, "some answers")
        kill(lab.pids("-m backend")[0])
        ids = [one.result(180) for one in sent]
        assert ids == list(pool.map(submit, range(40)))
    assert len(set(ids)) == 40
    for sweep_id in ids:
        lab.client.wait(sweep_id, timeout=150)


def test_a_whole_service_that_was_frozen_goes_on_in_the_attempts_that_it_was_in(lab):
    sweep = linger(lab, steps=120, seeds=range(2))
    wait_for(lambda: len(running(lab, sweep)) == 2, 60, "two runs")
    pids = lab.pids()
    wait_for(lambda: frozen(lab, pids), 30, "a moment between two writes")
    try:
        time.sleep(3 * LEASE_S)
    finally:
        thaw(pids)
    lab.client.wait(sweep.id, timeout=150)
    check_ended(lab, sweep)
    assert [run.attempt for run in lab.client.sweep_runs(sweep.id)] == [1, 1]


def test_workers_slots_and_runs_that_are_killed_at_any_moment_lose_and_double_nothing(lab):
    chance = random.Random(1)
    sweep = linger(lab, steps=10, seeds=range(KILLS))
    wait_for(lambda: running(lab, sweep), 60, "a run")
    for _ in range(KILLS):
        time.sleep(chance.uniform(0, 1.5))
        victims = lab.pids("-m worker", "-Q cpu") + lab.pids("mgic.runner")
        if victims:
            try:
                kill(chance.choice(victims))
            except ProcessLookupError:
                continue
    lab.client.wait(sweep.id, timeout=300)
    check_ended(lab, sweep, (RunStatus.SUCCEEDED, RunStatus.FAILED))
    reasons = {run.reason for run in lab.client.sweep_runs(sweep.id)} - {None}
    assert reasons <= {Reason.WORKER_LOST, Reason.KILLED}
