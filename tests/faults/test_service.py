"""Things are killed, frozen and wiped; every run still ends once, and nothing is left behind.

Most of them only wait (`tests/weighing.py`), for where and when they run is what is tried here; some train.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from backend.queue import RUN_TASK, celery_app
from mgic.records import Reason, RunStatus
from tests.cases import thorough
from tests.conftest import PLUGGED, gone, plugged_python, stop_service, wait_for
from tests.faults.lab import check_ended, frozen, kill, linger, long_run, running, start_again, thaw, train

pytestmark = pytest.mark.fault


def test_a_run_whose_child_is_killed_twice_succeeds_on_the_third_attempt(lab):
    sweep = linger(lab)
    for whole in (False, True):
        fork = wait_for(lambda: running(lab, sweep) and lab.pids("mgic.runner"), 60, "a child that runs")[-1]
        parent = int((Path("/proc") / str(fork) / "stat").read_text().rpartition(")")[2].split()[1])
        kill(parent if whole else fork)
        wait_for(lambda fork=fork: gone(fork), 10, "its end")
        wait_for(lambda: not running(lab, sweep), 10, "the release")
    lab.client.wait(sweep.id, timeout=120)
    check_ended(lab, sweep)
    assert lab.client.sweep_runs(sweep.id)[0].attempt == 3


def test_a_run_that_is_always_killed_fails_and_the_next_one_runs(lab):
    sweep = long_run(lab)
    for _ in range(3):
        pid = wait_for(lambda: running(lab, sweep) and lab.pids("mgic.runner"), 60, "a child")[-1]  # the fork
        kill(pid)
        wait_for(lambda pid=pid: gone(pid), 10, "its end")
        wait_for(lambda: not running(lab, sweep), 10, "the release")
    lab.client.wait(sweep.id, timeout=120)
    (run,) = lab.client.sweep_runs(sweep.id)
    assert (run.status, run.reason, run.attempt) == (RunStatus.FAILED, Reason.KILLED, 3)
    after = linger(lab, steps=2)
    lab.client.wait(after.id, timeout=120)
    check_ended(lab, after)


@pytest.mark.thorough
def test_a_worker_killed_in_mid_run_loses_nothing_and_comes_back(lab):
    sweep = train(lab, max_steps=[60], epochs=[10], seed=[0, 1])
    waiting = train(lab, max_steps=[2])
    wait_for(lambda: running(lab, sweep), 60, "a run")
    children = lab.pids("mgic.runner")
    assert children
    kill(lab.pids("-m worker", "-Q cpu")[0])
    for pid in children:
        wait_for(lambda pid=pid: gone(pid), 5, "the end of an orphan")
    for each in (sweep, waiting):
        lab.client.wait(each.id, timeout=150)
        check_ended(lab, each)
    assert max(run.attempt for run in lab.client.sweep_runs(sweep.id)) == 2


def test_the_broker_is_killed_and_its_data_wiped_and_every_queued_run_ends(lab):
    sweep = linger(lab, steps=3, seeds=range(12))
    kill(lab.pids("valkey-server")[0])
    shutil.rmtree(lab.home / "valkey" / "appendonlydir", ignore_errors=True)
    later = linger(lab, steps=3, seeds=range(12, 20))  # 201 without a broker
    for each in (sweep, later):
        lab.client.wait(each.id, timeout=150)
        check_ended(lab, each)


def test_a_frozen_broker_holds_up_no_submission(lab):
    pid = lab.pids("valkey-server")[0]
    kill(pid, signal.SIGSTOP)
    try:
        sweep = linger(lab, steps=2)  # it would wait for ever, and the client gives up
        notes = lambda: [n for n in lab.client.ready().notes if "broker" in n]  # noqa: E731
        wait_for(notes, 10, "the service noticing")
    finally:
        kill(pid, signal.SIGCONT)
    lab.client.wait(sweep.id, timeout=120)
    check_ended(lab, sweep)


def test_a_frozen_worker_cannot_write_when_it_thaws(lab):
    sweep = long_run(lab)
    wait_for(lambda: running(lab, sweep), 60, "a run")
    pids = lab.pids("-m worker", "-Q cpu") + lab.pids("mgic.runner")
    wait_for(lambda: frozen(lab, pids), 30, "a moment between two writes")
    try:
        taken = lambda: lab.client.sweep_runs(sweep.id)[0].status is RunStatus.QUEUED  # noqa: E731
        wait_for(taken, 30, "the reaper")
    finally:
        thaw(pids)
    lost = f"run {lab.client.sweep_runs(sweep.id)[0].id}: the lease was lost"
    wait_for(lambda: lost in lab.log("worker-cpu"), 30, "the thawed one giving up")
    wait_for(lambda: running(lab, sweep), 60, "the second attempt")
    (run,) = lab.client.sweep_runs(sweep.id)
    assert run.attempt == 2
    lab.client.cancel_run(run.id)
    lab.client.wait(sweep.id, timeout=120)
    check_ended(lab, sweep, (RunStatus.CANCELLED,))


def test_two_workers_and_every_message_twenty_times_and_no_run_is_executed_twice(lab):
    broker = f"redis+socket://{lab.home / 'valkey' / 'v.sock'}?virtual_host=0"
    environment = {
        "MGIC_HOME": str(lab.home),
        "MGIC_DATABASE_URL": lab.database,
        "MGIC_BROKER_URL": broker,
        "MGIC_QUEUE": "cpu",
        "MGIC_SLOTS": "1",
        "PATH": os.environ["PATH"],
        **PLUGGED,
    }
    command = [
        plugged_python(lab.home.parent),
        *["-m", "worker", "-Q", "cpu", "-c", "1", "-n", "second@%h", "-l", "warning"],
    ]
    log = (lab.home / "second.log").open("wb")
    with log, subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True) as second:
        try:
            alive = lambda: sum(w.alive and w.queue == "cpu" for w in lab.client.workers())  # noqa: E731
            wait_for(lambda: alive() == 2, 30, "a second worker")
            at_work = lambda: len(workers_of(lab, linger(lab, steps=10, seeds=range(3)))) == 2  # noqa: E731
            wait_for(at_work, 60, "a run in the second one's hands")
            sweep = linger(lab, steps=6, seeds=range(12))
            app = celery_app(broker)
            for _ in range(20):
                app.send_task(RUN_TASK, queue="cpu")
            assert len(workers_of(lab, sweep)) == 2
            check_ended(lab, sweep)
            assert [run.attempt for run in lab.client.sweep_runs(sweep.id)] == [1] * 12
        finally:
            second.terminate()
            second.wait(30)


def workers_of(lab, sweep):
    """Those that had its runs, when all have ended."""
    lab.client.wait(sweep.id, timeout=120)
    return {run.worker for run in lab.client.sweep_runs(sweep.id)}


@pytest.mark.parametrize("process", ["-m backend", "-m dashboard", *thorough("valkey-server")])
def test_a_process_that_is_killed_comes_back_by_itself(lab, process):
    (pid, *_) = lab.pids(process)
    kill(pid)
    wait_for(lambda: set(lab.pids(process)) - {pid}, 30, f"another {process}")
    if process != "-m dashboard":
        sweep = wait_for(lambda: submitted(lab), 60, "a submission")
        lab.client.wait(sweep.id, timeout=90)
        check_ended(lab, sweep)


def submitted(lab):
    try:
        return linger(lab, steps=2)
    except Exception:  # noqa: BLE001 - whatever it is while a process is down: the caller asks again
        return None


@pytest.mark.parametrize("number", [signal.SIGKILL, *thorough(signal.SIGINT)])
def test_what_was_cancelled_stays_so_and_what_was_begun_goes_on_after_each_kind_of_end(lab, history, number):
    stopped = long_run(lab)
    wait_for(lambda: running(lab, stopped), 60, "a run")  # first, for it does not end before the other has begun
    sweep = train(lab, max_steps=[60], epochs=[10])
    wait_for(lambda: running(lab, sweep), 60, "another, in the other slot")
    never = linger(lab, steps=3, seeds=range(6))
    lab.client.cancel_sweep(never.id)
    lab.client.cancel_sweep(stopped.id)
    assert len(lab.pids()) > 8
    stop_service(lab, number)
    start_again(lab, history)
    after = linger(lab, steps=2)  # whoever was queued before it would run before it
    lab.client.wait(after.id, timeout=120)
    lab.client.wait(sweep.id, timeout=120)
    check_ended(lab, sweep)
    check_ended(lab, stopped, (RunStatus.CANCELLED,))
    for run in lab.client.sweep_runs(never.id):
        assert (run.status, run.attempt) == (RunStatus.CANCELLED, 0)


def test_a_cancelled_run_ends_soon_and_leaves_no_result(lab):
    sweep = train(lab, epochs=[1000], max_steps=[4000])
    wait_for(lambda: running(lab, sweep), 60, "a run")
    (run,) = lab.client.sweep_runs(sweep.id)
    assert lab.client.cancel_run(run.id).status is RunStatus.CANCELLING
    wait_for(lambda: lab.client.run(run.id).status.terminal, 10, "its end")
    check_ended(lab, sweep, (RunStatus.CANCELLED,))
    assert not (lab.home / "artifacts" / str(run.id)).exists()


def test_cancels_at_any_moment_end_in_one_of_two_ways(lab):
    sweep = linger(lab, steps=2, seeds=range(24))
    for number, run in enumerate(lab.client.sweep_runs(sweep.id)):
        time.sleep(0.05 * (number % 5))
        if not lab.client.run(run.id).status.terminal:
            try:
                lab.client.cancel_run(run.id)
            except Exception as error:  # noqa: BLE001
                assert getattr(error, "status", None) == 409  # noqa: PT017 - it ended in between
    lab.client.wait(sweep.id, timeout=120)
    check_ended(lab, sweep, (RunStatus.SUCCEEDED, RunStatus.CANCELLED))
