"""One run and its child, whatever the child does: real processes, a real store."""

import os
import sqlite3
import sys
import time

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from backend.janitor import Janitor
from backend.store import NewRun, NewSweep
from mgic.records import Reason, RunStatus
from tests.conftest import gone, wait_for
from tests.worker.conftest import ME, NEVER
from worker.channel import Channel
from worker.child import Child
from worker.supervise import supervise

STAYS = "succeed()\nsys.stdin.readline()"  # for the next run


def test_curves_lines_and_the_result_are_kept_and_start_and_end_are_told(execute, store, caplog):
    caplog.set_level("INFO", "worker")
    run = execute("""
        print("from print", flush=True)
        tell("log", line="from log")
        tell("curve", name="train/loss", step=1, value=0.5)
        tell("curve", name="train/loss", step=2, value=None)
        time.sleep(0.3)
        succeed(top1=99.0)
    """)
    assert (run.status, run.result) == (RunStatus.SUCCEEDED, {"top1": 99.0})
    assert [(p.step, p.value) for p in store.curves(run.id)[0]] == [(1, 0.5), (2, None)]
    assert {line.line for line in store.log(run.id)[0]} == {"from print", "from log"}
    first, last = (record.getMessage() for record in caplog.records if record.levelname == "INFO")
    assert first == f"run {run.id}: attempt 1 of {run.experiment} starts"
    assert last.startswith(f"run {run.id}: succeeded after ")


@pytest.mark.fault
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_second_attempt_goes_on_from_a_checkpoint_and_its_curves_from_there(
    execute, store, artifacts, settings, tmp_path, elsewhere
):
    """The first attempt draws up to step 4 and dies; its checkpoint is of step 2. Both are of one run.

    On another host the second finds the checkpoint too: there is only the place of the artifacts to find it in.
    """
    script = """
        folder = pathlib.Path(job["checkpoints"])
        folder.mkdir(parents=True, exist_ok=True)
        first = not any(folder.iterdir())
        if first:
            (folder / "0002-x.pt").write_text("2")
            tell("checkpoint", name="0002-x.pt")
        else:
            tell("resumed", step=int((folder / "0002-x.pt").read_text()))
        for step in (1, 2, 3, 4) if first else (3, 4, 5):
            tell("curve", name="train/loss", step=step, value=float(first))
        time.sleep(0.3)
        if first:
            sys.exit(3)
        succeed()
    """
    run = execute(script)
    assert run.status is RunStatus.QUEUED
    assert (settings.scratch / str(run.id) / "checkpoints" / "0002-x.pt").is_file()
    assert artifacts.names(f"checkpoints/{run.id}") == ["0002-x.pt"]
    here = settings.model_copy(update={"home": tmp_path / "elsewhere", "artifact_url": settings.artifacts})
    here = here if elsewhere else settings
    child = Child(tmp_path, here.scratch, 1, None, (sys.executable, str(tmp_path / "child.py")))
    if supervise(store.claim(ME), child, store, artifacts, here, NEVER).usable:
        child.dismiss()
    run = store.run(run.id)
    assert (run.status, run.attempt) == (RunStatus.SUCCEEDED, 2)
    assert [(p.step, p.value) for p in store.curves(run.id)[0]] == [(1, 1.0), (2, 1.0), (3, 0.0), (4, 0.0), (5, 0.0)]
    assert not (here.scratch / str(run.id)).exists()
    assert Janitor(store, artifacts, 60).clean() == 1
    assert artifacts.names("checkpoints") == []


def test_a_child_that_leaves_without_an_answer_is_queued_again_at_once(execute):
    run = execute("sys.exit(3)")
    assert (run.status, run.attempt) == (RunStatus.QUEUED, 1)
    assert not execute.done.usable


def test_a_child_that_was_ended_is_not_ended_again(execute, tmp_path):
    """Its descriptor is somebody else's by now."""
    execute("sys.exit(3)")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    os.dup2(descriptor, execute.child.channel.descriptor)
    try:
        execute.child.end(0.1)
        execute.child.dismiss()
        assert os.path.samestat(os.fstat(execute.child.channel.descriptor), os.stat(tmp_path))  # still open
    finally:
        os.close(execute.child.channel.descriptor)
        if descriptor != execute.child.channel.descriptor:
            os.close(descriptor)


@pytest.mark.fault
def test_a_run_that_outlasts_the_limit_is_killed_though_it_ignores_being_told(execute, settings):
    limited = settings.model_copy(update={"wall_limit_s": 1.0})
    run = execute("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass", settings=limited)
    assert (run.status, run.reason) == (RunStatus.FAILED, Reason.TIMEOUT)
    assert execute.child.process.returncode == -9


@pytest.mark.fault
def test_a_flood_of_points_is_cut_off(execute, monkeypatch):
    monkeypatch.setattr("worker.channel.MAX_POINTS", 5000)
    run = execute("""
        step = 0
        while True:
            step += 1
            tell("curve", name="x", step=step, value=0.0)
    """)
    assert (run.status, run.reason) == (RunStatus.FAILED, Reason.TOO_LARGE)


@pytest.mark.parametrize("deaf", [False, True])
def test_a_cancelled_run_is_stopped_whether_it_listens_or_not(execute, store, deaf):
    script = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if deaf else ""
    run = execute(script + "time.sleep(60)", meanwhile=lambda claim: (time.sleep(0.5), store.cancel_run(claim.run_id)))
    assert run.status is RunStatus.CANCELLED
    assert run.result is None


def test_a_success_that_arrives_while_it_is_being_cancelled_counts(execute, store):
    run = execute(
        """
        def late(*_):
            succeed(top1=1.0)
        signal.signal(signal.SIGTERM, late)
        while True: time.sleep(0.01)
        """,
        meanwhile=lambda claim: (time.sleep(0.5), store.cancel_run(claim.run_id)),
    )
    assert (run.status, run.result) == (RunStatus.SUCCEEDED, {"top1": 1.0})


def test_a_run_that_floods_its_channel_when_it_is_cancelled_is_cancelled(execute, store):
    run = execute(
        """
        def flood(*_):
            line = json.dumps({"kind": "curve", "name": "x", "step": 1, "value": 0.0}) + "\\n"
            while True:
                channel.write(line * 1000)
        signal.signal(signal.SIGTERM, flood)
        while True: time.sleep(0.01)
        """,
        meanwhile=lambda claim: (time.sleep(0.5), store.cancel_run(claim.run_id)),
        settings=execute.settings.model_copy(update={"grace_s": 5.0}),
    )
    assert run.status is RunStatus.CANCELLED


def test_a_host_that_goes_down_gives_the_attempt_back(execute):
    begin = time.monotonic()
    run = execute("time.sleep(60)", stopping=lambda: time.monotonic() - begin > 0.5)
    assert (run.status, run.attempt) == (RunStatus.QUEUED, 0)


def test_a_host_that_goes_down_asks_for_a_checkpoint_and_keeps_it_for_the_next_attempt(execute, artifacts):
    """It is asked within half of the grace, and told to end after that."""
    script = """
        import signal
        folder = pathlib.Path(job["checkpoints"])
        def save(*_):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "0007-x.pt").write_text("7")
            tell("checkpoint", name="0007-x.pt")
        signal.signal(signal.SIGUSR1, save)
        tell("curve", name="x", step=7, value=1.0)
        while True: time.sleep(0.01)
    """
    begin = time.monotonic()
    patient = execute.settings.model_copy(update={"shutdown_grace_s": 10.0})
    run = execute(script, stopping=lambda: time.monotonic() - begin > 1.0, settings=patient)
    assert (run.status, run.attempt) == (RunStatus.QUEUED, 0)
    assert artifacts.names(f"checkpoints/{run.id}") == ["0007-x.pt"]


def test_who_lost_the_lease_kills_its_child_and_writes_nothing(execute, store):
    def take_away(claim):
        time.sleep(0.4)
        with store.engine.connect().execution_options(mgic_write=True) as connection, connection.begin():
            connection.execute(text("update runs set lease_until = 0"))
        store.reap()

    run = execute("tell('curve', name='x', step=1, value=1.0)\ntime.sleep(1.5)\nsucceed(top1=1.0)", meanwhile=take_away)
    assert (run.status, run.result) == (RunStatus.QUEUED, None)
    assert execute.child.process.returncode is not None


def test_a_success_whose_acknowledgement_is_lost_keeps_its_files(execute, store, artifacts, monkeypatch):
    finish, refused = store.finish, []

    def finish_and_lose_the_answer(*arguments):
        stored = finish(*arguments)
        if not refused:
            refused.append(stored)
            raise OperationalError("commit", None, Exception("the connection is gone"))
        return stored

    monkeypatch.setattr(store, "finish", finish_and_lose_the_answer)
    run = execute("""
        leave("model.safetensors", "x")
        succeed(top1=1.0)
    """)
    assert (len(refused), run.status) == (1, RunStatus.SUCCEEDED)
    assert artifacts.size(f"{run.id}/1/model.safetensors") == 1


@pytest.mark.parametrize(
    ("script", "again", "taken"), [(STAYS, False, True), (STAYS, True, False), ("sys.exit(3)", False, False)]
)
def test_the_next_run_is_taken_with_the_end_of_one_after_which_it_can_begin_at_once(
    execute, store, script, again, taken
):
    """Not after one that has files of an earlier attempt to remove, nor where the child has to be replaced."""
    store.add_sweep(NewSweep("x", 1, [{}], [NewRun({}, {}, "later", "cpu", "cpu", None)], priority=9))
    run = execute(script, again=again, then=ME)
    following = execute.done.ending.next
    assert (following is not None) == taken
    if taken:
        assert following.run_id != run.id
        assert store.run(following.run_id).status is RunStatus.RUNNING


def test_what_a_run_prints_last_is_in_its_own_log_and_not_the_next_ones(execute, store):
    run = execute("""
        for number in range(20_000):
            print(number)
        sys.stdout.flush()
        succeed(top1=1.0)
    """)
    lines, place = [], 0
    while len(page := store.log(run.id, place, 500)[0]):
        lines += page
        place = store.log(run.id, place, 500)[1]
    assert run.status is RunStatus.SUCCEEDED
    told = [line.line for line in lines]
    missing = sorted(set(map(str, range(19_999))) - set(told), key=int)
    assert missing == [], f"{len(missing)} lines, from {missing[0]} to {missing[-1]}"
    assert len(told) == 20_000, "and one that says that the log ends here"


def test_a_child_that_has_left_before_its_outcome_was_read_has_run_and_is_not_begun_again(execute, store, monkeypatch):
    read = Channel.read
    monkeypatch.setattr(Channel, "read", lambda channel: [time.sleep(0.5), read(channel)])
    run = execute("print('once')\nsucceed(top1=1.0)")
    assert (run.status, run.result) == (RunStatus.SUCCEEDED, {"top1": 1.0})
    assert [line.line for line in store.log(run.id)[0]] == ["once"]
    assert execute.child.process.returncode == 0


def test_a_child_that_closed_its_channel_and_stays_is_ended(execute):
    run = execute("channel.close()\ntime.sleep(3600)")  # longer than a test may take
    assert run.status is RunStatus.QUEUED


@pytest.mark.fault
@pytest.mark.parametrize("url", ["sqlite_url"], indirect=True)
def test_a_result_waits_for_a_database_that_is_busy(execute, store, settings):
    """For longer than SQLite waits by itself, which it is told is no time at all."""
    event.listen(store.engine, "checkout", lambda connection, *_: connection.execute("PRAGMA busy_timeout=1"))
    path = settings.database.removeprefix("sqlite:///")

    def hold_the_lock(_claim):
        time.sleep(0.3)
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(2)
        connection.execute("ROLLBACK")
        connection.close()

    run = execute("time.sleep(1)\nsucceed(top1=1.0)", meanwhile=hold_the_lock)
    assert (run.status, run.result) == (RunStatus.SUCCEEDED, {"top1": 1.0})


def test_the_child_dies_with_the_process_that_started_it(tmp_path):
    script = f"""
import time
from pathlib import Path
from worker.channel import Channel
from worker.child import Child
child = Child(Path({str(tmp_path)!r}), Path({str(tmp_path)!r}), 1, None)
Path({str(tmp_path / "pid")!r}).write_text(str(child.process.pid) + "\\n")
time.sleep(60)
"""
    parent = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", script])
    file = tmp_path / "pid"
    wait_for(lambda: file.exists() and file.read_text().endswith("\n"), 60, "the child")
    pid = int(file.read_text())
    assert not gone(pid)
    os.kill(parent, 9)
    os.waitpid(parent, 0)
    wait_for(lambda: gone(pid), 5, "its end")
