"""Lists of runs are found, sorted and gone through page by page as their words say, on both databases."""

import hypothesis
import pytest
from hypothesis import strategies as st

from backend.store import Condition, RunQuery
from backend.store.facts import as_fact
from mgic.records import RunStatus
from tests.backend.conftest import empty
from tests.backend.store_points import add, ended, fail, new_sweep, succeeded, taken

FEW = st.sampled_from([None, 0, 1, 1.5, -2, True, "a", "b", "Z", "8", [1, 2]])  # so that many are equal


def number(text: str, operator="=") -> Condition:
    field, value = text.split(operator)
    return Condition(field, operator, float(value), value)


def pages(store, query, limit):
    found, place = store.runs(limit, None, query)
    seen = list(found)
    while place is not None:
        assert len(found) == limit
        found, place = store.runs(limit, place, query)
        seen += found
    return seen


def in_order(values, descending):
    """Places in the sweep, newest last: numbers, then texts, then those without; of equals the newest first."""
    kinds = {place: value for place, value in enumerate(values)}
    numbers = {place: float(v) for place, v in kinds.items() if isinstance(v, bool | int | float)}
    texts = {place: "[1,2]" if isinstance(v, list) else v for place, v in kinds.items() if isinstance(v, str | list)}
    found = []
    for part in (numbers, texts):
        for value in sorted(set(part.values()), reverse=descending):
            found += sorted((place for place, one in part.items() if one == value), reverse=True)
    return found + sorted(kinds.keys() - numbers.keys() - texts.keys(), reverse=True)


@hypothesis.settings(max_examples=20, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(st.lists(FEW, min_size=1, max_size=12), st.integers(1, 5), st.booleans(), st.booleans())
def test_pages_in_any_order_neither_skip_nor_repeat_a_run(store, values, limit, descending, within):
    empty(store)
    add(store, [{"x": value} for value in values])
    query = RunQuery({"experiment": "cost"} if within else None, sort="config.x", descending=descending)
    assert [run.number for run in pages(store, query, limit)] == in_order(values, descending)
    assert store.count_runs(query) == len(values)
    oldest_first = RunQuery(descending=False)
    assert [run.number for run in pages(store, oldest_first, limit)] == list(range(len(values)))


def test_a_page_goes_on_behind_a_run_that_is_deleted_meanwhile(store):
    ids = add(store, [{"x": 1}] * 5)
    for run_id in ids:
        store.cancel_run(run_id)
    query = RunQuery(sort="config.x")
    first, place = store.runs(2, None, query)
    store.delete_run(first[-1].id)
    assert [run.number for run in store.runs(9, place, query)[0]] == [2, 1, 0]


def test_conditions_hold_for_fields_of_any_kind(store):
    add(store, [{"x": 1, "on": True}, {"x": 8, "on": False}, {"x": "8"}, {"x": "digits"}, {"x": None, "on": True}])

    def found(*conditions):
        query = RunQuery(conditions=conditions, descending=False)
        numbers = [run.number for run in store.runs(10, None, query)[0]]
        assert store.count_runs(query) == len(numbers)
        return numbers

    assert found(number("config.x=8")) == [1, 2]  # a text may look like a number
    assert found(number("config.x>=1", ">=")) == [0, 1]
    assert found(number("config.x<8", "<")) == [0]
    assert found(Condition("config.x", "=", "digits", "digits")) == [3]
    assert found(number("config.x!=8", "!=")) == [0, 3]
    assert found(Condition("config.x", "!=", "digits", "digits")) == [0, 1, 2]
    assert found(Condition("config.x", "=", None)) == [4]
    assert found(Condition("config.x", "!=", None)) == [0, 1, 2, 3]
    assert found(Condition("config.on", "=", 1.0, "true")) == [0, 4]
    assert found(Condition("config.on", "=", 1.0, "true"), number("config.x=1")) == [0]
    assert found(number("config.none=1")) == []


def test_a_result_is_found_by_its_scalars_from_its_end_on(store):
    add(store, 3)
    for top1 in (90.5, 12.0):
        claim = taken(store)
        store.finish(claim.run_id, claim.fence, succeeded(top1=top1, rows=[{"a": 1}]))
    high = RunQuery(conditions=[number("result.top1>=90", ">=")])
    assert [run.number for run in store.runs(9, None, high)[0]] == [0]
    assert [run.number for run in pages(store, RunQuery(sort="result.top1"), 2)] == [0, 1, 2]
    assert store.count_runs(RunQuery(conditions=[number("seconds=1")])) == 2
    assert {"config.x", "result.top1", "seconds", "created_at"} <= store.field_names().keys()
    assert "result.rows" not in store.field_names()
    again = add(store, [{"x": 0}], reuse=True)
    assert {run.id for run in store.runs(9, None, high)[0]} >= {*again}


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        (True, (1.0, None)),
        (3, (3.0, None)),
        (10**400, None),
        (float("nan"), None),
        (None, None),
        ({"a": 1}, None),
        ("a\0\ud800b", (None, "a?b")),
        ("x" * 300, (None, "x" * 200)),
        ([3, 32, 32], (None, "[3,32,32]")),
    ],
)
def test_a_fact_is_a_finite_number_or_a_text_that_any_database_takes(value, fact):
    assert as_fact(value) == fact


def test_the_run_of_a_retry_is_found_as_the_one_it_replaces_was(store):
    (first,) = add(store, [{"x": 7}])
    store.describe_run(first, {"tags": ["keep"]})
    fail(store, taken(store))
    again = store.retry(first)
    assert [run.id for run in store.runs(9, None, RunQuery(conditions=[number("config.x=7")]))[0]] == [again.id, first]
    assert [run.id for run in store.runs(9, None, RunQuery(tag="keep"))[0]] == [again.id, first]


def test_words_are_found_where_people_look_for_them(store):
    sweep = store.add_sweep(
        new_sweep([{"x": 1, "model": "mgic_resnet20"}, {"x": 2}], name="Group size", tags=("paper",))
    )
    (other,) = add(store, [{"x": 3, "model": "resnet56"}])
    runs = store.sweep_runs(sweep.id, 9)[0]
    store.describe_run(other, {"notes": "Diverged at 100 % of LR_max", "tags": ["strange/one"]})

    def found(*words):
        return {run.id for run in store.runs(9, None, RunQuery(words=words))[0]}

    both = {run.id for run in runs}
    assert found("group") == found("SIZE", "gro") == found("aper") == both
    assert found("mgic_resnet") == {runs[0].id}
    assert found("resnet") == {runs[0].id, other}
    assert found("lr_max", "100") == found("%") == found("strange") == {other}
    assert found("group", "strange") == found("_x_") == set()
    in_it = RunQuery({"sweep_id": sweep.id, "experiment": "cost"}, [number("config.x=1")], ["resnet"])
    assert store.runs(9, None, in_it)[0] == [runs[0]]
    assert store.count_runs(RunQuery({"status": RunStatus.QUEUED}, words=["resnet"])) == 2
    assert found(str(other)[:8]) >= {other}
    assert found(str(other)) == {other}
    assert store.runs(9, None, RunQuery(tag="paper"))[0] == list(reversed(runs))
    assert [one.id for one in store.sweeps(9, words=("grou",))[0]] == [sweep.id]
    assert [one.id for one in store.sweeps(9, tag="paper")[0]] == [sweep.id]
    assert [one.id for one in store.sweeps(9, words=("pape",), experiment="cost")[0]] == [sweep.id]
    assert store.sweeps(9, experiment="latency") == ([], None)


def test_tags_and_notes_are_set_whole_and_names_of_sweeps_too(store):
    sweep = store.add_sweep(new_sweep(1, name="old", tags=("a", "b")))
    (run,) = store.sweep_runs(sweep.id, 9)[0]
    assert (run.sweep_name, run.tags, run.sweep_tags, run.notes) == ("old", (), ("a", "b"), "")
    store.describe_sweep(sweep.id, {"tags": ["c"], "name": "new"})
    store.describe_sweep(sweep.id, {"notes": "why"})
    store.describe_run(run.id, {"tags": ["own"], "notes": "odd"})
    changed = store.sweep(sweep.id)
    assert (changed.name, changed.tags, changed.notes) == ("new", ("c",), "why")
    again = store.run(run.id)
    assert (again.sweep_name, again.tags, again.sweep_tags, again.notes) == ("new", ("own",), ("c",), "odd")
    store.describe_run(run.id, {"tags": []})
    assert (store.run(run.id).tags, store.run(run.id).notes) == ((), "odd")


def test_a_cancelled_sweep_runs_its_rest_if_that_is_asked_for(store):
    sweep = store.add_sweep(new_sweep(4))
    claim = taken(store)
    store.finish(claim.run_id, claim.fence, succeeded())
    fail(store, taken(store))
    store.cancel_sweep(sweep.id)
    assert store.retry_failed(sweep.id) == 1
    assert store.sweep(sweep.id).counts == {"succeeded": 1, "queued": 1, "cancelled": 2}
    assert store.retry_failed(sweep.id, cancelled=True) == 2
    assert store.sweep(sweep.id).counts == {"succeeded": 1, "queued": 3}
    assert store.retry_failed(sweep.id, cancelled=True) == 0


@pytest.mark.parametrize("status", list(RunStatus)[3:])
def test_what_has_ended_in_any_way_is_found_by_its_time(store, status):
    add(store)
    claim = taken(store)
    assert store.finish(claim.run_id, claim.fence, ended(status))
    assert store.count_runs(RunQuery(conditions=[number("seconds>=1", ">=")])) == 1
