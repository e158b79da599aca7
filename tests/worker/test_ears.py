"""A worker that hears no bell any more notices, and leaves its place to one that does."""

import os
import signal
import subprocess
import sys
from uuid import uuid4

import pytest

from backend.queue import Bell
from backend.store import NewRun, NewSweep, Slot
from mgic.process import die_with_parent
from tests.conftest import QUICK, free_port
from worker.ears import Ears

ME = Slot("w", "h", "cpu", "cpu")


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def ears(broker_url, clock):
    return Ears(ME, Bell(broker_url), 30, clock)


def add(store, queue="cpu", device="cpu"):
    store.add_sweep(NewSweep("x", 1, [{}], [NewRun({}, {}, uuid4().hex, queue, device, None)]))


def test_a_run_that_waits_though_the_bell_rang_says_so(ears, store, clock):
    add(store)
    assert [ears.deaf(store)] == [False]
    clock.now = 31
    assert [ears.deaf(store) for _ in range(3)] == [False, False, True]  # the bell is rung twice


def test_a_run_that_is_claimed_in_between_starts_the_count_again(ears, store, clock):
    add(store)
    ears.deaf(store)
    clock.now = 31
    assert [ears.deaf(store) for _ in range(2)] == [False, False]
    claim = store.claim(ME)
    assert not ears.deaf(store)
    store.release(claim.run_id, claim.fence, None)
    assert not ears.deaf(store)
    clock.now = 50
    assert not ears.deaf(store)


@pytest.mark.parametrize(("queue", "device"), [("gpu", "cuda"), ("timing", "cpu"), ("cpu", "cuda")])
def test_runs_of_others_are_none_of_its_business(ears, store, clock, queue, device):
    add(store, queue, device)
    ears.deaf(store)
    clock.now = 1000
    assert not any(ears.deaf(store) for _ in range(3))


def test_a_worker_with_work_is_left_alone(ears, store, clock):
    add(store)
    add(store)
    store.claim(ME)
    ears.deaf(store)
    clock.now = 1000
    assert not any(ears.deaf(store) for _ in range(3))


def test_a_worker_whose_slot_is_still_in_its_task_is_left_alone(ears, store, clock):
    add(store)
    ears.deaf(store)
    clock.now = 1000
    assert not any(ears.deaf(store, idle=False) for _ in range(4))


def test_a_broker_that_is_away_makes_nobody_deaf(store, clock):
    ears = Ears(ME, Bell(f"redis://127.0.0.1:{free_port()}/0"), 30, clock)
    add(store)
    ears.deaf(store)
    for clock.now in (31, 62, 93):
        assert not ears.deaf(store)


@pytest.mark.fault
def test_a_deaf_worker_ends_and_says_why(store, broker_url, url, tmp_path):
    """It listens at another queue than the one it serves, which is as good as not listening."""
    add(store)
    places = {"MGIC_HOME": str(tmp_path), "MGIC_DATABASE_URL": url, "MGIC_BROKER_URL": broker_url}
    command = ["celery", "-A", "worker.app", "worker", "-Q", "elsewhere", "-c", "1", "--without-gossip"]
    worker = subprocess.Popen(
        [sys.executable, "-m", *command, "--without-mingle", "-l", "warning"],
        env=os.environ | QUICK | places | {"MGIC_QUEUE": "cpu", "MGIC_DEVICE": "cpu"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    _, said = worker.communicate(timeout=120)
    assert worker.returncode == os.EX_TEMPFAIL, said
    assert "no bell is heard here any more" in said
