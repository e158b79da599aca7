"""A store for the tests that watch one run."""

from collections.abc import Iterator

import pytest

from backend.migrations import upgrade
from backend.store import Lease, Store, make_engine


@pytest.fixture
def store(sqlite_url) -> Iterator[Store]:
    """An empty one, at most 3 attempts a run."""
    engine = make_engine(sqlite_url)
    upgrade(engine)
    store = Store(engine, Lease(30, 3))
    yield store
    store.close()
