"""Whichever statement the database refuses, a method does all of its work or nothing of it (RELIABILITY.md, F20)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from backend.store import DATABASE_ERRORS, Store
from backend.store.schema import metadata
from mgic.records import Artifact, RunStatus
from tests.backend.store_points import (
    CPU,
    KILLED,
    add,
    check_all,
    ended,
    expire,
    fail,
    new_sweep,
    slot,
    succeeded,
    taken,
)
from tests.cases import thorough

pytestmark = pytest.mark.fault

MOST = 60  # statements that any one call makes
FILES = [Artifact(name=f"{n}.png", media_type="image/png", size=n, sha256="0" * 64) for n in range(2)]


class Breaks:
    """Lets the Nth statement fail, and with `for_ever` all after it; with N = "commit" the end of a transaction."""

    def __init__(self, at: int | str, for_ever: bool) -> None:
        self.at, self.for_ever, self.seen, self.broke = at, for_ever, 0, False

    def _fail(self) -> None:
        self.broke = True
        raise OperationalError("refused by the test", {}, Exception("the database went away"))

    def statement(self, *_) -> None:
        self.seen += 1
        if self.seen == self.at or (self.broke and self.for_ever):
            self._fail()

    def commit(self, _) -> None:
        if self.at == "commit" and (not self.broke or self.for_ever):
            self._fail()


@contextmanager
def broken(store: Store, at: int | str, for_ever: bool) -> Iterator[Breaks]:
    breaks = Breaks(at, for_ever)
    event.listen(store.engine, "before_cursor_execute", breaks.statement)
    event.listen(store.engine, "commit", breaks.commit)
    yield breaks
    event.remove(store.engine, "before_cursor_execute", breaks.statement)
    event.remove(store.engine, "commit", breaks.commit)


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    with store._read() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def claimed(store: Store):
    add(store, 2)
    return taken(store)


def of_claim(call: Callable[[Store, Any], object]):
    def prepare(store):
        claim = claimed(store)
        return lambda: call(store, claim)

    return prepare


def failed_run(store: Store):
    claim = claimed(store)
    fail(store, claim)
    return claim.run_id


def claim_call(store: Store):
    add(store, 2)
    store.worker_seen(slot("timing", worker="clock"), 1, "0.1")
    return lambda: store.claim(CPU)


def reap_call(store: Store):
    for run_id in add(store, 3)[:2]:
        taken(store)
        expire(store, run_id)
    return store.reap


def retry_call(store: Store):
    run_id = failed_run(store)
    return lambda: store.retry(run_id)


def retry_failed_call(store: Store):
    sweep_id = store.run(failed_run(store)).sweep_id
    fail(store, taken(store))
    return lambda: store.retry_failed(sweep_id)


def cancel_sweep_call(store: Store):
    sweep_id = store.run(claimed(store).run_id).sweep_id
    return lambda: store.cancel_sweep(sweep_id)


# Each brings a store to where the call can be made, and returns the call.
CALLS = {
    "claim": claim_call,
    "heartbeat": of_claim(lambda store, claim: store.heartbeat(claim.run_id, claim.fence, 0.5)),
    "finish with success": of_claim(lambda store, claim: store.finish(claim.run_id, claim.fence, succeeded(), FILES)),
    "finish with failure": of_claim(
        lambda store, claim: store.finish(claim.run_id, claim.fence, ended(RunStatus.FAILED))
    ),
    "finish and take the next": of_claim(
        lambda store, claim: store.finish(claim.run_id, claim.fence, succeeded(), FILES, CPU)
    ),
    "release": of_claim(lambda store, claim: store.release(claim.run_id, claim.fence, KILLED)),
    "record": of_claim(
        lambda store, claim: store.record(claim.run_id, claim.fence, [("loss", n, 1.0) for n in range(3)], ["a", "b"])
    ),
    "reap": reap_call,
    "cancel a run": of_claim(lambda store, claim: store.cancel_run(claim.run_id)),
    "cancel a sweep": cancel_sweep_call,
    "retry": retry_call,
    "retry what failed": retry_failed_call,
    "worker seen": lambda store: lambda: store.worker_seen(CPU, 1, "0.1"),
}


@pytest.mark.parametrize(
    ("name", "for_ever"),
    [
        ("claim", True),
        *((name, False) for name in CALLS),
        *thorough(*((name, True) for name in CALLS if name != "claim")),
    ],
)
def test_a_refused_statement_leaves_nothing_half_done_and_the_call_can_be_made_again(store, name, for_ever):
    call = CALLS[name](store)
    before = everything(store)
    for at in ("commit", *range(1, MOST)):
        with broken(store, at, for_ever) as breaks:
            try:
                call()
            except DATABASE_ERRORS:
                raised = True
            else:
                raised = False
        assert raised == breaks.broke, "the error was swallowed"
        if not raised:
            break
        assert everything(store) == before
    assert isinstance(at, int)
    assert 2 <= at - 1 < MOST - 1, "the statements were not counted"
    assert everything(store) != before
    check_all(store)


def submission(key: str):
    return new_sweep([{"x": 0}, {"x": 1}, {"x": 2}], idempotency_key=key, payload_hash="a", reuse=True)


def known_result(store: Store) -> None:
    add(store, [{"x": 1}])
    claim = taken(store)
    assert store.finish(claim.run_id, claim.fence, succeeded())


@pytest.mark.parametrize("for_ever", [True, *thorough(False)], ids=["for ever", "once"])
def test_a_submission_that_was_refused_half_way_is_made_once_by_asking_again(store, for_ever):
    known_result(store)
    for number, at in enumerate(("commit", *range(1, MOST))):
        with broken(store, at, for_ever) as breaks:
            try:
                store.add_sweep(submission(f"k{at}"))
            except DATABASE_ERRORS:
                assert breaks.broke
            else:
                assert not breaks.broke
                break
        for sweep in store.sweeps(500)[0]:
            assert sweep.total == (1 if sweep.counts == {"succeeded": 1} else 3), "half a sweep"
        sweep = store.add_sweep(submission(f"k{at}"))
        assert sweep.counts == {"succeeded": 1, "queued": 2}
        assert len(store.sweeps(500)[0]) == number + 2
        check_all(store)
    assert 5 < at < MOST - 1


def test_a_submission_that_raised_was_not_made(store):
    known_result(store)
    before = everything(store)
    for at in ("commit", *range(1, MOST)):
        with broken(store, at, True) as breaks:
            try:
                store.add_sweep(submission("k"))
            except DATABASE_ERRORS:
                assert everything_after(store, breaks) == before
            else:
                break
    assert at != "commit"


def everything_after(store: Store, breaks: Breaks) -> dict[str, list[tuple[Any, ...]]]:
    """What is there when the database answers again."""
    breaks.at, breaks.for_ever = 0, False
    return everything(store)
