"""Comparisons come out of the store as they went in, are found by what they are of, and make a history."""

from functools import partial

import pytest
from sqlalchemy import func, select

from backend.store import ComparisonQuery, NewComparison
from backend.store.schema import comparison_rows
from mgic.errors import Conflict, NotFound
from tests.backend.test_store_sweeps import at_once
from tests.cases import thorough
from tests.comparisons import CASES, drawn

ONE = ("resnet20",)


def new(case: str = "pass", number: int = 0, key: str | None = None, digest: str = "a", **more) -> NewComparison:
    return NewComparison(drawn(case, number, ONE, blocks=2, **more), "elsewhere", key, digest)


@pytest.mark.parametrize("case", ["gone", *thorough(*[case for case in CASES if case != "gone"])])
def test_a_comparison_comes_out_as_it_went_in_but_for_what_the_service_says_of_it(store, case):
    given = NewComparison(drawn(case, 3, id=store._new_id()), "elsewhere")
    added = store.add_comparison(given)
    assert store.comparison(added.id) == added
    own = {"id": added.id, "created_at": added.created_at, "origin": "elsewhere"}
    assert added == given.comparison.model_copy(update=own)
    assert added.id != given.comparison.id
    assert store.comparison(added.id, samples=False) == added.model_copy(update={"samples": ()})
    with pytest.raises(NotFound, match="no comparison"):
        store.comparison(given.comparison.id)


def test_a_key_used_again_gives_the_same_comparison_even_at_one_moment(store):
    answers = at_once([partial(store.add_comparison, new(key="k"))] * 6)
    assert len({answer.id for answer in answers}) == 1
    assert store.comparison_of_key("k", "a") == answers[0]
    assert store.comparison_of_key("other", "a") is store.comparison_of_key(None, "a") is None
    with pytest.raises(Conflict, match="Idempotency-Key"):
        store.add_comparison(new(key="k", digest="b"))
    assert len(store.comparisons(10)[0]) == 1


def test_lists_are_newest_first_and_have_the_worst_row(store):
    store.add_comparison(new("pass", 0))
    store.add_comparison(new("regression", 1, name="other/project"))
    store.add_comparison(NewComparison(drawn("gone", 2), "elsewhere"))
    (gone, worse, fine), end = store.comparisons(10)
    assert end is None
    assert [one.verdict for one in (gone, worse, fine)] == ["not measured", "regression", "pass"]
    assert (gone.worst.metric, gone.worst.verdict) == (None, "gone")
    assert (worse.worst.model, worse.worst.metric, worse.worst.verdict) == ("resnet20", "cpu_time", "regression")
    assert (fine.branch, fine.commit, fine.testbed, fine.dirty) == ("faster-stem", f"{1:040x}", "runner-1", False)
    first, cursor = store.comparisons(2)
    store.add_comparison(new("pass", 3))
    assert [*first, *store.comparisons(2, cursor)[0]] == [gone, worse, fine]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"name": "acme/vision"}, [2, 0]),
        ({"name": "acme/vision", "verdict": "pass", "testbed": "runner-1"}, [0]),
        *thorough(({"branch": "main"}, [1]), ({"verdict": "regression"}, [1]), ({"name": "acme/%"}, [])),
    ],
)
def test_a_list_has_those_that_meet_all_conditions(store, query, found):
    main = drawn().head_side.model_copy(update={"branch": "main"})
    made = [new(), new("regression", name="other", head_side=main), new("inconclusive")]
    ids = [store.add_comparison(one).id for one in made]
    assert [one.id for one in store.comparisons(10, query=ComparisonQuery(**query))[0]] == [ids[at] for at in found]


def test_a_history_is_the_newest_points_of_one_metric_with_the_oldest_first(store):
    added = [store.add_comparison(new(number=number, base_ms=8 + number)) for number in range(5)]
    store.add_comparison(new(number=9, name="other"))
    ours = ComparisonQuery(name="acme/vision")
    points, cursor = store.history("resnet20", "cpu_time", 3, query=ours)
    assert [point.comparison_id for point in points] == [one.id for one in added[2:]]
    earlier, end = store.history("resnet20", "cpu_time", 3, cursor, ours)
    assert ([point.comparison_id for point in earlier], end) == ([one.id for one in added[:2]], None)
    (row,) = [row for row in added[2].rows if row.metric == "cpu_time"]
    assert (points[0].row, points[0].testbed, points[0].created_at) == (row, "runner-1", added[2].created_at)
    assert store.history("resnet20", "throughput", 3) == store.history("resnet%", "macs", 3) == ([], None)
    assert store.history("resnet20", "macs", 3, query=ComparisonQuery(branch="main")) == ([], None)


def test_what_is_deleted_leaves_nothing(store):
    kept, gone = store.add_comparison(new()), store.add_comparison(new(number=1))
    store.delete_comparison(gone.id)
    assert [one.id for one in store.comparisons(10)[0]] == [kept.id]
    with store._read() as connection:
        assert connection.scalar(select(func.count()).select_from(comparison_rows)) == len(kept.rows)
    with pytest.raises(NotFound, match="no comparison"):
        store.delete_comparison(gone.id)
