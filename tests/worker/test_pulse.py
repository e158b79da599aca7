"""When whoever runs a run must take it for lost: on the store's word, or after a lease of its silence."""

from uuid import uuid4

import pytest

from backend.settings import Settings
from backend.store import Claim
from tests.conftest import wait_for
from worker import pulse
from worker.channel import Told
from worker.pulse import Pulse


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Answers:
    """A store that answers "ok" to heartbeats, until it is silent."""

    def __init__(self) -> None:
        self.beats, self.silent = 0, False

    def heartbeat(self, *_) -> str:
        self.beats += 1
        if self.silent:
            raise ConnectionError("the database is away")
        return "ok"


@pytest.fixture
def beating(monkeypatch):
    """A pulse, the store it asks, and the clock that it goes by; `asked` is true when it has asked once more."""
    store, clock = Answers(), Clock()
    monkeypatch.setattr(pulse, "time", clock)
    claim = Claim(uuid4(), 1, 1, "x", {}, "cpu")
    with Pulse(store, claim, Settings(poll_s=0.4, lease_s=30), Told()) as one:
        yield one, store, clock


def ask(store: Answers) -> None:
    """Wait for two more heartbeats, of which the second began after this call."""
    before = store.beats
    wait_for(lambda: store.beats > before + 1, 10, "a heartbeat")


@pytest.mark.fault
def test_a_host_that_was_frozen_for_longer_than_a_lease_asks_before_it_gives_a_run_up(beating):
    one, store, clock = beating
    ask(store)
    clock.now += 3600  # between two questions
    assert not one.lost
    ask(store)
    assert not one.lost


@pytest.mark.fault
def test_a_run_is_lost_when_the_database_was_silent_for_a_lease_and_not_before(beating):
    one, store, clock = beating
    store.silent = True
    ask(store)
    clock.now += 29
    ask(store)
    assert not one.lost
    clock.now += 2
    assert one.lost
    store.silent = False
    wait_for(lambda: not one.lost, 10, "an answer, which says that it was not taken after all")
