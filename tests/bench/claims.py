"""What the processes of a measured queue do: claim a run, finish it, and so on until none is left."""

import time
from multiprocessing.synchronize import Barrier

from backend.migrations import upgrade
from backend.store import DATABASE_ERRORS, Store, make_engine
from backend.store.schema import sweeps
from tests.backend.store_points import new_sweep, slot, succeeded

state: dict[str, Barrier] = {}


def enter(barrier: Barrier) -> None:
    state["barrier"] = barrier


def prepare(url: str, runs: int) -> None:
    """A store with nothing but so many queued runs."""
    engine = make_engine(url)
    upgrade(engine)
    store = Store(engine)
    with store._write() as connection:
        connection.execute(sweeps.delete())
    store.add_sweep(new_sweep([{"x": x} for x in range(runs)]))
    store.close()


def claim_all(url: str, name: str, seconds: float) -> tuple[float, float, list[float], int]:
    """When it began and ended, by the wall clock, the milliseconds that each claim took, and how many calls failed.

    A claim comes with the end of the run before, as a worker has it; that is the time of both. SQLite gives up after
    ten seconds of waiting for others, as it does in a worker, which is rung again then.
    """
    store, mine, took, failed = Store.open(url), slot(worker=name), [], 0
    with store._read():
        pass  # the connection is there before the others are
    state["barrier"].wait(300)
    begin = time.time()
    claim, left = None, True
    while left and time.time() < begin + seconds:
        start = time.perf_counter()
        try:
            if claim is None:
                claim = store.claim(mine)
            else:
                ending = store.finish(claim.run_id, claim.fence, succeeded(), then=mine)
                claim = ending and ending.next
            left = claim is not None
            took += [(time.perf_counter() - start) * 1000] if left else []
        except DATABASE_ERRORS:
            failed += 1
    end = time.time()
    store.close()
    return begin, end, took, failed
