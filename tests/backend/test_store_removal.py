"""What has ended and nobody needs can be deleted, with all it left; on both databases."""

import pytest
from sqlalchemy import func, select

from backend.store import NewBaseline
from backend.store.schema import metadata
from mgic.errors import Conflict, NotFound
from mgic.records import Artifact, ModelFigures, Source, Top1
from tests.backend.store_points import add, fail, new_sweep, succeeded, taken

FILE = Artifact(name="a.png", media_type="image/png", size=3, sha256="0" * 64)


def finished(store, *args, **values):
    ids = add(store, *args, **values)
    for _ in ids:
        claim = taken(store)
        store.record(claim.run_id, claim.fence, [("loss", 1, 0.5)], ["line"])
        assert store.finish(claim.run_id, claim.fence, succeeded(), [FILE])
    return ids


def rows(store) -> dict[str, int]:
    """How many there are in each table, where there are any; names of fields stay."""
    with store._read() as connection:
        counts = {
            name: connection.scalar(select(func.count()).select_from(table)) for name, table in metadata.tables.items()
        }
    return {name: count for name, count in counts.items() if count and name != "fields"}


def test_nothing_of_a_deleted_sweep_stays_but_word_of_its_files(store):
    ids = finished(store, 3, tags=("t",))
    sweep_id = store.run(ids[0]).sweep_id
    store.describe_run(ids[0], {"tags": ["u"], "notes": "n"})
    (waiting,) = add(store, [{"y": 1}])
    store.cancel_run(waiting)
    store.delete_run(waiting)
    store.delete_sweep(store.sweeps(9)[0][0].id)
    store.delete_sweep(sweep_id)
    assert rows(store) == {"leftovers": 3}
    assert set(store.leftovers(9)) == {*ids}
    store.forget_leftovers(ids)
    assert rows(store) == {}
    for gone in (store.run, store.delete_run):
        with pytest.raises(NotFound):
            gone(ids[0])
    with pytest.raises(NotFound):
        store.delete_sweep(sweep_id)


def test_what_has_not_ended_stays(store):
    ids = add(store, 2)
    claim = taken(store)
    with pytest.raises(Conflict, match=f"cancel it first: run {claim.run_id} is running"):
        store.delete_run(claim.run_id)
    store.finish(claim.run_id, claim.fence, succeeded())
    store.delete_run(claim.run_id)
    with pytest.raises(Conflict, match="is queued"):
        store.delete_sweep(store.run(ids[1]).sweep_id)
    assert store.run(ids[1]).status == "queued"


def test_what_others_are_made_from_stays_until_these_go(store):
    (first,) = finished(store)
    (second,) = add(store, [{"y": 1}], needs=[first])
    for delete, one in ((store.delete_run, first), (store.delete_sweep, store.run(first).sweep_id)):
        with pytest.raises(Conflict, match=f"run {second} has run {first} as its input"):
            delete(one)
    store.cancel_run(second)
    store.delete_run(second)
    store.delete_run(first)


def test_a_result_that_others_took_over_stays(store):
    (first,) = finished(store)
    (second,) = add(store, 1, reuse=True)
    with pytest.raises(Conflict, match=f"run {second} took over the result of run {first}"):
        store.delete_run(first)
    store.delete_run(second)
    store.delete_run(first)


def test_a_run_that_a_baseline_names_stays(store):
    (first,) = finished(store)
    training = {"dataset": "digits", "dataset_hash": "a", "epochs": 1, "seed": 0, "training": {}}
    top1 = Top1(value=90.0, run_id=first, experiment="classification", experiment_version=1, **training)
    figures = ModelFigures(model="m", options={}, input_size=(3, 8, 8), params=1, macs=1, size_bytes=1, top1=top1)
    store.add_baseline(NewBaseline("main", Source(mgic="0", commit="c", dirty=False), (figures,)))
    with pytest.raises(Conflict, match=f"the baseline main has the accuracy of run {first}"):
        store.delete_run(first)


def test_a_sweep_that_followed_another_is_not_named_by_it_any_more(store):
    then = new_sweep(1, experiment="cost")
    first = store.add_sweep(new_sweep(1, then=then))
    for _ in range(2):
        claim = taken(store)
        store.finish(claim.run_id, claim.fence, succeeded())
    store.delete_sweep(store.sweep(first.id).then_sweep_id)
    assert store.sweep(first.id).then_sweep_id is None


def test_a_run_gets_its_place_back_when_its_retry_is_deleted(store):
    (first,) = add(store)
    fail(store, taken(store))
    again = store.retry(first)
    store.cancel_run(again.id)
    store.delete_run(again.id)
    sweep = store.sweep(store.run(first).sweep_id)
    assert sweep.counts == {"failed": 1}
    third = store.retry(first)
    store.delete_run(first)
    assert (store.run(third.id).retry_of, store.sweep(sweep.id).counts) == (None, {"queued": 1})


def test_the_state_of_what_was_measured_is_another_after_a_deletion_and_the_same_again(store):
    """Ids may be given a second time."""
    (first,) = finished(store)
    before = store.measured_state()
    store.delete_run(first)
    assert store.measured_state() != before
    finished(store)
    assert store.measured_state() != before
