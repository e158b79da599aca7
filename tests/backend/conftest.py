"""One database of each kind for all tests of the store: making one takes longer than most tests."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url

from backend.migrations import upgrade
from backend.store import Lease, Store, make_engine
from backend.store.schema import baselines, sweeps, workers
from tests.backend.store_points import check_all


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def store_url(request, tmp_path_factory) -> str:
    """A database with the schema, shared by the tests that empty it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}"
    else:
        server, name = request.getfixturevalue("_postgres"), f"s{uuid4().hex}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'create database "{name}"')
        parsed = make_url(server).set(drivername="postgresql+psycopg", database=name)
        url = parsed.render_as_string(hide_password=False)
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture
def store(store_url) -> Iterator[Store]:
    """An empty store, at most 2 attempts a run; its invariants are looked at when the test is over."""
    store = Store.open(store_url, Lease(seconds=30, max_attempts=2))
    with store._write() as connection:
        connection.execute(sweeps.delete())
        connection.execute(workers.delete())
        connection.execute(baselines.delete())
    yield store
    check_all(store)
    store.close()
