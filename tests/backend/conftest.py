"""One database of each kind for all tests of the store, and one API for all that need none of their own.

Making either takes longer than most tests.
"""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url

from backend.migrations import upgrade
from backend.store import Lease, Store, make_engine
from backend.store.schema import baselines, comparisons, inputs, sweeps, workers
from tests.backend.api_alone import Api, running_api
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


def empty(store: Store) -> None:
    with store._write() as connection:
        for table in (inputs, sweeps, workers, baselines, comparisons):  # what hangs on a sweep goes with it
            connection.execute(table.delete())


@pytest.fixture
def store(store_url) -> Iterator[Store]:
    """An empty store, at most 2 attempts a run; its invariants are looked at when the test is over."""
    store = Store.open(store_url, Lease(seconds=30, max_attempts=2))
    empty(store)
    yield store
    check_all(store)
    store.close()


@pytest.fixture(scope="session")
def _api(tmp_path_factory) -> Iterator[Api]:
    with running_api(tmp_path_factory.mktemp("api"), MGIC_MAX_QUEUED="1200") as running:
        yield running


@pytest.fixture(scope="module")
def api(_api) -> Iterator[Api]:
    """The API by itself, with nothing stored; it has raised nothing when the file is over."""
    store = Store.open(f"sqlite:///{_api.folder / 'mgic.db'}")
    empty(store)
    store.close()
    before = len(_api.log())
    yield _api
    assert "Traceback" not in _api.log()[before:]


@pytest.fixture(scope="session")
def keyed_store(tmp_path_factory) -> Iterator[Store]:
    """For `tests/backend/keyed.py`: whoever uses it makes owners of their own. Each may have four runs that wait."""
    url = f"sqlite:///{tmp_path_factory.mktemp('keys') / 'mgic.db'}"
    upgrade(make_engine(url))
    store = Store.open(url, most_queued_each=4)
    yield store
    store.close()
