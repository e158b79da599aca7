"""The schema's history leads to the tables the store uses, safely."""

import subprocess
import sys
import threading

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

import backend.migrations
from backend.migrations import check, upgrade
from backend.store import SchemaMismatch, Store, make_engine
from backend.tables import SCHEMA_VERSION, metadata
from tests.backend.store_points import new_sweep


def test_the_migrations_make_exactly_the_tables_of_the_program(database_url):
    engine = make_engine(database_url)
    upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert check(engine) == SCHEMA_VERSION
    engine.dispose()


@pytest.fixture
def oldest(database_url):
    """A database of the first schema, with a sweep and its run in it."""
    engine = make_engine(database_url)
    config = Config()
    config.set_main_option("script_location", backend.migrations.__path__[0])
    with engine.connect().execution_options(mgic_write=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    sweep = Store(engine).add_sweep(new_sweep([{"x": 1, "model": "m"}], name="kept"))
    yield engine, sweep
    engine.dispose()


def test_a_database_of_the_first_schema_keeps_what_it_has(oldest):
    engine, sweep = oldest
    with pytest.raises(SchemaMismatch, match=f"has schema 0001, this program needs {SCHEMA_VERSION}"):
        check(engine)
    upgrade(engine)
    assert check(engine) == SCHEMA_VERSION
    store = Store(engine)
    assert store.sweep(sweep.id) == sweep
    (run,), _ = store.sweep_runs(sweep.id, 10)
    assert (run.config, run.status) == ({"x": 1, "model": "m"}, "queued")
    assert store.baselines(10) == ([], None)


def test_the_program_needs_the_newest_migration():
    folder = backend.migrations.__path__[0]
    assert ScriptDirectory(folder).get_current_head() == SCHEMA_VERSION


def test_two_starters_at_once_migrate_once(database_url):
    engines = [make_engine(database_url) for _ in range(4)]
    errors = []

    def start(engine):
        try:
            upgrade(engine)
        except BaseException as error:  # noqa: BLE001 - a thread would swallow it
            errors.append(error)

    threads = [threading.Thread(target=start, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert check(engines[0]) == SCHEMA_VERSION
    for engine in engines:
        engine.dispose()


def test_an_empty_database_is_refused_with_the_command_that_helps(sqlite_url):
    engine = make_engine(sqlite_url)
    with pytest.raises(SchemaMismatch, match=r"python -m backend\.migrations"):
        check(engine)
    engine.dispose()


def test_a_newer_schema_is_left_alone_and_ends_with_78(sqlite_url):
    engine = make_engine(sqlite_url)
    upgrade(engine)
    with engine.connect().execution_options(mgic_write=True) as connection, connection.begin():
        connection.execute(text("update alembic_version set version_num = '9999'"))
    engine.dispose()
    for starter in ([sys.executable, "-m", "backend.migrations"],):
        done = subprocess.run(starter, env={"MGIC_DATABASE_URL": sqlite_url}, capture_output=True, text=True)
        assert done.returncode == 78
        assert "newer" in done.stderr
        assert "Traceback" not in done.stderr
