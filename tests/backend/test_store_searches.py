"""A search in the store: what its trials came to, the next ones added once, and what counts as trained to its end."""

import pytest

from backend.store import NewRun, NewSearch, config_key
from mgic.errors import Conflict
from mgic.records import Refused, RunStatus, Search
from tests.backend.store_points import add, ended, every_run, fail, new_sweep, succeeded, taken

SEARCH = {"sampler": "tpe", "trials": 4, "metric": "top1", "goal": "max", "stop": {"rule": "median", "startup": 1}}


def begin(store, curve="test/top1", reuse=False, **settings):
    """The id of a sweep that a sampler is to choose the runs of."""
    search = NewSearch(Search.model_validate(SEARCH | settings), curve, reuse)
    return store.add_sweep(new_sweep(0, grids=({"x": [0, 1, 2]},), search=search)).id


def trial(x, macs=None):
    config = {"x": x}
    told = {"macs": macs, "notes": {"n": x}}
    return NewRun(config, config, config_key("cost", 1, config), "cpu", "cpu", 10.0, trial=told)


def ask(store, sweep_id, *xs, macs=None):
    assert store.add_trials(store.open_search(sweep_id), 1, [trial(x, macs) for x in xs], ())


def end(store, **result):
    claim = taken(store)
    assert store.finish(claim.run_id, claim.fence, succeeded(**result))
    return claim.run_id


def test_a_search_has_no_runs_at_first_and_has_not_ended(store):
    sweep_id = begin(store)
    sweep = store.sweep(sweep_id)
    assert (sweep.total, sweep.finished, sweep.progress) == (0, False, 0)
    assert (sweep.search.state, sweep.search.asked, sweep.search.best) == ("searching", 0, ())
    assert sweep.search.settings == Search.model_validate(SEARCH)
    assert store.sweeps(5)[0] == [sweep]
    assert store.searching() == {sweep_id: 0}


def test_trials_are_runs_in_the_order_in_which_they_were_asked_for(store):
    sweep_id = begin(store)
    ask(store, sweep_id, 7)
    ask(store, sweep_id, 5, 6)
    assert [(run.number, run.config, run.status) for run in store.sweep_runs(sweep_id, 9)[0]] == [
        (0, {"x": 7}, "queued"),
        (1, {"x": 5}, "queued"),
        (2, {"x": 6}, "queued"),
    ]
    assert store.searching() == {sweep_id: 3}


def test_who_has_not_seen_the_newest_trial_adds_none(store):
    sweep_id = begin(store)
    seen = store.open_search(sweep_id)
    assert store.add_trials(seen, 1, [trial(1)], [])
    assert not store.add_trials(seen, 1, [trial(2)], [Refused(requested={"x": 3}, asked=0, excess=1, why="w")])
    assert [run.config for run in store.sweep_runs(sweep_id, 9)[0]] == [{"x": 1}]
    assert store.open_search(sweep_id).refused == ()


def test_the_next_trials_follow_from_what_the_store_has(store):
    sweep_id = begin(store, trials=9)
    ask(store, sweep_id, 0, 1, 2, 3, 4, 5, macs=100)
    end(store, top1=90.0, steps=10)
    end(store, top1=60.0, steps=3, stopped_early=True)
    end(store, top1=None, steps=10)
    fail(store, taken(store))
    store.cancel_run(taken(store).run_id)
    found = store.open_search(sweep_id)
    assert [(one.requested["x"], one.state, one.value, one.step) for one in found.trials] == [
        (0, "complete", 90.0, 10),
        (1, "stopped", 60.0, 3),
        (2, "failed", None, 10),
        (3, "failed", None, 0),
        (4, "running", None, 0),
        (5, "running", None, 0),
    ]
    assert {(one.macs, one.notes["n"] == one.requested["x"]) for one in found.trials} == {(100, True)}
    assert (found.asked, found.axes, found.settings.trials) == (6, {"x": [0, 1, 2]}, 9)


def test_a_search_is_done_when_its_last_trial_has_ended(store):
    sweep_id = begin(store, trials=2)
    ask(store, sweep_id, 0, 1)
    assert store.searching() == {}
    assert store.sweep(sweep_id).search.state == "searching"
    end(store, top1=50.0)
    assert not store.sweep(sweep_id).finished
    best = end(store, top1=70.0)
    sweep = store.sweep(sweep_id)
    assert (sweep.finished, sweep.progress, sweep.search.state, sweep.search.ended) == (True, 1.0, "done", 2)
    assert [(one.run_id, one.number, one.value) for one in sweep.search.best] == [(best, 1, 70.0)]


def test_a_search_that_finds_no_further_cell_says_why_it_ends(store):
    sweep_id = begin(store)
    refused = [Refused(requested={"x": 9}, asked=0, excess=0.5, why="too large")]
    assert store.add_trials(store.open_search(sweep_id), 1, [], refused, "all cells have been tried")
    sweep = store.sweep(sweep_id)
    assert (sweep.finished, sweep.progress) == (True, 1.0)
    assert (sweep.search.state, sweep.search.why, sweep.search.refused) == ("exhausted", "all cells have been tried", 1)


def test_a_cancelled_search_asks_for_no_more(store):
    sweep_id = begin(store)
    ask(store, sweep_id, 0)
    seen = store.open_search(sweep_id)
    assert store.cancel_sweep(sweep_id) == 1
    assert store.open_search(sweep_id) is None
    assert not store.add_trials(seen, 1, [trial(1)], [])
    sweep = store.sweep(sweep_id)
    assert (sweep.finished, sweep.search.state, sweep.counts) == (True, "cancelled", {"cancelled": 1})


def test_a_cancelled_search_that_is_to_run_its_rest_asks_for_more(store):
    sweep_id = begin(store)
    ask(store, sweep_id, 0)
    store.cancel_sweep(sweep_id)
    assert store.retry_failed(sweep_id) == 0
    assert store.open_search(sweep_id) is None
    assert store.retry_failed(sweep_id, cancelled=True) == 1
    assert [one.state for one in store.open_search(sweep_id).trials] == ["running"]
    ask(store, sweep_id, 1, 2, 3)
    store.cancel_sweep(sweep_id)
    assert store.retry_failed(sweep_id, cancelled=True) == 4
    assert (store.searching(), store.sweep(sweep_id).search.state) == ({}, "searching")


def test_a_failed_trial_that_is_retried_is_the_same_trial(store):
    sweep_id = begin(store)
    ask(store, sweep_id, 0, 1)
    fail(store, taken(store))
    assert store.retry_failed(sweep_id) == 1
    assert [one.state for one in store.open_search(sweep_id).trials] == ["running", "running"]
    for _ in range(2):
        end(store, top1=1.0)
    assert [one.notes for one in store.open_search(sweep_id).trials] == [{"n": 0}, {"n": 1}]


def test_of_two_goals_the_front_is_told(store):
    sweep_id = begin(store, sampler="nsga2", stop=None)
    for x, macs, top1 in ((0, 300, 90.0), (1, 100, 80.0), (2, 200, 79.0), (3, 400, 90.0)):
        ask(store, sweep_id, x, macs=macs)
        end(store, top1=top1)
    assert [(one.macs, one.value) for one in store.sweep(sweep_id).search.best] == [(100, 80.0), (300, 90.0)]


def test_a_training_that_was_ended_early_stands_for_no_other_run(store):
    sweep_id = begin(store)
    ask(store, sweep_id, 0)
    early = end(store, top1=10.0, stopped_early=True)
    key = config_key("cost", 1, {"x": 0})
    assert store.run(early).status == "succeeded"
    assert store.succeeded({key: ()}) == {}
    assert store.seconds_per_mac("cost") == {}
    assert store.measured_runs("cost", None, ["top1"], 9) == []
    assert store.sweep(sweep_id).search.best == ()
    assert store.sweep(sweep_id).search.stopped == 1
    add(store, [{"x": 0}], reuse=True)
    assert store.queued() == {"cpu": 1}
    whole = end(store, top1=90.0)
    assert store.succeeded({key: ()}) == {key: whole}
    assert [run.id for run in store.measured_runs("cost", None, ["top1"], 9)] == [whole]


def test_what_waits_for_a_training_that_ends_early_fails(store):
    ask(store, begin(store), 0)
    (training,) = store.runs(9)[0]
    (using,) = add(store, 1, needs=[training.id])
    end(store, top1=10.0, stopped_early=True)
    failed = store.run(using)
    assert (failed.status, failed.reason) == ("failed", "input_failed")
    assert failed.failure.message == f"Run {training.id}, which is its input, was ended early by its search."
    with pytest.raises(Conflict, match="ended early"):
        store.retry(using)


def test_a_search_may_take_results_that_are_there(store):
    add(store, [{"x": 1}])
    earlier = end(store, top1=33.0)
    sweep_id = begin(store, reuse=True)
    ask(store, sweep_id, 1, 2)
    assert [(run.status, run.reused_from) for run in store.sweep_runs(sweep_id, 9)[0]] == [
        ("succeeded", earlier),
        ("queued", None),
    ]


def scored(store, *values, done=False, **result):
    """A trial that has these scores of its curve."""
    claim = taken(store)
    points = [("test/top1", step, value) for step, value in enumerate(values)]
    assert store.record(claim.run_id, claim.fence, [*points, ("train/loss", 0, 1.0)], ())
    if done:
        assert store.finish(claim.run_id, claim.fence, succeeded(top1=values[-1], **result))
    return claim


def test_a_training_is_behind_by_the_curves_of_those_that_came_to_their_end(store):
    sweep_id = begin(store, trials=9, stop={"rule": "median", "startup": 2})
    ask(store, sweep_id, *range(5))
    scored(store, 50.0, 60.0, done=True)
    mine = scored(store, 10.0, 20.0)
    assert store.behind(mine.run_id, mine.fence, mine.stop) == (2, False), "one that came to its end is too few"
    scored(store, 1.0, 2.0, done=True, stopped_early=True)
    assert store.behind(mine.run_id, mine.fence, mine.stop) == (2, False), "one that was ended early is none"
    scored(store, 40.0, 50.0, done=True)
    assert store.behind(mine.run_id, mine.fence, mine.stop) == (2, True)
    assert store.behind(mine.run_id, mine.fence, mine.stop, since=2) == (2, False)
    better = scored(store, 60.0)
    assert store.behind(better.run_id, better.fence, better.stop) == (1, False)


def test_only_the_trials_of_a_search_with_a_rule_can_be_behind(store):
    sweep_id = begin(store, stop=None, curve=None)
    ask(store, sweep_id, 0)
    assert taken(store).stop is None
    add(store, 1)
    assert taken(store).stop is None


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED])
def test_an_end_without_a_result_was_no_early_one(store, status):
    ask(store, begin(store), 0)
    claim = taken(store)
    assert store.finish(claim.run_id, claim.fence, ended(status))
    assert [run.result for run in every_run(store)] == [None]
