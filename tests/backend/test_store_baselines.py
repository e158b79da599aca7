"""Baselines come out of the store as they went in, each name once."""

from functools import partial
from pathlib import Path

import pytest

from backend import gate
from backend.catalogue import Catalogue
from backend.store import NewBaseline
from mgic.errors import Conflict, NotFound, Unavailable
from mgic.records import BaselineRequest, ModelFigures, Source
from tests.backend.test_store_sweeps import at_once

SOURCE = Source(mgic="0.1.0", commit="unknown", dirty=None)


def new(name: str = "main", **more) -> NewBaseline:
    options = {"width": 16, "coarsening": "paper", "x": None, "steps": [1, 2.5]}
    figures = ModelFigures(model="m", options=options, input_size=(3, 8, 8), params=1, macs=2**62, size_bytes=3)
    return NewBaseline(name=name, source=SOURCE, models=(figures,), **more)


def test_a_baseline_comes_out_as_it_went_in(store):
    added = store.add_baseline(new())
    assert store.baseline(added.id) == added
    assert (added.name, added.source, added.models) == ("main", SOURCE, new().models)
    assert added.created_at.tzinfo is not None
    with pytest.raises(NotFound, match="no baseline"):
        store.baseline(store._new_id())


def test_a_name_is_given_once_even_at_one_moment(store):
    answers = at_once([partial(store.add_baseline, new()) for _ in range(6)])
    assert sum(isinstance(answer, Conflict) for answer in answers) == 5
    with pytest.raises(Conflict, match="main already"):
        store.add_baseline(new())
    assert len(store.baselines(10)[0]) == 1


def test_a_deleted_one_leaves_its_name_to_another(store):
    first = store.add_baseline(new())
    store.delete_baseline(first.id)
    assert store.add_baseline(new()).id != first.id
    with pytest.raises(NotFound, match="no baseline"):
        store.delete_baseline(first.id)


def test_a_key_used_again_gives_the_same_baseline_even_at_one_moment(store):
    keyed = new(idempotency_key="k", payload_hash="a")
    answers = at_once([partial(store.add_baseline, keyed)] * 6)
    assert len({answer.id for answer in answers}) == 1
    assert store.baseline_of_key("k", "a") == answers[0]
    assert store.baseline_of_key("other", "a") is store.baseline_of_key(None, "a") is None


def test_a_key_used_for_another_request_is_refused(store):
    store.add_baseline(new(idempotency_key="k", payload_hash="a"))
    for ask in (partial(store.baseline_of_key, "k", "b"),
                partial(store.add_baseline, new("other", idempotency_key="k", payload_hash="b"))):  # fmt: skip
        with pytest.raises(Conflict, match="Idempotency-Key"):
            ask()
    assert len(store.baselines(10)[0]) == 1


def test_counting_that_takes_too_long_is_put_off_and_keeps_nothing(store, monkeypatch):
    monkeypatch.setattr(gate, "COUNT_S", -1.0)
    request = BaselineRequest(name="main", models=["resnet20"])
    with pytest.raises(Unavailable, match="models/0 is still to be counted; send it again"):
        gate.add_baseline(request, None, store, Catalogue(Path("data"), 1))
    assert store.baselines(10) == ([], None)


def test_pages_are_newest_first_and_a_name_finds_its_own(store):
    names = [store.add_baseline(new(f"b{number}")).name for number in range(5)]
    first, cursor = store.baselines(3)
    store.add_baseline(new("later"))
    second, end = store.baselines(3, cursor)
    assert [found.name for found in first + second] == names[::-1]
    assert end is None
    assert [found.name for found in store.baselines(3, name="b2")[0]] == ["b2"]
    assert store.baselines(3, name="b%") == ([], None)
