"""What the processes of a race do; each is told the database and meets the others at a barrier."""

import time
from multiprocessing.synchronize import Barrier

from backend.store import DATABASE_ERRORS, InputGone, Lease, NewRun, Store
from mgic.errors import Conflict
from mgic.records import RunStatus
from tests.backend.store_points import ended, new_sweep, slot, succeeded

LEASE = Lease(seconds=30, max_attempts=2)
HOLD_S = 0.05
state = {}


def enter(barrier: Barrier) -> None:
    state["barrier"] = barrier


def meet(url: str) -> Store:
    """A store of this process's own, when all others are there too."""
    store = Store.open(url, LEASE)
    with store._read():
        pass  # the connection is there before the race begins
    state["barrier"].wait(60)
    return store


def claim_all(url: str, name: str) -> list[tuple[str, int]]:
    store = meet(url)
    won = []
    while claim := store.claim(slot(worker=name)):
        won.append((str(claim.run_id), claim.fence))
        time.sleep(0.002)  # between two calls of one the others get at the database, however few they are
    store.close()
    return won


def reap(url: str, _name: str) -> int:
    store = meet(url)
    taken = store.reap()
    store.close()
    return taken


def work(url: str, name: str) -> int:
    """Claim, hold, finish, until nothing is left; processes of even number are timing workers of the one host.

    Every other one takes its next run with the end of one.
    """
    store = meet(url)
    mine = slot("timing" if int(name) % 2 == 0 else "cpu", worker=name)
    done, then = 0, mine if int(name) % 4 > 1 else None
    deadline = time.monotonic() + 60
    claim = None
    while time.monotonic() < deadline:
        claim = claim or store.claim(mine)
        if claim is None:
            if not store.queued().get(mine.queue):
                break
            time.sleep(0.002)
            continue
        time.sleep(HOLD_S)
        ending = store.finish(claim.run_id, claim.fence, succeeded(), then=then)
        done += ending is not None
        claim = ending and ending.next
    store.close()
    return done


def depend(url: str, name: str) -> int:
    """The first ends every run; the others add runs that have them as inputs, as many as are still to be had."""
    store = meet(url)
    runs = [run for run in reversed(store.runs(100)[0]) if run.status == "running"]
    added = 0
    for run in runs:
        if name == "0":
            store.finish(run.id, 1, ended(RunStatus.SUCCEEDED if run.number % 2 else RunStatus.FAILED))
            continue
        try:
            store.add_sweep(new_sweep(1, needs=[run.id]))
            added += 1
        except InputGone:
            continue
    store.close()
    return added


def read_then_write(url: str, name: str) -> list[str]:
    """Transactions that read before they write, as many as may collide; the errors they met."""
    store = meet(url)
    errors = []
    for number in range(12):
        sweep = new_sweep(2, idempotency_key=f"{number}", payload_hash="same")
        try:
            runs = store.sweep_runs(store.add_sweep(sweep).id, 10)[0]
            store.worker_seen(slot(worker=name), 1, "0.1")
            if claim := store.claim(slot(worker=name)):
                store.record(claim.run_id, claim.fence, [("loss", 0, 1.0)], ["line"])
                store.release(claim.run_id, claim.fence, None)
            for call in (store.cancel_run, store.retry):
                try:
                    call(runs[0].id)
                except Conflict:
                    continue
        except DATABASE_ERRORS as error:
            errors.append(str(error))
    store.close()
    return errors


def search(url: str, _name: str) -> tuple[int, int]:
    """Ask for one trial after another until none is wanted; how many were added, and how often others were first."""
    store = meet(url)
    (sweep_id,) = store.searching()
    state["barrier"].wait(60)  # all know it before there is nothing left to ask for
    added = refused = 0
    while found := store.open_search(sweep_id):
        config = {"x": found.asked}
        new = NewRun(config, config, str(found.asked), "cpu", "cpu", None, trial={"macs": None, "notes": {}})
        time.sleep(0.002)  # as a sampler takes its time
        if store.add_trials(found, 1, [new], ()):
            added += 1
        else:
            refused += 1
    store.close()
    return added, refused
