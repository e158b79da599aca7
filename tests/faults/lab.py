"""Things that are done to a service, and what is asked of it meanwhile."""

import os
import signal
import sqlite3
from contextlib import closing, suppress

from mgic.records import RunStatus, SweepRequest
from tests.conftest import start_broken

TRAIN = {"model": ["mgic_resnet20"], "width": [8], "group_size": [4], "learning_rate": [0.1], "epochs": [1]}


def start_again(lab, history):
    """One that has ended, at its place: from now on it is meant by the same name."""
    vars(lab).update(vars(start_broken(lab.home.parent, **lab.settings)))
    history.follow(lab.client)


def train(lab, **axes):
    return lab.client.submit(SweepRequest(experiment="classification", axes={**TRAIN, **axes}))


def linger(lab, steps=60, seeds=(0,)):
    """Runs that take a twentieth of a second a step."""
    return lab.client.submit(SweepRequest(experiment="wait", axes={"steps": [steps], "seed": list(seeds)}))


def long_run(lab):
    """A run that goes on until something happens to it."""
    return linger(lab, steps=100_000)


def running(lab, sweep):
    """The runs in work whose child has really begun."""
    runs = lab.client.sweep_runs(sweep.id)
    return [run for run in runs if run.status is RunStatus.RUNNING and run.progress > 0]


def check_ended(lab, sweep, statuses=(RunStatus.SUCCEEDED,)):
    """In these ways, and each success is one row of the results; the rest is the history's to check."""
    runs = lab.client.sweep_runs(sweep.id)
    assert {run.status for run in runs} <= set(statuses)
    rows = lab.client.results(sweep.experiment, sweep_id=str(sweep.id))
    succeeded = [run.id for run in runs if run.status is RunStatus.SUCCEEDED]
    assert sorted(row["run_id"] for row in rows) == sorted(map(str, succeeded))


def kill(pid, number=signal.SIGKILL):
    os.kill(pid, number)


def writable(lab):
    """Whether its database takes a write within two seconds; PostgreSQL does, whoever stands still."""
    if lab.database.startswith("postgresql"):
        return True
    with closing(sqlite3.connect(lab.home / "mgic.db", timeout=2, isolation_level=None)) as connection:
        try:
            connection.execute("begin immediate")
        except sqlite3.OperationalError:
            return False
        connection.execute("rollback")
        return True


def frozen(lab, pids):
    """Stop them, but not in the middle of a write: until that one went on, SQLite would let nobody else write."""
    signal_all(pids, signal.SIGSTOP)
    if not (between := writable(lab)):
        thaw(pids)
    return between


def thaw(pids):
    signal_all(pids, signal.SIGCONT)


def signal_all(pids, number):
    """Those of them that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            kill(pid, number)
