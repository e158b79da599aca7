"""What is put into the store comes out of it: sweeps, pages, results, curves, counts."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from backend.store import QuotaExceeded, RunQuery, Store, config_key
from mgic.errors import Conflict, NotFound
from mgic.records import RunStatus
from tests.backend.store_points import (
    CPU,
    KILLED,
    add,
    ended,
    every_run,
    fail,
    new_sweep,
    refused,
    slot,
    succeeded,
    taken,
)

# Submission


def test_a_sweep_comes_out_as_it_went_in(store):
    grids = ({"x": [1, 2], "name": ["a"]}, {"x": [None, 2.5, True, [1, 2]]})
    sweep = store.add_sweep(new_sweep([{"x": 1, "model": "m"}, {"x": 2.5}], grids=grids, name="n", priority=3))
    assert store.sweep(sweep.id) == sweep
    assert (sweep.grids, sweep.name, sweep.priority, sweep.total) == (grids, "n", 3, 2)
    assert (sweep.counts, sweep.progress, sweep.finished) == ({"queued": 2}, 0, False)
    runs, cursor = store.sweep_runs(sweep.id, 10)
    assert cursor is None
    assert [(run.number, run.config, run.attempt) for run in runs] == [
        (0, {"x": 1, "model": "m"}, 0),
        (1, {"x": 2.5}, 0),
    ]
    assert [run.id for run in store.runs(10, None, RunQuery({"model": "m"}))[0]] == [runs[0].id]


def test_a_sweep_without_a_name_is_called_by_its_recipe_or_experiment(store):
    assert store.add_sweep(new_sweep(recipe="table1")).name == "table1"
    assert store.add_sweep(new_sweep()).name == "cost"


def test_a_key_used_again_for_the_same_request_gives_the_same_sweep(store):
    first = store.add_sweep(new_sweep(3, idempotency_key="k", payload_hash="a"))
    again = store.add_sweep(new_sweep(3, idempotency_key="k", payload_hash="a"))
    assert again == first == store.sweep_of_key("k", "a")
    assert len(store.runs(10)[0]) == 3
    assert store.sweep_of_key("other", "a") is None


def test_a_key_used_again_for_another_request_is_refused(store):
    store.add_sweep(new_sweep(idempotency_key="k", payload_hash="a"))
    with pytest.raises(Conflict, match="Idempotency-Key"):
        store.add_sweep(new_sweep(idempotency_key="k", payload_hash="b"))
    with pytest.raises(Conflict, match="Idempotency-Key"):
        store.sweep_of_key("k", "b")
    assert len(store.sweeps(10)[0]) == 1


def at_once(calls) -> list:
    """What the calls give when each is made by a thread of its own at the same moment; an error stands for itself."""
    barrier = threading.Barrier(len(calls))

    def one(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        answers = [pool.submit(one, call) for call in calls]
    return [answer.exception() or answer.result() for answer in answers]


def test_one_key_used_by_many_at_once_makes_one_sweep(store):
    for key in ("a", "b", "c"):
        sweep = new_sweep(5, idempotency_key=key, payload_hash="same")
        answers = at_once([partial(store.add_sweep, sweep)] * 8)
        assert len({answer.id for answer in answers}) == 1
    assert len(store.sweeps(10)[0]) == 3
    assert len(store.runs(50)[0]) == 15


def test_one_key_used_by_many_for_different_requests_serves_one_and_refuses_the_rest(store):
    requests = [new_sweep(idempotency_key="k", payload_hash=str(n)) for n in range(6)]
    answers = at_once([partial(store.add_sweep, request) for request in requests])
    assert sum(isinstance(answer, Conflict) for answer in answers) == 5
    assert len(store.runs(10)[0]) == 1


def test_of_many_at_once_no_more_are_queued_than_may_wait(store):
    store.most_queued = 5
    answers = at_once([partial(store.add_sweep, new_sweep()) for _ in range(12)])
    assert sum(isinstance(answer, QuotaExceeded) for answer in answers) == 7
    assert store.queued() == {"cpu": 5}
    assert len(store.sweeps(20)[0]) == 5


def test_a_sweep_that_does_not_fit_is_refused_whole_and_a_key_that_is_known_is_not(store):
    store.most_queued = 5
    first = store.add_sweep(new_sweep(3, idempotency_key="k", payload_hash="h"))
    with pytest.raises(QuotaExceeded, match="3 runs are queued; this server keeps at most 5"):
        store.add_sweep(new_sweep(3))
    assert store.queued() == {"cpu": 3}
    store.add_sweep(new_sweep(2))
    assert store.add_sweep(new_sweep(3, idempotency_key="k", payload_hash="h")).id == first.id


def test_results_that_are_taken_over_do_not_wait(store):
    add(store, 4)
    while claim := store.claim(CPU):
        store.finish(claim.run_id, claim.fence, ended(RunStatus.SUCCEEDED))
    store.most_queued = 1
    assert store.add_sweep(new_sweep(5, reuse=True)).counts == {RunStatus.SUCCEEDED: 4, RunStatus.QUEUED: 1}


def test_a_retry_does_not_go_past_the_limit_either(store):
    ids = add(store, 3)
    for _ in range(3):
        fail(store, taken(store))
    store.most_queued = 2
    sweep_id = store.run(ids[0]).sweep_id
    with pytest.raises(QuotaExceeded):
        store.retry_failed(sweep_id)
    assert store.queued() == {}
    for run_id in ids[:2]:
        store.retry(run_id)
    with pytest.raises(QuotaExceeded):
        store.retry(ids[2])
    assert store.queued() == {"cpu": 2}


def test_a_run_is_retried_once_however_many_ask_at_once(store):
    add(store)
    claim = taken(store)
    fail(store, claim)
    sweep_id = store.run(claim.run_id).sweep_id
    answers = at_once([partial(refused, store.retry, claim.run_id)] * 4 + [partial(store.retry_failed, sweep_id)] * 4)
    assert answers[:4].count(None) + sum(answers[4:]) == 1
    assert store.sweep(sweep_id).counts == {"queued": 1}


def test_known_results_are_taken_over_when_that_is_asked_for(store):
    (source,) = add(store, [{"x": 1}])
    claim = taken(store)
    assert store.finish(source, claim.fence, succeeded(y=5))
    (plain,) = add(store, [{"x": 1}])
    assert store.cancel_run(plain).status == "cancelled"

    sweep = store.add_sweep(new_sweep([{"x": 1}, {"x": 2}], reuse=True))
    assert sweep.counts == {"succeeded": 1, "queued": 1}
    run = store.sweep_runs(sweep.id, 10)[0][0]
    assert (run.result, run.reused_from, run.progress, run.seconds) == ({"y": 5}, source, 1.0, 1.0)
    assert taken(store).config == {"x": 2}
    (third,) = add(store, [{"x": 1}], reuse=True)
    assert store.run(third).reused_from == source
    keys = [config_key("cost", 1, {"x": x}) for x in (1, 2)]
    assert list(store.succeeded(dict.fromkeys(keys, ()))) == keys[:1]


# Pages


def test_pages_lose_and_double_nothing_while_new_runs_come(store):
    before = set(add(store, 7))
    seen, cursor = [], None
    while True:
        page, cursor = store.runs(2, cursor)
        assert len(page) <= 2
        seen += [run.id for run in page]
        if cursor is None:
            break
        add(store, 1)
    assert len(seen) == len(set(seen))
    assert set(seen) == before
    assert len(every_run(store)) == 7 + 3


@pytest.mark.parametrize(("limit", "pages"), [(1, 4), (2, 2), (3, 2), (4, 1), (5, 1)])
def test_the_last_page_has_no_cursor(store, limit, pages):
    sweep = store.add_sweep(new_sweep(4))
    for read in (partial(store.sweep_runs, sweep.id), store.runs):
        found, cursor, number = [], None, 0
        while number == 0 or cursor is not None:
            page, cursor = read(limit, cursor)
            found, number = found + page, number + 1
        assert (len(found), number) == (4, pages)


def test_pages_of_sweeps_are_newest_first(store):
    made = [store.add_sweep(new_sweep()).id for _ in range(5)]
    first, cursor = store.sweeps(3)
    store.add_sweep(new_sweep())
    second, end = store.sweeps(3, cursor)
    assert [sweep.id for sweep in first + second] == made[::-1]
    assert end is None


def test_pages_of_a_sweep_keep_to_the_grid_while_runs_are_retried(store):
    sweep = store.add_sweep(new_sweep(5))
    fail(store, taken(store))
    second = taken(store)
    first_page, cursor = store.sweep_runs(sweep.id, 2)
    fail(store, second)
    store.retry_failed(sweep.id)
    rest, end = store.sweep_runs(sweep.id, 10, cursor)
    assert [run.number for run in first_page + rest] == [0, 1, 2, 3, 4]
    assert end is None
    with pytest.raises(NotFound):
        store.sweep_runs(store._new_id(), 2)


def test_runs_are_filtered_by_any_column(store):
    first = store.add_sweep(new_sweep(2, experiment="cost"))
    second = store.add_sweep(new_sweep(1, experiment="latency"))
    fail(store, taken(store))
    assert [run.sweep_id for run in store.runs(10, None, RunQuery({"experiment": "latency"}))[0]] == [second.id]
    assert [run.number for run in store.runs(10, None, RunQuery({"sweep_id": first.id, "status": "failed"}))[0]] == [0]
    assert store.runs(10, None, RunQuery({"model": "' or 1=1 --"})) == ([], None)


# Results and numbers


def pages_of(ask):
    """All pages of a list, in order."""
    found, cursor = [], None
    while not found or cursor is not None:
        page, cursor = ask(cursor)
        found.append(page)
    return found


def test_a_table_of_the_results_is_a_row_for_each_of_its_rows(store):
    (run,) = add(store, [{"x": 1}])
    claim = taken(store)
    noise = [{"sigma": sigma, "top1": top1} for sigma, top1 in ((0, 90.0), (0.1, 80.0), (0.3, 60.0))]
    assert store.finish(claim.run_id, claim.fence, succeeded(y=1, noise=noise))
    rows, _ = store.results("cost", 10, table="noise")
    assert [(row["run_id"], row["x"], row["y"], row["sigma"], row["top1"]) for row in rows] == [
        (str(run), 1, 1, 0, 90.0),
        (str(run), 1, 1, 0.1, 80.0),
        (str(run), 1, 1, 0.3, 60.0),
    ]
    assert rows[0]["name"] == store.sweep(store.run(run).sweep_id).name
    assert rows[0]["host"] == "h1"
    assert rows[0]["finished_at"].endswith("+00:00")
    assert pages_of(lambda cursor: store.results("cost", 2, cursor, table="noise")) == [rows[:2], rows[2:]]
    (whole,), _ = store.results("cost", 10)
    assert "sigma" not in whole
    assert "noise" not in whole
    assert store.results("cost", 10, table="other") == ([], None)


def test_results_are_flat_and_only_of_runs_that_succeeded(store):
    runs = add(store, [{"x": 1}, {"x": 2}, {"x": 3}, {"x": 4}])
    outcomes = [succeeded(y=1), ended(RunStatus.FAILED), succeeded(z=9, rows=[{"b": 1}, {"b": 2}]), None]
    for outcome in outcomes:
        claim = taken(store)
        if outcome:
            assert store.finish(claim.run_id, claim.fence, outcome)
    rows, cursor = store.results("cost", 10)
    assert cursor is None
    assert [(row["run_id"], row["x"]) for row in rows] == [(str(runs[0]), 1), (str(runs[2]), 3), (str(runs[2]), 3)]
    assert rows[0]["y"] == 1
    assert [(row["z"], row["b"]) for row in rows[1:]] == [(9, 1), (9, 2)]
    assert rows[0]["env_commit"] == "abc"
    assert rows[0]["env_dirty"] is False
    pages = pages_of(lambda cursor: store.results("cost", 1, cursor))
    assert pages == [[row] for row in rows], "a page may end within a run"
    assert store.results("latency", 10) == ([], None)


def test_progress_and_time_left_are_those_of_all_runs_of_a_sweep(store):
    sweep = store.add_sweep(new_sweep(4))
    claim = taken(store)
    assert store.sweep(sweep.id).eta_seconds is None
    assert store.finish(claim.run_id, claim.fence, succeeded(seconds=10.0))
    running = taken(store)
    store.heartbeat(running.run_id, running.fence, 0.5)
    found = store.sweep(sweep.id)
    assert found.counts == {"succeeded": 1, "running": 1, "queued": 2}
    assert found.progress == pytest.approx((1 + 0.5) / 4)
    assert found.eta_seconds == pytest.approx(2.5 * 10)  # one runs at a time
    other = taken(store)
    store.heartbeat(other.run_id, other.fence, 0.25)
    assert store.sweep(sweep.id).eta_seconds == pytest.approx(2.25 * 10 / 2)
    store.cancel_sweep(sweep.id)
    for each in (running, other):
        assert store.finish(each.run_id, each.fence, ended(RunStatus.CANCELLED))
    found = store.sweep(sweep.id)
    assert (found.progress, found.finished, found.eta_seconds) == (1.0, True, None)


def test_what_waits_and_what_runs_is_counted_by_queue(store):
    add(store, 3)
    add(store, 2, queue="gpu")
    cancelled = taken(store)
    store.cancel_run(cancelled.run_id)
    taken(store, slot("gpu"))
    assert store.queued() == {"cpu": 2, "gpu": 1}
    assert store.running() == {"cpu": 1, "gpu": 1}


def test_the_speed_is_the_median_of_runs_that_really_ran(store):
    add(store, [{"x": x, "model": "m", "dataset": "d"} for x in range(3)] + [{"x": 9, "model": "n"}])
    for seconds in (10.0, 20.0, 90.0, 50.0):
        claim = taken(store)
        assert store.finish(claim.run_id, claim.fence, succeeded(seconds=seconds))
    add(store, [{"x": 2, "model": "m", "dataset": "d"}], reuse=True)
    # Each has 10 multiply-accumulates; the run that took over a result of 90 s does not count.
    expected = {("m", "d"): 2.0, ("n", None): 5.0, (None, None): 3.5}
    assert store.seconds_per_mac("cost") == pytest.approx(expected)
    assert store.seconds_per_mac("latency") == {}


# Curves, log lines, events


def test_curves_are_those_of_the_present_attempt_and_the_log_is_of_all(store):
    (run_id,) = add(store)
    old = taken(store)
    assert store.record(run_id, old.fence, [("loss", 0, 3.0), ("loss", 1, None)], ["one"])
    points, _ = store.curves(run_id)
    assert [(point.name, point.step, point.value) for point in points] == [("loss", 0, 3.0), ("loss", 1, None)]
    store.release(run_id, old.fence, KILLED)
    new = taken(store)
    assert store.record(run_id, new.fence, [("loss", 0, 2.0)], ["two"])
    points, _ = store.curves(run_id)
    assert [(point.value, point.fence) for point in points] == [(2.0, new.fence)]
    assert [(line.attempt, line.line) for line in store.log(run_id)[0]] == [(1, "one"), (2, "two")]
    assert store.finish(run_id, new.fence, succeeded())
    assert not store.record(run_id, new.fence, [("loss", 9, 0.0)], [])
    assert store.curves(run_id)[0] == points


@pytest.mark.parametrize("cancel", [False, True], ids=["failed", "cancelled"])
def test_the_curves_of_the_last_attempt_stay_when_it_was_killed(store: Store, cancel):
    (run_id,) = add(store)
    store.release(run_id, taken(store).fence, KILLED)
    last = taken(store)
    assert store.record(run_id, last.fence, [("loss", 0, 2.0)], [])
    if cancel:
        store.cancel_run(run_id)
    assert store.release(run_id, last.fence, KILLED)
    assert store.run(run_id).status == ("cancelled" if cancel else "failed")
    assert len(store.curves(run_id)[0]) == 1


def test_curves_and_logs_are_read_on_from_the_cursor(store):
    (run_id,) = add(store)
    claim = taken(store)
    at = end = 0
    for step in range(3):
        store.record(run_id, claim.fence, [("loss", step, 1.0)], [f"line {step}"])
        points, at = store.curves(run_id, at)
        lines, end = store.log(run_id, end)
        assert ([point.step for point in points], [line.line for line in lines]) == ([step], [f"line {step}"])
    assert store.curves(run_id, at) == ([], at)
    assert store.log(run_id, end) == ([], end)
    assert len(store.curves(run_id, 0, limit=2)[0]) == 2


def test_events_rise_in_fence_and_follow_from_any_place(store):
    (run_id,) = add(store)
    store.release(run_id, taken(store).fence, None)
    claim = taken(store)
    store.cancel_run(run_id)
    store.finish(run_id, claim.fence, ended(RunStatus.CANCELLED))
    told = store.events(run_id)
    assert [event.to_status for event in told] == ["queued", "running", "queued", "running", "cancelling", "cancelled"]
    assert [event.from_status for event in told[1:]] == [event.to_status for event in told[:-1]]
    assert [event.fence for event in told] == [0, 1, 2, 3, 3, 3]
    assert store.events(run_id, told[2].id) == told[3:]


# Workers


def test_workers_are_known_while_they_are_heard_of(store):
    assert store.newest_heartbeat_s() is None
    add(store)
    for _ in range(2):
        store.worker_seen(CPU, 2, "0.1")
    claim = taken(store)
    (worker,) = store.workers(60)
    assert (worker.name, worker.slots, worker.alive, worker.running) == ("w1", 2, True, (claim.run_id,))
    assert 0 <= store.newest_heartbeat_s() < 60
    assert not store.workers(-1)[0].alive
    store.worker_gone("w1")
    assert store.workers(60) == []


def test_a_worker_that_says_twice_at_once_that_it_lives_is_one(store):
    assert at_once([partial(store.worker_seen, CPU, 1, "0.1")] * 6) == [None] * 6
    assert len(store.workers(60)) == 1
