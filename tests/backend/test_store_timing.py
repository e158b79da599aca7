"""A run that measures time has its host to itself, and is not kept waiting for ever."""

import pytest
from sqlalchemy import update

from backend.store import Store
from backend.store.schema import workers
from tests.backend.store_points import add, expire, slot, succeeded, taken

TIMING = slot("timing", worker="clock")
TIMING_GPU = slot("timing", worker="clock", device="cuda")


def finish(store: Store, claim) -> None:
    assert store.finish(claim.run_id, claim.fence, succeeded())


@pytest.mark.parametrize("queue", ["cpu", "gpu", "timing"])
def test_while_a_timing_run_runs_nothing_else_is_taken_on_its_host(store, queue):
    add(store, 1, queue="timing")
    clock = taken(store, TIMING)
    add(store, 1, queue=queue)
    assert store.claim(slot(queue, worker="w2")) is None
    finish(store, clock)
    taken(store, slot(queue, worker="w2"))


def test_a_timing_run_that_is_to_be_cancelled_still_has_its_host(store):
    add(store, 1, queue="timing")
    add(store)
    store.cancel_run(taken(store, TIMING).run_id)
    assert store.claim(slot()) is None


@pytest.mark.parametrize("queue", ["cpu", "gpu"])
def test_a_timing_run_waits_until_nothing_runs_on_the_host(store, queue):
    add(store, 2, queue=queue)
    first, second = taken(store, slot(queue)), taken(store, slot(queue, worker="w2"))
    add(store, 1, queue="timing")
    assert store.claim(TIMING) is None
    finish(store, first)
    assert store.claim(TIMING) is None
    finish(store, second)
    taken(store, TIMING)


def test_other_hosts_go_on(store):
    add(store, 1, queue="timing")
    add(store, 2)
    taken(store, TIMING)
    taken(store, slot(host="h2"))
    add(store, 1, queue="timing")
    assert store.claim(slot("timing", host="h2")) is None
    taken(store, slot("timing", host="h3"))


def test_an_end_tells_who_may_have_waited_for_it_and_takes_nothing_before_them(store):
    store.worker_seen(TIMING, 1, "0.1")
    add(store, 3)
    running = taken(store)
    add(store, 1, queue="timing")
    ending = store.finish(running.run_id, running.fence, succeeded(), then=slot())
    assert (ending.next, ending.rings) == (None, {"timing": 1})
    clock = taken(store, TIMING)
    assert store.finish(clock.run_id, clock.fence, succeeded()).rings == {"cpu": 2}


def test_while_a_timing_run_waits_nothing_new_is_taken_where_it_could_run(store):
    store.worker_seen(TIMING, 1, "0.1")
    add(store, 3)
    running = taken(store)
    (timed,) = add(store, 1, queue="timing")
    assert store.claim(slot()) is None
    taken(store, slot(host="h2"))
    finish(store, running)
    clock = taken(store, TIMING)
    assert clock.run_id == timed
    finish(store, clock)
    taken(store)


def test_a_host_without_a_timing_worker_waits_for_none(store):
    store.worker_seen(slot("timing", host="h2"), 1, "0.1")
    store.worker_seen(slot("cpu"), 1, "0.1")
    add(store, 1, queue="timing")
    (run_id,) = add(store)
    assert taken(store).run_id == run_id


@pytest.mark.parametrize("gone", ["silent", "stopped", "silent, and the clock was set back"])
def test_a_timing_worker_that_is_gone_holds_nobody_up(store, gone):
    store.worker_seen(TIMING, 1, "0.1")
    add(store, 1, queue="timing")
    add(store)
    assert store.claim(slot()) is None
    if gone == "stopped":
        store.worker_gone(TIMING.worker)
    else:
        since = 3600 if "clock" in gone else -store.lease.seconds - 1
        with store._write() as connection:
            connection.execute(update(workers).values(seen_at=workers.c.seen_at + since))
    taken(store)


def test_a_timing_run_that_the_host_cannot_take_holds_nobody_up(store):
    store.worker_seen(TIMING, 1, "0.1")
    add(store, 1, queue="timing", device="cuda")
    add(store, 2)
    assert store.claim(TIMING) is None
    taken(store)
    store.worker_seen(TIMING_GPU, 1, "0.1")
    assert store.claim(slot()) is None


def test_a_timing_run_whose_worker_was_lost_frees_the_host_when_it_is_taken_back(store):
    (timed,) = add(store, 1, queue="timing")
    taken(store, TIMING)
    add(store)
    expire(store, timed)
    assert store.claim(slot()) is None
    assert store.reap() == 1
    taken(store)


def test_workers_say_which_runs_keep_them_from_taking_one(store):
    for by in (TIMING, slot(), slot(host="h2", worker="w2")):
        store.worker_seen(by, 1, "0.1")
    held = lambda: {worker.name: worker.held_by for worker in store.workers(60)}  # noqa: E731
    add(store, 2)
    running = taken(store)
    timed, later = add(store, 2, queue="timing")
    assert held() == {"clock": (running.run_id,), "w1": (timed,), "w2": ()}
    finish(store, running)
    clock = taken(store, TIMING)
    assert held() == {"clock": (), "w1": (timed,), "w2": ()}
    finish(store, clock)
    assert held() == {"clock": (), "w1": (later,), "w2": ()}
    store.cancel_run(later)
    assert held() == {"clock": (), "w1": (), "w2": ()}
