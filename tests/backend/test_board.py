"""The paper's board is computed again only when something has happened to a run."""

from functools import partial

from backend.migrations import upgrade
from backend.routes import paper
from backend.store import Store, make_engine
from tests.backend.store_points import add, slot, succeeded


def test_the_board_is_computed_again_only_when_something_has_happened_to_a_run(sqlite_url, monkeypatch):
    engine = make_engine(sqlite_url)
    upgrade(engine)
    store, asked = Store(engine), []
    monkeypatch.setattr(paper, "_computed", lambda _store, _catalogue, table: asked.append(table) or [f"of {table}"])
    board = partial(paper._standings, store, None)
    for table in ("13", "13", None, None, "13"):
        assert board(table) == [f"of {table}"]
    assert asked == ["13", None]
    add(store, 1)
    claim = store.claim(slot())
    before = store.measured_state()
    assert store.finish(claim.run_id, claim.fence, succeeded())
    assert store.measured_state() != before
    assert store.measured_state() == store.measured_state()
    board("13")
    board("13")
    assert asked == ["13", None, "13"]
    store.close()
