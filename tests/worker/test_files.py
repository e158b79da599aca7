"""What becomes of the files of a run: brought to their place, or swept."""

import errno
import os
import threading

import pytest

from backend.artifacts import ArtifactsAway
from mgic.records import Reason, RunStatus


def test_the_files_of_killed_attempts_go_with_the_end_of_the_run(execute, artifacts, settings, tmp_path):
    """One was killed before it could bring its file to the place, one after that, before the end was stored."""

    def an_earlier_attempt(claim):
        (tmp_path / "old").write_text("old")
        artifacts.put(tmp_path / "old", f"{claim.run_id}/1/model.safetensors")
        old = settings.scratch / str(claim.run_id) / "1"
        old.mkdir(parents=True)
        (old / "model.safetensors").write_text("old")

    run = execute(
        """
        old = pathlib.Path(job["folder"]).parent / "1" / "model.safetensors"
        while not old.exists():
            time.sleep(0.05)
        leave("model.safetensors", "new")
        succeed(top1=1.0)
        """,
        meanwhile=an_earlier_attempt,
        again=True,
    )
    assert artifacts.names(str(run.id)) == ["3"]
    assert not (settings.scratch / str(run.id)).exists()


@pytest.mark.fault
def test_a_success_whose_files_find_no_room_failed_and_says_so(execute, artifacts, monkeypatch):
    monkeypatch.setattr(artifacts, "put", no_room)
    run = execute('leave("model.safetensors", "x")\nsucceed(top1=1.0)')
    assert (run.status, run.reason, run.result) == (RunStatus.FAILED, Reason.DISK_FULL, None)
    assert "No space left" in run.failure.message


def no_room(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_files_wait_for_a_place_that_does_not_answer_at_first(execute, artifacts, monkeypatch):
    put, refused = artifacts.put, []

    def put_later(*arguments):
        if len(refused) < 2:
            refused.append(arguments)
            raise ArtifactsAway("no route to host")
        put(*arguments)

    monkeypatch.setattr(artifacts, "put", put_later)
    run = execute('leave("a.txt", "x")\nleave("b.txt", "xy")\nsucceed(top1=1.0)')
    assert (run.status, len(refused)) == (RunStatus.SUCCEEDED, 2)
    assert (artifacts.size(f"{run.id}/1/a.txt"), artifacts.size(f"{run.id}/1/b.txt")) == (1, 2)


def test_a_cancel_does_not_wait_for_files_that_find_no_place(execute, store, artifacts, monkeypatch):
    asked = threading.Event()

    def away(*_):
        asked.set()
        raise ArtifactsAway("no route to host")

    monkeypatch.setattr(artifacts, "put", away)
    monkeypatch.setattr("worker.supervise.STORE_FOR_S", 3600)  # longer than a test may take
    run = execute(
        'leave("a.txt", "x")\nsucceed()',
        meanwhile=lambda claim: (asked.wait(30), store.cancel_run(claim.run_id)),
    )
    assert run.status is RunStatus.CANCELLED


def test_files_of_a_later_attempt_are_left_alone(execute, artifacts, tmp_path):
    """Who gave a run back may clear up late, when another has brought its files."""

    def a_later_attempt(claim):
        (tmp_path / "new").write_text("new")
        artifacts.put(tmp_path / "new", f"{claim.run_id}/3/model.safetensors")

    run = execute("time.sleep(0.5)\nsys.exit(3)", meanwhile=a_later_attempt)
    assert artifacts.names(str(run.id)) == ["3"]


def test_snapshots_in_folders_are_kept_too_and_go_when_they_are_gone_here(execute, artifacts):
    run = execute("""
        folder = pathlib.Path(job["checkpoints"]) / "finetune"
        folder.mkdir(parents=True)
        for step in range(4):
            (folder / f"{step}-x.pt").write_text("x")
            (folder / f"{step - 2}-x.pt").unlink(missing_ok=True)
            tell("checkpoint", name=f"{step}-x.pt")
            time.sleep(0.4)
        sys.exit(3)
    """)
    assert artifacts.names(f"checkpoints/{run.id}/finetune") == ["2-x.pt", "3-x.pt"]


@pytest.mark.fault
def test_more_files_than_a_run_may_leave_are_refused(execute, settings):
    small = settings.model_copy(update={"max_artifact_bytes": 3})
    run = execute('leave("a.txt", "xx")\nleave("b.txt", "xx")\nsucceed()', settings=small)
    assert (run.status, run.reason) == (RunStatus.FAILED, Reason.TOO_LARGE)
    assert "4 bytes, more than the limit of 3" in run.failure.message


def test_a_place_that_cannot_be_reached_is_said_in_the_log_and_the_run_begins_afresh(
    execute, store, artifacts, monkeypatch
):
    def away(_):
        raise ArtifactsAway("no route to host")

    monkeypatch.setattr(artifacts, "names", away)
    run = execute("time.sleep(0.3)\nsucceed(top1=1.0)", again=True)
    assert run.status is RunStatus.SUCCEEDED
    words = [line.line for line in store.log(run.id)[0]]
    assert words == ["Checkpoints of earlier attempts could not be fetched: no route to host"]


def test_a_cancel_does_not_wait_for_a_checkpoint_that_takes_long_to_fetch(execute, store, artifacts, monkeypatch):
    asked, given = threading.Event(), threading.Event()

    def slow(_):
        if not asked.is_set():
            asked.set()
            given.wait(60)
        return []

    monkeypatch.setattr(artifacts, "names", slow)
    try:
        run = execute("succeed()", again=True, meanwhile=lambda claim: (asked.wait(30), store.cancel_run(claim.run_id)))
    finally:
        given.set()
    assert run.status is RunStatus.CANCELLED


def test_the_files_of_an_attempt_without_a_result_are_swept(execute, settings):
    run = execute("""
        leave("model.safetensors", "x")
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert run.status is RunStatus.QUEUED
    assert not (settings.scratch / str(run.id)).exists()
