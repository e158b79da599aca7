"""A reaper believes no clock that can be set: live runs stay with their owners, lost ones come back in time."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from backend.reaper import Watch
from backend.store import Held, Lease, Store
from mgic.records import RunStatus
from tests.backend.store_points import CPU, add, taken

LEASE_S, EVERY_S = 30, 10  # as a service has them


class Clocked(Store):
    """Its time is what it is told; a server's own clock cannot be set here, so its answer is replaced."""

    at = 1e9

    def _now(self, _connection) -> float:
        return self.at


class Looks:
    """A reaper at a store whose time passes when it is told to, with two runs in work: the second one is lost."""

    def __init__(self, store: Clocked, every_s: float = EVERY_S) -> None:
        self.store, self.now = store, 0.0
        add(store, 2)
        self.live, self.lost = taken(store), taken(store)
        self.watch = Watch(LEASE_S, every_s, lambda: self.now)

    def after(self, seconds: float, beats: bool = True) -> int:
        """How many runs a look takes back when so much time has passed, right after a heartbeat of the live one."""
        self.now += seconds
        self.store.at += seconds
        if beats:
            assert self.store.heartbeat(self.live.run_id, self.live.fence, 0.5) == "ok"
        return self.store.reap(self.watch.silent)

    def until_taken(self, every_s: float = EVERY_S) -> float:
        """Seconds from now until the lost one is taken back."""
        begin = self.now
        while not self.after(every_s):
            assert self.now - begin < 1000
        assert self.store.run(self.lost.run_id).status is RunStatus.QUEUED
        assert self.store.run(self.live.run_id).status is RunStatus.RUNNING
        return self.now - begin


@pytest.fixture
def clocked(store, store_url) -> Iterator[Clocked]:
    """The same, empty store."""
    clocked = Clocked.open(store_url, Lease(LEASE_S, 2))
    yield clocked
    clocked.close()


@pytest.mark.fault
@pytest.mark.parametrize(("by_s", "within_s"), [(0, 40), (3600, 40), (-40, 50), (-3600, 50)])
def test_a_clock_that_is_set_takes_no_live_run_and_keeps_no_lost_one(clocked, by_s, within_s):
    looks = Looks(clocked)
    assert looks.after(9) == looks.after(EVERY_S) == 0
    clocked.at += by_s
    assert looks.after(0.5, beats=False) == 0
    assert looks.now + looks.until_taken() <= within_s


@pytest.mark.fault
def test_a_host_that_was_frozen_keeps_its_attempts_and_what_was_lost_comes_back_half_a_lease_later(clocked):
    looks = Looks(clocked)
    assert looks.after(0) == looks.after(EVERY_S) == 0
    assert looks.after(3600, beats=False) == 0, "the owner has not been heard yet, and may be there"
    assert looks.until_taken() <= LEASE_S / 2 + EVERY_S


def test_a_reaper_that_begins_waits_for_half_a_lease_before_it_believes_one_that_has_ended(clocked):
    looks = Looks(clocked)
    assert looks.after(3600, beats=False) == 0
    assert looks.until_taken(1) == LEASE_S / 2


def test_one_that_looks_rarely_takes_back_too(clocked):
    looks = Looks(clocked, every_s=120)
    assert looks.after(0) == 0
    assert looks.until_taken(120) == 120


@pytest.mark.fault
def test_workers_that_were_seen_before_the_clock_was_set_back_are_not_alive_until_they_are_seen_again(clocked):
    clocked.worker_seen(CPU, 1, "0.1")
    clocked.at -= 3600
    assert [worker.alive for worker in clocked.workers(LEASE_S)] == [False]
    assert clocked.newest_heartbeat_s() == 3600
    clocked.worker_seen(CPU, 1, "0.1")
    assert [worker.alive for worker in clocked.workers(LEASE_S)] == [True]


def test_a_lease_that_changes_between_looks_is_never_silent_whatever_the_databases_clock_says():
    watch = Watch(LEASE_S, EVERY_S, iter([0, 0, 20, 40, 60]).__next__)
    assert [watch.silent([Held(UUID(int=1), 1, until)], now=1e9) for until in (5.0, 6.0, 7.0, 8.0)] == [[]] * 4
