"""A run goes from state to state as the store's own words say, on both databases."""

import pytest

from mgic.errors import Conflict, NotFound
from mgic.records import Artifact, Reason, RunStatus
from tests.backend.store_points import (
    CPU,
    KILLED,
    add,
    ended,
    expire,
    fail,
    history,
    new_sweep,
    slot,
    succeeded,
    taken,
)

ENDS = [RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED]


def cancelling(store, claim) -> None:
    assert store.cancel_run(claim.run_id).status == "cancelling"


# Claims


def test_claims_go_by_priority_then_age(store):
    late = add(store, 2, priority=5)
    urgent = add(store, 1, priority=0)
    last = add(store, 1, priority=9)
    assert [taken(store).run_id for _ in range(4)] == [*urgent, *late, *last]
    assert store.claim(CPU) is None


def test_a_claim_says_all_that_the_worker_needs(store):
    (run_id,) = add(store, [{"x": 3}])
    claim = taken(store)
    assert (claim.run_id, claim.fence, claim.attempt) == (run_id, 1, 1)
    assert (claim.experiment, claim.config, claim.device) == ("cost", {"x": 3}, "cpu")
    run = store.run(run_id)
    assert (run.status, run.worker, run.attempt) == ("running", "w1", 1)
    assert run.started_at >= run.created_at


def test_a_worker_takes_only_runs_of_its_queue_and_its_device(store):
    (on_gpu,) = add(store, 1, queue="gpu", device="cuda")
    (on_cpu,) = add(store, 1, queue="gpu", device="cpu")
    assert store.claim(slot("cpu", device="cuda")) is None
    assert taken(store, slot("gpu", device="cpu")).run_id == on_cpu
    assert store.claim(slot("gpu", device="cpu")) is None
    assert taken(store, slot("gpu", device="cuda")).run_id == on_gpu


def test_a_worker_with_a_gpu_takes_the_cpu_runs_of_its_queue_too(store):
    (run_id,) = add(store, 1, queue="gpu", device="cpu")
    assert taken(store, slot("gpu", device="cuda")).run_id == run_id


# Heartbeats and leases


def test_a_heartbeat_prolongs_the_lease_and_tells_progress(store):
    (run_id,) = add(store)
    claim = taken(store)
    expire(store, run_id)
    assert store.heartbeat(run_id, claim.fence, 0.25, "training") == "ok"
    assert store.reap() == 0
    run = store.run(run_id)
    assert (run.progress, run.phase) == (0.25, "training")


def test_a_heartbeat_brings_the_wish_to_cancel_and_the_loss_of_the_run(store):
    (run_id,) = add(store)
    claim = taken(store)
    assert store.heartbeat(run_id, claim.fence + 1, 0.5) == "lost"
    assert store.run(run_id).progress == 0
    cancelling(store, claim)
    assert store.heartbeat(run_id, claim.fence, 0.5) == "cancel"
    assert store.finish(run_id, claim.fence, ended(RunStatus.CANCELLED))
    assert store.heartbeat(run_id, claim.fence, 0.9) == "lost"


def test_a_run_whose_worker_is_silent_is_queued_again_and_its_old_owner_is_out(store):
    (run_id,) = add(store)
    old = taken(store)
    expire(store, run_id)
    assert store.reap() == 1
    assert store.reap() == 0
    assert store.run(run_id).status == "queued"
    new = taken(store, slot(worker="w2"))
    assert (new.attempt, new.run_id) == (2, run_id)
    assert new.fence > old.fence
    assert store.heartbeat(run_id, old.fence, 0.9) == "lost"
    assert not store.finish(run_id, old.fence, succeeded(y=666))
    assert not store.release(run_id, old.fence, None)
    assert not store.record(run_id, old.fence, [("loss", 0, 1.0)], ["line"])
    assert store.run(run_id).worker == "w2"
    assert store.finish(run_id, new.fence, succeeded(y=2))
    assert store.run(run_id).result == {"y": 2}
    assert store.log(run_id)[0] == []


def test_a_silent_worker_on_the_last_attempt_fails_the_run(store):
    (run_id,) = add(store)
    for _ in range(2):
        taken(store)
        expire(store, run_id)
        assert store.reap() == 1
    run = store.run(run_id)
    assert (run.status, run.reason, run.attempt) == ("failed", Reason.WORKER_LOST, 2)
    assert history(store, run_id) == ["queued", "running", "queued", "running", "failed"]


def test_a_run_that_was_to_be_cancelled_is_so_when_its_worker_is_lost(store):
    (run_id,) = add(store)
    cancelling(store, taken(store))
    assert store.reap() == 0
    expire(store, run_id)
    assert store.reap() == 1
    assert store.run(run_id).status == "cancelled"


def test_a_lease_that_has_not_ended_is_left_alone(store):
    add(store, 3)
    first = taken(store)
    taken(store)
    expire(store, first.run_id)
    assert store.reap() == 1


# Ends


@pytest.mark.parametrize("status", ENDS)
def test_an_end_is_stored_once_and_is_for_ever(store, status):
    (run_id,) = add(store)
    claim = taken(store)
    assert store.finish(run_id, claim.fence, ended(status))
    before = store.run(run_id)
    assert before.status == status
    assert (before.result == {"y": 1}) == (status == "succeeded")
    assert before.seconds == 1.0
    assert before.finished_at >= before.started_at
    for other in ENDS:  # a success is answered again, in case the first answer was lost; nothing changes
        again = store.finish(run_id, claim.fence, ended(other))
        assert (again is not None) == (status == other == "succeeded")
    assert not store.finish(run_id, claim.fence - 1, ended("succeeded"))
    assert not store.release(run_id, claim.fence, KILLED)
    with pytest.raises(Conflict, match="has ended"):
        store.cancel_run(run_id)
    expire(store, run_id)
    assert store.reap() == 0
    with store._write() as connection:
        connection.exec_driver_sql("update runs set lease_until = null")
    assert store.run(run_id) == before


@pytest.mark.parametrize("fence", [0, 2, -1])
def test_an_end_needs_the_fence_of_the_claim(store, fence):
    (run_id,) = add(store)
    assert taken(store).fence == 1
    assert not store.finish(run_id, fence, succeeded())
    assert store.run(run_id).status == "running"


def test_a_success_that_comes_before_the_cancellation_takes_effect_stands(store):
    (run_id,) = add(store)
    claim = taken(store)
    cancelling(store, claim)
    assert store.finish(run_id, claim.fence, succeeded(y=7))
    run = store.run(run_id)
    assert (run.status, run.result, run.progress) == ("succeeded", {"y": 7}, 1.0)


def test_artifacts_are_those_of_the_attempt_that_succeeded(store):
    first, second = add(store, 2)
    file = Artifact(name="a.png", media_type="image/png", size=3, sha256="0" * 64)
    fail_claim, good_claim = taken(store), taken(store)
    assert store.finish(first, fail_claim.fence, ended(RunStatus.FAILED), [file])
    assert store.finish(second, good_claim.fence, succeeded(), [file])
    assert store.artifacts(first) == []
    assert store.artifacts(second) == [(file, second, good_claim.fence)]


# Release


def test_an_attempt_that_was_killed_counts_and_the_last_one_fails_with_what_killed_it(store):
    (run_id,) = add(store)
    claim = taken(store)
    assert store.release(run_id, claim.fence, KILLED)
    run = store.run(run_id)
    assert (run.status, run.attempt, run.reason, run.progress) == ("queued", 1, None, 0)
    claim = taken(store)
    assert claim.attempt == 2
    assert store.release(run_id, claim.fence, KILLED)
    run = store.run(run_id)
    assert (run.status, run.reason, run.failure) == ("failed", Reason.KILLED, KILLED)


def test_a_worker_that_is_stopped_gives_the_attempt_back(store):
    (run_id,) = add(store)
    fences = []
    for _ in range(4):
        claim = taken(store)
        assert claim.attempt == 1
        fences.append(claim.fence)
        assert store.release(run_id, claim.fence, None)
        assert store.run(run_id).attempt == 0
    assert fences == sorted(set(fences))


@pytest.mark.parametrize("failure", [None, KILLED], ids=["stopped", "killed"])
def test_a_release_ends_what_was_to_be_cancelled(store, failure):
    (run_id,) = add(store)
    claim = taken(store)
    cancelling(store, claim)
    assert store.release(run_id, claim.fence, failure)
    run = store.run(run_id)
    assert (run.status, run.reason) == ("cancelled", None)
    assert store.claim(CPU) is None


# Cancel


def test_a_queued_run_is_cancelled_at_once_and_never_claimed(store):
    (run_id,) = add(store)
    assert store.cancel_run(run_id).status == "cancelled"
    assert store.claim(CPU) is None
    with pytest.raises(Conflict):
        store.cancel_run(run_id)


def test_a_second_cancel_of_a_running_run_changes_nothing(store):
    (run_id,) = add(store)
    claim = taken(store)
    cancelling(store, claim)
    cancelling(store, claim)
    assert history(store, run_id) == ["queued", "running", "cancelling"]


def test_a_sweep_is_cancelled_where_it_has_not_ended(store):
    sweep = store.add_sweep(new_sweep(4))
    done, running = taken(store), taken(store)
    assert store.finish(done.run_id, done.fence, succeeded())
    other = add(store)
    assert store.cancel_sweep(sweep.id) == 3
    assert store.sweep(sweep.id).counts == {"succeeded": 1, "cancelling": 1, "cancelled": 2}
    assert taken(store).run_id == other[0]
    assert store.heartbeat(running.run_id, running.fence, 0.5) == "cancel"


# Retry


@pytest.mark.parametrize("end", [RunStatus.FAILED, RunStatus.CANCELLED])
def test_a_retry_is_a_new_run_in_the_place_of_the_old(store, end):
    sweep = store.add_sweep(new_sweep(2))
    claim = taken(store)
    assert store.finish(claim.run_id, claim.fence, ended(end))
    old = store.run(claim.run_id)
    new = store.retry(old.id)
    assert (new.retry_of, new.status, new.number, new.attempt) == (old.id, "queued", old.number, 0)
    assert (new.config, new.sweep_id, new.queue) == (old.config, sweep.id, old.queue)
    assert store.run(old.id) == old
    assert [run.number for run in store.sweep_runs(sweep.id, 10)[0]] == [0, 1]
    assert store.sweep_runs(sweep.id, 10)[0][0].id == new.id
    after = store.sweep(sweep.id)
    assert (after.counts, after.total) == ({"queued": 2}, 2)
    with pytest.raises(Conflict, match="retried before"):
        store.retry(old.id)


def test_only_what_failed_or_was_cancelled_is_retried(store):
    (run_id,) = add(store)
    with pytest.raises(Conflict, match="this one is queued"):
        store.retry(run_id)
    claim = taken(store)
    with pytest.raises(Conflict, match="this one is running"):
        store.retry(run_id)
    assert store.finish(run_id, claim.fence, succeeded())
    with pytest.raises(Conflict, match="this one is succeeded"):
        store.retry(run_id)
    assert len(store.runs(10)[0]) == 1


def test_retrying_what_failed_leaves_the_rest_and_is_done_once(store):
    sweep = store.add_sweep(new_sweep(4))
    fail(store, taken(store))
    fail(store, taken(store))
    store.cancel_run(store.sweep_runs(sweep.id, 10)[0][2].id)
    assert store.retry_failed(sweep.id) == 2
    assert store.retry_failed(sweep.id) == 0
    assert store.sweep(sweep.id).counts == {"queued": 3, "cancelled": 1}


def test_a_retry_that_failed_is_retried_again(store):
    (run_id,) = add(store)
    for _ in range(3):
        claim = taken(store)
        assert claim.run_id == run_id
        fail(store, claim)
        run_id = store.retry(run_id).id
    assert store.sweep(store.run(run_id).sweep_id).total == 1


def test_an_unknown_run_is_told_to_be_unknown(store):
    unknown = store._new_id()
    for call in (store.run, store.cancel_run, store.retry, store.events, store.curves, store.log, store.artifacts):
        with pytest.raises(NotFound, match=str(unknown)):
            call(unknown)
    assert store.heartbeat(unknown, 1, 0.5) == "lost"
    assert not store.finish(unknown, 1, succeeded())
