"""A run that has other runs as its inputs waits for them, shares their fate, and reads what they have left."""

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from backend.store import InputFile, InputGone, QuotaExceeded, RunQuery
from backend.store.schema import runs
from mgic.records import Artifact, InputRun, Reason, RunStatus
from tests.backend.store_points import add, ended, fail, new_sweep, slot, succeeded, taken

MODEL = Artifact(name="model.safetensors", media_type="application/octet-stream", size=3, sha256="a" * 64)


def finish(store, claim, files=()):
    ending = store.finish(claim.run_id, claim.fence, succeeded(), files)
    assert ending is not None
    return ending


def test_a_run_waits_for_all_its_inputs_and_then_reads_their_files(store):
    first, second = add(store, 2)
    (waiting,) = add(store, 1, needs=[first, second], files=["model.safetensors", "other.png"], priority=0)
    run = store.run(waiting)
    assert (run.status, run.made_from) == ("queued", {"input0": first, "input1": second})
    assert run.inputs["input1"] == InputRun(experiment=run.experiment, config=store.run(second).config)
    assert [(one.id, one.status) for one in run.waits_for] == [(first, "queued"), (second, "queued")]
    assert (store.queued(), store.eligible()) == ({"cpu": 3}, {"cpu": 2})
    one, two = taken(store), taken(store)
    assert store.claim(slot()) is None
    assert finish(store, one, [MODEL]).rings == {}
    assert [(each.id, each.status) for each in store.run(waiting).waits_for] == [(second, "running")]
    assert store.claim(slot()) is None
    assert finish(store, two).rings == {"cpu": 1}
    claim = taken(store)
    assert claim.run_id == waiting
    assert claim.inputs == {
        "input0": (InputFile("model.safetensors", first, one.fence, MODEL.sha256), InputFile("other.png", first)),
        "input1": (InputFile("model.safetensors", second), InputFile("other.png", second)),
    }
    assert store.needed_by(first) == [waiting]
    assert [run.id for run in store.runs(10, None, RunQuery({"made_from": first}))[0]] == [waiting]
    assert store.runs(10, None, RunQuery({"made_from": first, "status": "queued"}))[0] == []


def test_the_files_of_a_reused_result_are_those_of_its_source(store):
    (source,) = add(store)
    finish(store, taken(store), [MODEL])
    (reused,) = add(store, reuse=True)
    (waiting,) = add(store, 1, needs=[reused], files=["model.safetensors"])
    (file,) = taken(store).inputs["input0"]
    assert (file.run_id, file.sha256) == (source, MODEL.sha256)
    assert (store.needed_by(source), store.needed_by(reused)) == ([reused], [waiting])


def test_what_waits_for_a_failed_run_fails_with_it_and_so_on(store):
    (first,) = add(store)
    (second,) = add(store, 1, needs=[first])
    (third,) = add(store, 1, needs=[second, first], queue="timing")
    fail(store, taken(store))
    for run_id, needed, reason in ((second, first, "oom"), (third, first, "oom")):
        run = store.run(run_id)
        assert (run.status, run.reason, run.waits_for) == ("failed", Reason.INPUT_FAILED, ())
        assert run.failure.message == f"Run {needed}, which is its input, has failed ({reason})."
    with pytest.raises(InputGone):
        add(store, 1, needs=[first])
    with pytest.raises(InputGone):
        add(store, 1, needs=[uuid4()])


def test_a_cancelled_sweep_takes_what_waits_for_its_runs_along(store):
    sweep = store.add_sweep(new_sweep(3))
    first, *others = (run.id for run in store.sweep_runs(sweep.id, 3)[0])
    needs = [add(store, 1, needs=[one])[0] for one in (first, *others)]
    assert taken(store).run_id == first
    assert (store.cancel_sweep(sweep.id), store.cancel_sweep(sweep.id)) == (3, 1)
    assert store.sweep(sweep.id).counts == {"cancelling": 1, "cancelled": 2}
    found = [store.run(run_id) for run_id in needs]
    assert [(run.status, run.reason) for run in found] == [("queued", None), *[("failed", Reason.INPUT_FAILED)] * 2]
    assert found[1].failure.message == f"Run {others[0]}, which is its input, was cancelled."


def test_a_cancelled_input_says_so_and_its_retry_takes_all_that_failed_for_want_of_it_along(store):
    (first,) = add(store)
    (second,) = add(store, 1, needs=[first])
    (third,) = add(store, 1, needs=[second])
    store.cancel_run(first)
    assert store.run(second).failure.message == f"Run {first}, which is its input, was cancelled."
    again = store.retry(first)
    (two,) = store.runs(10, None, RunQuery({"made_from": again.id}))[0]
    (three,) = store.runs(10, None, RunQuery({"made_from": two.id}))[0]
    assert (two.retry_of, three.retry_of) == (second, third)
    assert (two.config["input0"], two.requested["input0"]) == (str(again.id), str(again.id))
    with store._read() as connection:
        keys = connection.execute(runs.select().with_only_columns(runs.c.config_key)).scalars().all()
    assert len(set(keys)) == len(keys) - 1, "the key names the input; that of the first run and of its retry are one"
    for expected in (again.id, two.id, three.id):
        claim = taken(store)
        assert claim.run_id == expected
        finish(store, claim)


def test_retrying_what_failed_for_want_of_an_input_retries_that_first_and_each_once(store):
    first, other = add(store, 2)
    sweep = store.add_sweep(new_sweep(3, needs=[first, other]))
    for _ in range(2):
        fail(store, taken(store))
    assert store.retry_failed(sweep.id) == 3
    assert store.sweep(sweep.id).counts == {"queued": 3}
    claims = [taken(store), taken(store)]
    assert {store.run(claim.run_id).retry_of for claim in claims} == {first, other}
    assert store.claim(slot()) is None
    for claim in claims:
        finish(store, claim)
    assert len({taken(store).run_id for _ in range(3)}) == 3


def test_a_run_that_failed_by_itself_keeps_its_input(store):
    (first,) = add(store)
    (second,) = add(store, 1, needs=[first])
    finish(store, taken(store))
    fail(store, taken(store))
    assert store.retry(second).made_from == {"input0": first}
    assert taken(store).attempt == 1


def test_a_waiting_timing_run_does_not_keep_its_host(store):
    store.worker_seen(slot("timing", worker="clock"), 1, "0.1")
    first, _ = add(store, 2)
    add(store, 1, queue="timing", needs=[first])
    claim = taken(store)
    running = taken(store)
    finish(store, claim)
    assert store.claim(slot(worker="w2")) is None, "now it can be claimed, and has its host to itself"
    finish(store, running)
    assert taken(store, slot("timing", worker="clock")).inputs.keys() == {"input0"}


def test_two_sweeps_of_which_one_follows_the_other_are_stored_together_or_not_at_all(store):
    ids = [uuid4(), uuid4()]
    first = new_sweep(2, idempotency_key="k", payload_hash="p")
    first = replace(first, runs=[replace(run, id=run_id) for run, run_id in zip(first.runs, ids, strict=True)])
    then = replace(first, then=replace(new_sweep(0), runs=[new_sweep(needs=[run_id]).runs[0] for run_id in ids]))
    store.most_queued = 3
    with pytest.raises(QuotaExceeded):
        store.add_sweep(then)
    assert store.runs(10)[0] == []
    store.most_queued = 4
    sweep = store.add_sweep(then)
    assert store.add_sweep(then).then_sweep_id == sweep.then_sweep_id
    following, _ = store.sweep_runs(sweep.then_sweep_id, 10)
    assert [run.made_from["input0"] for run in following] == ids
    for _ in ids:
        claim = taken(store)
        assert claim.run_id in ids
        assert store.finish(claim.run_id, claim.fence, ended(RunStatus.CANCELLED))
    assert store.sweep(sweep.then_sweep_id).counts == {"failed": 2}


def test_the_database_refuses_to_remove_what_another_run_needs(store):
    (first,) = add(store)
    (second,) = add(store, 1, needs=[first])
    for run_id, refused in ((first, True), (second, False), (first, False)):
        try:
            with store._write() as connection:
                connection.execute(runs.delete().where(runs.c.id == run_id))
        except IntegrityError:
            assert refused
        else:
            assert not refused
