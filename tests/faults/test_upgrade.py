"""A migration that is killed half-way leaves the database as it was, and is done by the next start."""

import multiprocessing
import os
import signal
import sys

import pytest
from sqlalchemy import event, inspect

from backend.migrations import check, upgrade
from backend.store import make_engine
from backend.store.schema import SCHEMA_VERSION
from tests.cases import thorough

AFTER = 40  # statements, of some hundreds


def upgrade_and_die(url: str, after: int) -> None:
    engine = make_engine(url)
    seen = [0]

    def count(*_: object) -> None:
        seen[0] += 1
        if seen[0] == after:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(engine, "before_cursor_execute", count)
    upgrade(engine)
    sys.exit(3)  # it had fewer


@pytest.mark.fault
@pytest.mark.parametrize("database", thorough("sqlite_url", "postgres_url"))
def test_a_migration_that_is_killed_half_way_changes_nothing_and_is_done_by_the_next(request, database):
    url = request.getfixturevalue(database)
    process = multiprocessing.get_context("spawn").Process(target=upgrade_and_die, args=(url, AFTER))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    engine = make_engine(url)
    assert inspect(engine).get_table_names() == []
    upgrade(engine)
    assert check(engine) == SCHEMA_VERSION
    engine.dispose()
