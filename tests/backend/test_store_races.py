"""Processes that want the same thing at the same moment: one gets it, and the others are told."""

import multiprocessing
from itertools import pairwise

import pytest

from backend.store import NewSearch
from mgic.records import Search
from tests.backend import store_processes
from tests.backend.store_points import add, every_run, expire, history, new_sweep, slot, taken

pytestmark = pytest.mark.fault

PROCESSES = 4


@pytest.fixture(scope="module")
def race():
    """Calls a function of `store_processes` in 4 processes at once; their answers."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([store_processes.__name__])
    barrier = context.Barrier(PROCESSES)
    with context.Pool(PROCESSES, store_processes.enter, (barrier,)) as pool:

        def run(function, url):
            calls = [pool.apply_async(function, (url, str(number))) for number in range(PROCESSES)]
            return [call.get(120) for call in calls]

        yield run
        pool.close()
        pool.join()


def test_each_run_is_claimed_by_exactly_one_of_4_processes(store, store_url, race):
    runs = add(store, 120)
    won = race(store_processes.claim_all, store_url)
    flat = [run_id for each in won for run_id, _ in each]
    assert len(flat) == len(set(flat)) == 120
    assert {fence for each in won for _, fence in each} == {1}
    assert sum(bool(each) for each in won) > 1, "there was no race"
    assert {run.id for run in every_run(store) if run.attempt == 1} == set(runs)


def test_reapers_at_once_take_each_run_back_once(store, store_url, race):
    runs = add(store, 30)
    for _ in runs[:20]:
        expire(store, taken(store).run_id)
    live = [taken(store).run_id for _ in range(5)]
    to_cancel = runs[:4]
    for run_id in to_cancel:
        store.cancel_run(run_id)
    assert sum(race(store_processes.reap, store_url)) == 20
    for run_id in runs[4:20]:
        assert history(store, run_id) == ["queued", "running", "queued"]
        assert store.run(run_id).attempt == 1
    assert {store.run(run_id).status for run_id in to_cancel} == {"cancelled"}
    assert {store.run(run_id).status for run_id in live} == {"running"}


def test_a_timing_run_never_shares_its_host_with_another_run(store, store_url, race):
    for number in range(2):  # a timing worker makes the others wait; without its sign of life they need not
        add(store, 16)
        add(store, 8, queue="timing")
        if number:
            store.worker_seen(slot("timing", worker="0"), 1, "0.1")
        assert sum(race(store_processes.work, store_url)) == 24
    spans = sorted(span(store, run) for run in every_run(store))
    assert len(spans) == 48
    for start, end, queue in spans:
        assert start < end
        if queue == "timing":
            others = [other for other in spans if other != (start, end, queue)]
            assert [other for other in others if other[0] < end and start < other[1]] == []
    assert any(left[1] > right[0] for left, right in pairwise(spans)), "cpu runs did not run side by side"


def test_an_input_that_ends_while_it_is_made_one_leaves_nobody_waiting(store, store_url, race):
    runs = add(store, 40)
    for _ in runs:
        taken(store)
    added = sum(race(store_processes.depend, store_url))
    using = [run for run in every_run(store) if run.made_from]
    assert len(using) == added > len(runs)
    assert not any(run.waits_for for run in using)
    for run in using:
        expected = "queued" if store.run(run.made_from["input0"]).status == "succeeded" else "failed"
        assert run.status == expected
    assert store.eligible() == store.queued()


def span(store, run):
    """From the moment it was noted as running (`started_at` is read before the look at the host) to its end."""
    (started,) = [event.at for event in store.events(run.id) if event.to_status == "running"]
    return started, run.finished_at, run.queue


def test_transactions_that_read_before_they_write_wait_for_each_other(store, store_url, race):
    assert race(store_processes.read_then_write, store_url) == [[]] * PROCESSES
    assert len(store.sweeps(50)[0]) == 12


def test_asking_in_4_processes_at_once_adds_each_trial_once(store, store_url, race):
    search = NewSearch(Search(sampler="tpe", trials=40, metric="top1", goal="max"), "test/top1", False)
    sweep_id = store.add_sweep(new_sweep(0, grids=({"x": [0, 1, 2]},), search=search)).id
    told = race(store_processes.search, store_url)
    runs = store.sweep_runs(sweep_id, 99)[0]
    assert [run.number for run in runs] == list(range(40))
    assert sum(added for added, _ in told) == 40
    assert sum(refused for _, refused in told) > 0, "there was no race"
    assert store.sweep(sweep_id).search.asked == 40
