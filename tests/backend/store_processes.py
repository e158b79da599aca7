"""What the processes of a race do; each is told the database and meets the others at a barrier."""

import time
from multiprocessing.synchronize import Barrier

from backend.store import DATABASE_ERRORS, Lease, Store
from mgic.errors import Conflict
from tests.backend.store_points import new_sweep, slot, succeeded

LEASE = Lease(seconds=30, max_attempts=2)
HOLD_S = 0.02
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
    """Claim, hold, finish, until nothing is left; processes of even number are timing workers of the one host."""
    store = meet(url)
    mine = slot("timing" if int(name) % 2 == 0 else "cpu", worker=name)
    done = 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        claim = store.claim(mine)
        if claim is None:
            if not store.queued().get(mine.queue):
                break
            time.sleep(0.002)
            continue
        time.sleep(HOLD_S)
        done += store.finish(claim.run_id, claim.fence, succeeded())
    store.close()
    return done


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
