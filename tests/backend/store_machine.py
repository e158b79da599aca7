"""Any order of calls, at any time, leaves the store as a model in plain Python says (RELIABILITY.md, E9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from backend.migrations import upgrade
from backend.store import InputGone, Lease, Store, make_engine
from backend.store.schema import events, inputs, runs, sweeps
from mgic.errors import Conflict
from mgic.records import RunStatus
from tests.backend.store_points import KILLED, check_run, ended, new_sweep, refused, slot

LEASE_S = 30
ACTIVE = ("running", "cancelling")
TERMINAL = ("succeeded", "failed", "cancelled")

# A run by its state, so that each rule meets all states about as often; the first of any state where none has it.
SOME = st.tuples(st.sampled_from([(status,) for status in RunStatus]), st.integers(0, 3))
HELD = st.tuples(st.sampled_from([ACTIVE, ACTIVE, TERMINAL]), st.integers(0, 3))
OFF_BY = st.sampled_from([0, 0, 0, -1, -2, 1])  # from the fence that counts to the one that is shown


@dataclass
class Expected:
    """What the model knows of a run."""

    place: tuple[int, int]  # in the queue: priority, age
    status: str = "queued"
    fence: int = 0
    attempt: int = 0
    lease_until: float | None = None
    worker: str | None = None
    superseded: bool = False
    needs: tuple[UUID, ...] = ()  # its inputs
    for_want: bool = False  # failed because one of them did
    retried_as: UUID | None = None
    seen: list[Mapping[str, Any]] = field(default_factory=list)  # events so far
    ended: Mapping[str, Any] | None = None  # the row as it was when the run ended


class StoreMachine(RuleBasedStateMachine):
    """Each example has the one database in memory, emptied; clock and ids are the machine's."""

    store_class: ClassVar[type[Store]] = Store
    engine: ClassVar[Any] = None

    @initialize(max_attempts=st.sampled_from([1, 2, 5]), claimed=st.integers(0, 3))
    def open(self, max_attempts, claimed):
        cls = type(self)
        if cls.engine is None:
            cls.engine = make_engine("sqlite://")
            upgrade(cls.engine)
        self.now, self.ids, self.last_event = 1_000_000.0, 0, 0
        self.model: dict[UUID, Expected] = {}
        self.max_attempts = max_attempts
        lease = Lease(LEASE_S, max_attempts)
        self.store = self.store_class(cls.engine, lease, clock=lambda: self.now, new_id=self.new_id)
        with self.store._write() as connection:
            connection.execute(inputs.delete())
            connection.execute(sweeps.delete())
        self.submit(5, 1, [])
        for needed in (2, 3):
            self.submit(1, 2, [(("queued",), needed)])
        self.cancel((("queued",), 3))
        self.claim("w1")
        self.finish((ACTIVE, 0), 0, "succeeded")
        for _ in range(claimed):
            self.claim("w1")

    def new_id(self) -> UUID:
        self.ids += 1
        return UUID(int=self.ids)

    def pick(self, some: tuple[tuple[str, ...], int]) -> UUID:
        statuses, number = some
        found = [run_id for run_id, run in self.model.items() if run.status in statuses] or list(self.model)
        return found[number % len(found)]

    def shown(self, some: tuple[tuple[str, ...], int], off_by: int) -> tuple[UUID, int, Expected | None]:
        """A run, the fence somebody shows, and what the model knows of it if that fence is the one that counts."""
        run_id = self.pick(some)
        run = self.model[run_id]
        return run_id, run.fence + off_by, run if run.status in ACTIVE and off_by == 0 else None

    def waiting(self) -> list[UUID]:
        """What can be claimed."""
        return [run_id for run_id, run in self.model.items() if run.status == "queued" and not self.lacks(run)]

    def lacks(self, run: Expected) -> int:
        return sum(self.model[needed].status != "succeeded" for needed in run.needs)

    def end(self, run: Expected, status: str) -> None:
        """What waits for what fails, fails."""
        run.status, run.lease_until = status, None
        if status != "succeeded":
            for other in self.model.values():
                if other.status == "queued" and any(self.model[needed] is run for needed in other.needs):
                    other.for_want = True
                    self.end(other, "failed")

    def newest(self, run_id: UUID) -> UUID:
        """The newest retry of a run."""
        newer = self.model[run_id].retried_as
        return self.newest(newer) if newer else run_id

    def gone(self, run_id: UUID) -> bool:
        return self.model[run_id].status in ("failed", "cancelled")

    def revived(self, run_id: UUID) -> set[UUID]:
        """What a retry of the run queues: what it needs and has ended in vain, and what failed for want of any."""
        found, looked_at = set[UUID](), [run_id]
        while looked_at:
            found.add(one := looked_at.pop())
            looked_at += [now for now in map(self.newest, self.model[one].needs) if self.gone(now)]
        while True:
            more = {
                one
                for one, run in self.model.items()
                if run.for_want and not run.superseded and one not in found
                and not found.isdisjoint(needs := [self.newest(needed) for needed in run.needs])
                and all(needed in found or not self.gone(needed) for needed in needs)
            }  # fmt: skip
            if not more:
                return found
            found |= more

    def claimed(self) -> bool:
        return any(run.fence for run in self.model.values())

    def taken_back(self, run: Expected, counts: bool) -> None:
        run.lease_until = None
        if run.status == "cancelling":
            self.end(run, "cancelled")
        elif counts and run.attempt >= self.max_attempts:
            self.end(run, "failed")
        else:
            run.status, run.worker = "queued", None
            run.fence += 1
            run.attempt -= not counts

    # What may happen

    @rule(number=st.integers(1, 3), priority=st.integers(0, 2), some=st.lists(SOME, max_size=2))
    def submit(self, number, priority, some):
        needs = tuple(map(self.pick, some))
        new = new_sweep(number, priority=priority, needs=needs)
        if any(map(self.gone, needs)):
            assert refused(self.store.add_sweep, new) is InputGone
            return
        sweep = self.store.add_sweep(new)
        for run in self.store.sweep_runs(sweep.id, 10)[0]:
            self.model[run.id] = Expected((priority, len(self.model)), needs=needs)

    @precondition(lambda self: self.waiting())
    @rule(worker=st.sampled_from(["w1", "w2", "w3"]))
    def claim(self, worker):
        self.claimed_by(worker, self.store.claim(slot(worker=worker)))

    def claimed_by(self, worker, claim):
        """It is the run whose turn it is."""
        assert claim is not None
        assert claim.run_id == min(self.waiting(), key=lambda run_id: self.model[run_id].place)
        run = self.model[claim.run_id]
        run.status, run.worker, run.lease_until = "running", worker, self.now + LEASE_S
        run.fence, run.attempt = run.fence + 1, run.attempt + 1
        assert (claim.fence, claim.attempt) == (run.fence, run.attempt)

    @precondition(lambda self: self.claimed())
    @rule(some=HELD, off_by=OFF_BY, progress=st.floats(0, 1))
    def heartbeat(self, some, off_by, progress):
        run_id, fence, held = self.shown(some, off_by)
        beat = self.store.heartbeat(run_id, fence, progress)
        if held is None:
            assert beat == "lost"
        else:
            assert beat == ("cancel" if held.status == "cancelling" else "ok")
            held.lease_until = self.now + LEASE_S

    @precondition(lambda self: self.claimed())
    @rule(some=HELD, off_by=OFF_BY, status=st.sampled_from(TERMINAL), then=st.sampled_from([None, "w1", "w2"]))
    def finish(self, some, off_by, status, then=None):
        run_id, fence, held = self.shown(some, off_by)
        again = off_by == 0 and status == self.model[run_id].status == "succeeded"
        ending = self.store.finish(run_id, fence, ended(RunStatus(status)), then=then and slot(worker=then))
        assert (ending is not None) == (held is not None or again)
        if held is not None:
            self.end(held, status)
        if ending is not None and then and self.waiting():
            self.claimed_by(then, ending.next)
        else:
            assert ending is None or (ending.over, ending.next) == (True, None)

    @precondition(lambda self: self.claimed())
    @rule(some=HELD, off_by=OFF_BY, counts=st.booleans())
    def release(self, some, off_by, counts):
        run_id, fence, held = self.shown(some, off_by)
        ending = self.store.release(run_id, fence, KILLED if counts else None)
        assert (ending is not None) == (held is not None)
        if held is not None:
            self.taken_back(held, counts)
            assert ending.over == (held.status in TERMINAL)

    @rule(seconds=st.sampled_from([-40, 0, 25, 31, 100]))
    def reap(self, seconds):
        self.now += seconds
        silent = [run for run in self.model.values() if run.status in ACTIVE and run.lease_until < self.now]
        assert self.store.reap() == len(silent)
        for run in silent:
            self.taken_back(run, True)

    @rule(some=SOME)
    def cancel(self, some):
        run_id = self.pick(some)
        run = self.model[run_id]
        if run.status in TERMINAL:
            assert refused(self.store.cancel_run, run_id) is Conflict
            return
        if run.status == "queued":
            self.end(run, "cancelled")
        else:
            run.status = "cancelling"
        assert self.store.cancel_run(run_id).status == run.status

    @rule(some=SOME)
    def retry(self, some):
        run_id = self.pick(some)
        run = self.model[run_id]
        if run.status not in ("failed", "cancelled") or run.superseded:
            assert refused(self.store.retry, run_id) is Conflict
            return
        revived = self.revived(run_id)
        again = self.store.retry(run_id).id
        with self.store._read() as connection:
            new = connection.execute(select(runs.c.id, runs.c.retry_of).order_by(runs.c.seq)).all()
        for one, before in new:
            if one not in self.model:
                old = self.model[before]
                old.superseded, old.retried_as = True, one
                self.model[one] = Expected((old.place[0], len(self.model)), needs=old.needs)
                revived.remove(before)
        assert not revived
        assert self.newest(run_id) == again
        for run in self.model.values():
            if run.status == "queued":
                run.needs = tuple(map(self.newest, run.needs))

    def teardown(self):
        """What waits at the end is there to be claimed, in its order, and then nothing is."""
        if hasattr(self, "store"):
            for _ in self.waiting():
                self.claim("w1")
            assert self.store.claim(slot()) is None

    # What holds after each step

    @invariant()
    def the_store_is_as_the_model_says(self):
        if not hasattr(self, "store"):
            return
        with self.store._read() as connection:
            rows = connection.execute(select(runs)).mappings().all()
            query = select(events).where(events.c.id > self.last_event).order_by(events.c.id)
            new = connection.execute(query).mappings().all()
            needs = connection.execute(select(inputs.c.run_id, inputs.c.input_id).order_by(inputs.c.field)).all()
        ended_before = {run_id for run_id, run in self.model.items() if run.ended is not None}
        for event in new:
            self.model[event["run_id"]].seen.append(event)
            self.last_event = event["id"]
        assert {row["id"] for row in rows} == self.model.keys()
        for run_id, run in self.model.items():
            assert [input_id for user, input_id in needs if user == run_id] == list(run.needs)
        for row in rows:
            run = self.model[row["id"]]
            for name in ("status", "fence", "attempt", "lease_until", "superseded"):
                assert row[name] == getattr(run, name), name
            if run.ended is not None:
                assert {**row, "superseded": None} == run.ended, "terminal is for ever"
                continue
            check_run(row, run.seen, self.max_attempts)
            if row["status"] == "queued":
                assert row["lacks"] == self.lacks(run)
            if row["status"] in ACTIVE:
                assert row["worker"] == run.worker
            elif row["status"] in TERMINAL:
                run.ended = {**row, "superseded": None}
        assert all(event["run_id"] not in ended_before for event in new), "an event after the end"
