"""What a search may ask for: no more than a sweep may compute, and no more than its owner may have waiting."""

from types import SimpleNamespace

import pytest

from backend.scout import ask
from backend.settings import Settings
from backend.store import NewSearch, QuotaExceeded, Store
from mgic.records import Plan, Point, Proposal, Search
from tests.backend.store_points import new_sweep, succeeded, taken

SEARCH = Search(sampler="random", trials=9, metric="y", goal="min", at_once=2)
WORK = 10.0  # of each trial


class Proposes:
    """A catalogue that has as many trials as are wanted."""

    def experiment(self, _name):
        return SimpleNamespace(queue="cpu")

    def next_trials(self, _request, trials, _refused, count, _seconds):
        configs = [{"x": len(trials) + place} for place in range(count)]
        points = tuple(Point(requested=config, config=config, work_macs=WORK) for config in configs)
        plan = Plan(experiment="cost", version=1, queue="cpu", grids=({"x": [0, 1]},), points=points)
        return Proposal(plan=plan, notes=tuple({} for _ in points), refused=(), exhausted="")


def begin(store: Store, owner=None):
    search = NewSearch(SEARCH, None, False)
    return store.add_sweep(new_sweep(0, grids=({"x": [0, 1]},), search=search, owner=owner)).id


def asked(store: Store, sweep_id, **settings) -> bool:
    return ask(store.open_search(sweep_id), store, Proposes(), Settings(**settings))


def test_a_search_ends_before_its_trials_come_to_more_than_a_sweep_may_compute(store):
    sweep_id = begin(store)
    assert asked(store, sweep_id, max_sweep_macs=35)
    for _ in range(2):
        claim = taken(store)
        store.finish(claim.run_id, claim.fence, succeeded(y=1))
    assert asked(store, sweep_id, max_sweep_macs=35), "the third is within, the fourth is not"
    sweep = store.sweep(sweep_id)
    assert (sweep.total, sweep.search.asked) == (3, 3)
    assert sweep.search.why == "4 trials come to 40 multiply-accumulates, and a sweep may have 35 here"
    assert store.open_search(sweep_id) is None


def test_trials_count_for_the_quota_of_the_owner_of_their_search(store):
    store.most_queued_each = 3
    store.add_sweep(new_sweep(2, owner="ada"))
    mine, other = begin(store, "ada"), begin(store, "bob")
    with pytest.raises(QuotaExceeded, match="2 runs of ada are queued, and 2 more are asked for"):
        asked(store, mine)
    assert asked(store, other)
    assert (store.sweep(mine).total, store.sweep(other).total) == (0, 2)
