"""What Prometheus is told is what the store says, and what the alerts and the board ask for exists."""

from backend.store import Vitals
from tests.backend.store_points import CPU, add, expire, taken


def test_who_watches_over_the_queue_is_told_how_old_all_of_it_is(store):
    assert store.vitals() == Vitals({}, {}, {}, 0.0, {})
    add(store, 2)
    add(store, needs=add(store), queue="gpu")
    store.worker_seen(CPU, 2, "0.1")
    claim = taken(store)
    vitals = store.vitals()
    assert vitals.runs == {("running", "cpu"): 1, ("queued", "cpu"): 2, ("queued", "gpu"): 1}
    assert vitals.waiting.keys() == {"cpu"}, "what waits for an input is nobody's to claim"
    assert vitals.in_work.keys() == {"cpu"}
    assert vitals.heartbeats.keys() == {("w1", "cpu")}
    assert max(*vitals.waiting.values(), *vitals.in_work.values(), *vitals.heartbeats.values()) < 60
    assert vitals.overdue == 0
    expire(store, claim.run_id)
    assert store.vitals().overdue > 10**9
