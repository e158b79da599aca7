"""A disk that is really full: a file system of a few MiB in memory, filled to its last byte."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mgic.client import PREFIX
from mgic.records import Reason, RunStatus, SweepRequest
from tests.cases import thorough
from tests.conftest import MAX_ATTEMPTS, Service, prepare_broken, start_broken, stop_service, wait_for
from tests.faults.lab import check_ended, linger, running

pytestmark = [pytest.mark.fault, pytest.mark.thorough]
DISK_MIB = 64
BLOCK = bytes(2**16)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """The folder is a disk of its own; skips the test where this process may not mount one."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"no file system may be mounted here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Not a byte is left, until the end."""
    ballast = folder / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (len(BLOCK), 1):
            try:
                while os.write(descriptor, BLOCK[:size]):
                    pass
            except OSError:
                continue
        yield
    finally:
        os.close(descriptor)
        ballast.unlink()


@pytest.fixture(params=["sqlite", *thorough("postgres")])
def cramped(request, tmp_path, history) -> Iterator[Service]:
    """A service whose home is a small disk; PostgreSQL has its own place, so that only files find no room."""
    repository = prepare_broken(tmp_path)
    home = repository / ".mgic"
    home.mkdir()
    url = {} if request.param == "sqlite" else {"MGIC_DATABASE_URL": request.getfixturevalue("postgres_url")}
    with small_disk(home):
        running_service = start_broken(repository, **url)
        try:
            history.follow(running_service.client)
            yield running_service
            history.check(running_service, MAX_ATTEMPTS)
        finally:
            stop_service(running_service)


def test_a_full_disk_is_said_loses_nothing_and_needs_no_restart(cramped):
    lab = cramped
    on_disk = lab.database.startswith("sqlite")
    before = linger(lab, steps=1)
    lab.client.wait(before.id, timeout=120)
    in_work = linger(lab, steps=100)
    wait_for(lambda: running(lab, in_work), 60, "a run")
    with full(lab.home):
        notes = lambda: [note for note in lab.client.ready().notes if "No space left" in note]  # noqa: E731
        wait_for(notes, 30, "a word about it")
        answer = lab.client._http.post(f"{PREFIX}/sweeps", json={"experiment": "wait", "axes": {"steps": [1]}})
        assert answer.status_code == (503 if on_disk else 201)
        check_ended(lab, before)  # what is there is shown
        if on_disk:
            with closing(sqlite3.connect(f"file:{lab.home / 'mgic.db'}?mode=ro", uri=True)) as connection:
                assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    wait_for(lambda: not notes(), 30, "room")
    lab.client.wait(in_work.id, timeout=150)
    assert lab.client.sweep_runs(in_work.id)[0].status in (RunStatus.SUCCEEDED, RunStatus.FAILED)
    after = linger(lab, steps=1)
    for sweep in lab.client.sweeps(limit=50).items:
        lab.client.wait(sweep.id, timeout=150)
    check_ended(lab, after)


def test_a_run_whose_file_finds_no_room_says_so_and_the_next_one_has_it_again(cramped):
    lab = cramped
    size = 8 * 2**20  # of the file that `suffer` leaves
    stat = os.statvfs(lab.home)
    (lab.home / "large").write_bytes(bytes(stat.f_bavail * stat.f_frsize - size // 2))
    request = SweepRequest(experiment="suffer", axes={"fault": ["file"]})
    sweep = lab.client.submit(request)
    lab.client.wait(sweep.id, timeout=120)
    (run,) = lab.client.sweep_runs(sweep.id)
    assert (run.status, run.reason) == (RunStatus.FAILED, Reason.DISK_FULL)
    (lab.home / "large").unlink()
    again = lab.client.submit(request)
    lab.client.wait(again.id, timeout=120)
    check_ended(lab, again)
