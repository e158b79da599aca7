"""Things are killed, frozen and wiped; every run still ends once, and nothing is left behind.

Most of them only wait (`tests/weighing.py`), for where and when they run is what is tried here; some train.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from backend.queue import RUN_TASK, celery_app
from mgic.records import Reason, RunStatus, SweepRequest
from tests.cases import thorough
from tests.conftest import gone, start_broken, stop_service, wait_for

pytestmark = pytest.mark.fault

TRAIN = {"model": ["mgic_resnet20"], "learning_rate": [0.1], "epochs": [1]}


def start_again(lab):
    """One that has ended, at its place: from now on it is meant by the same name."""
    vars(lab).update(vars(start_broken(lab.home.parent)))


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


def check_ended_once(lab, sweep, statuses=(RunStatus.SUCCEEDED,)):
    """What must hold at the end, whatever happened: one end, one result, fences that rise."""
    for run in lab.client.sweep_runs(sweep.id):
        assert run.status in statuses
        assert (run.result is not None) == (run.status is RunStatus.SUCCEEDED)
        events = lab.client.events(run.id)
        assert sum(event.to_status.terminal for event in events) == 1
        assert [event.fence for event in events] == sorted(event.fence for event in events)
    rows = lab.client.results(sweep.experiment, sweep_id=str(sweep.id))
    assert len({row["run_id"] for row in rows}) == len(rows)


def kill(pid, number=signal.SIGKILL):
    os.kill(pid, number)


def test_a_run_whose_child_is_killed_twice_succeeds_on_the_third_attempt(broken):
    sweep = train(broken, max_steps=[60], epochs=[10])
    for whole in (False, True):
        fork = wait_for(lambda: running(broken, sweep) and broken.pids("mgic.runner"), 60, "a child that runs")[-1]
        parent = int((Path("/proc") / str(fork) / "stat").read_text().rpartition(")")[2].split()[1])
        kill(parent if whole else fork)
        wait_for(lambda fork=fork: gone(fork), 10, "its end")
        wait_for(lambda: not running(broken, sweep), 10, "the release")
    broken.client.wait(sweep.id, timeout=120)
    check_ended_once(broken, sweep)
    assert broken.client.sweep_runs(sweep.id)[0].attempt == 3


def test_a_run_that_is_always_killed_fails_and_the_next_one_runs(broken):
    sweep = long_run(broken)
    for _ in range(3):
        pid = wait_for(lambda: running(broken, sweep) and broken.pids("mgic.runner"), 60, "a child")[-1]  # the fork
        kill(pid)
        wait_for(lambda pid=pid: gone(pid), 10, "its end")
        wait_for(lambda: not running(broken, sweep), 10, "the release")
    broken.client.wait(sweep.id, timeout=120)
    (run,) = broken.client.sweep_runs(sweep.id)
    assert (run.status, run.reason, run.attempt) == (RunStatus.FAILED, Reason.KILLED, 3)
    after = linger(broken, steps=2)
    broken.client.wait(after.id, timeout=120)
    check_ended_once(broken, after)


@pytest.mark.thorough
def test_a_worker_killed_in_mid_run_loses_nothing_and_comes_back(broken):
    sweep = train(broken, max_steps=[60], epochs=[10], seed=[0, 1])
    waiting = train(broken, max_steps=[2])
    wait_for(lambda: running(broken, sweep), 60, "a run")
    children = broken.pids("mgic.runner")
    assert children
    kill(broken.pids("-m worker", "-Q cpu")[0])
    for pid in children:
        wait_for(lambda pid=pid: gone(pid), 5, "the end of an orphan")
    for each in (sweep, waiting):
        broken.client.wait(each.id, timeout=150)
        check_ended_once(broken, each)
    assert max(run.attempt for run in broken.client.sweep_runs(sweep.id)) == 2


def test_the_broker_is_killed_and_its_data_wiped_and_every_queued_run_ends(broken):
    sweep = linger(broken, steps=3, seeds=range(12))
    kill(broken.pids("valkey-server")[0])
    shutil.rmtree(broken.home / "valkey" / "appendonlydir", ignore_errors=True)
    later = linger(broken, steps=3, seeds=range(12, 20))  # 201 without a broker
    for each in (sweep, later):
        broken.client.wait(each.id, timeout=150)
        check_ended_once(broken, each)


def test_a_frozen_broker_holds_up_no_submission(broken):
    pid = broken.pids("valkey-server")[0]
    kill(pid, signal.SIGSTOP)
    try:
        sweep = linger(broken, steps=2)  # it would wait for ever, and the client gives up
        notes = lambda: [n for n in broken.client.ready().notes if "broker" in n]  # noqa: E731
        wait_for(notes, 10, "the service noticing")
    finally:
        kill(pid, signal.SIGCONT)
    broken.client.wait(sweep.id, timeout=120)
    check_ended_once(broken, sweep)


def writable(lab):
    """Whether its database takes a write within two seconds."""
    with closing(sqlite3.connect(lab.home / "mgic.db", timeout=2, isolation_level=None)) as connection:
        try:
            connection.execute("begin immediate")
        except sqlite3.OperationalError:
            return False
        connection.execute("rollback")
        return True


def frozen(lab, pids):
    """Stop them, but not in the middle of a write: until that one went on, SQLite would let nobody else write."""
    for pid in pids:
        kill(pid, signal.SIGSTOP)
    if not (between := writable(lab)):
        thaw(pids)
    return between


def thaw(pids):
    for pid in pids:
        kill(pid, signal.SIGCONT)


def test_a_frozen_worker_cannot_write_when_it_thaws(broken):
    sweep = long_run(broken)
    wait_for(lambda: running(broken, sweep), 60, "a run")
    pids = broken.pids("-m worker", "-Q cpu") + broken.pids("mgic.runner")
    wait_for(lambda: frozen(broken, pids), 30, "a moment between two writes")
    try:
        taken = lambda: broken.client.sweep_runs(sweep.id)[0].status is RunStatus.QUEUED  # noqa: E731
        wait_for(taken, 30, "the reaper")
    finally:
        thaw(pids)
    lost = f"run {broken.client.sweep_runs(sweep.id)[0].id}: the lease was lost"
    wait_for(lambda: lost in broken.log("worker-cpu"), 30, "the thawed one giving up")
    wait_for(lambda: running(broken, sweep), 60, "the second attempt")
    (run,) = broken.client.sweep_runs(sweep.id)
    assert run.attempt == 2
    broken.client.cancel_run(run.id)
    broken.client.wait(sweep.id, timeout=120)
    check_ended_once(broken, sweep, (RunStatus.CANCELLED,))


def test_two_workers_and_every_message_twenty_times_and_no_run_is_executed_twice(broken):
    broker = f"redis+socket://{broken.home / 'valkey' / 'v.sock'}?virtual_host=0"
    environment = {
        "MGIC_HOME": str(broken.home),
        "MGIC_BROKER_URL": broker,
        "MGIC_QUEUE": "cpu",
        "MGIC_SLOTS": "1",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    command = [
        sys.executable,
        *["-m", "worker", "-Q", "cpu", "-c", "1", "-n", "second@%h", "-l", "warning"],
    ]
    log = (broken.home / "second.log").open("wb")
    with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True) as second:
        try:
            alive = lambda: sum(w.alive and w.queue == "cpu" for w in broken.client.workers())  # noqa: E731
            wait_for(lambda: alive() == 2, 30, "a second worker")
            sweep = train(broken, max_steps=[2], seed=list(range(12)))
            app = celery_app(broker)
            for _ in range(20):
                app.send_task(RUN_TASK, queue="cpu")
            broken.client.wait(sweep.id, timeout=120)
            check_ended_once(broken, sweep)
            runs = broken.client.sweep_runs(sweep.id)
            assert [run.attempt for run in runs] == [1] * 12
            assert len({run.worker for run in runs}) == 2
        finally:
            second.terminate()
            second.wait(30)


@pytest.mark.parametrize("process", ["-m backend", "-m dashboard", "valkey-server"])
def test_a_process_that_is_killed_comes_back_by_itself(broken, process):
    (pid, *_) = broken.pids(process)
    kill(pid)
    wait_for(lambda: set(broken.pids(process)) - {pid}, 30, f"another {process}")
    if process != "-m dashboard":
        sweep = wait_for(lambda: submitted(broken), 60, "a submission")
        broken.client.wait(sweep.id, timeout=90)
        check_ended_once(broken, sweep)


def submitted(lab):
    try:
        return linger(lab, steps=2)
    except Exception:  # noqa: BLE001 - whatever it is while a process is down: the caller asks again
        return None


@pytest.mark.parametrize("number", [signal.SIGKILL, *thorough(signal.SIGINT)])
def test_what_was_cancelled_stays_so_and_what_was_begun_goes_on_after_each_kind_of_end(broken, number):
    stopped = long_run(broken)
    wait_for(lambda: running(broken, stopped), 60, "a run")  # first, for it does not end before the other has begun
    sweep = train(broken, max_steps=[60], epochs=[10])
    wait_for(lambda: running(broken, sweep), 60, "another, in the other slot")
    never = linger(broken, steps=3, seeds=range(6))
    broken.client.cancel_sweep(never.id)
    broken.client.cancel_sweep(stopped.id)
    assert len(broken.pids()) > 8
    stop_service(broken, number)
    start_again(broken)
    after = linger(broken, steps=2)  # whoever was queued before it would run before it
    broken.client.wait(after.id, timeout=120)
    broken.client.wait(sweep.id, timeout=120)
    check_ended_once(broken, sweep)
    check_ended_once(broken, stopped, (RunStatus.CANCELLED,))
    for run in broken.client.sweep_runs(never.id):
        assert (run.status, run.attempt) == (RunStatus.CANCELLED, 0)


def test_a_cancelled_run_ends_soon_and_leaves_no_result(broken):
    sweep = train(broken, epochs=[1000], max_steps=[4000])
    wait_for(lambda: running(broken, sweep), 60, "a run")
    (run,) = broken.client.sweep_runs(sweep.id)
    assert broken.client.cancel_run(run.id).status is RunStatus.CANCELLING
    wait_for(lambda: broken.client.run(run.id).status.terminal, 10, "its end")
    check_ended_once(broken, sweep, (RunStatus.CANCELLED,))
    assert not (broken.home / "artifacts" / str(run.id)).exists()


def test_cancels_at_any_moment_end_in_one_of_two_ways(broken):
    sweep = linger(broken, steps=2, seeds=range(24))
    for number, run in enumerate(broken.client.sweep_runs(sweep.id)):
        time.sleep(0.05 * (number % 5))
        if not broken.client.run(run.id).status.terminal:
            try:
                broken.client.cancel_run(run.id)
            except Exception as error:  # noqa: BLE001
                assert getattr(error, "status", None) == 409  # noqa: PT017 - it ended in between
    broken.client.wait(sweep.id, timeout=120)
    check_ended_once(broken, sweep, (RunStatus.SUCCEEDED, RunStatus.CANCELLED))
