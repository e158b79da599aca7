"""The schema's history leads to the tables the store uses, safely."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import make_url

import backend.migrations
from backend.migrations import check, upgrade
from backend.store import Condition, RunQuery, SchemaMismatch, Store, make_engine
from backend.store.schema import SCHEMA_VERSION, metadata
from tests.conftest import wait_for


def test_the_migrations_make_exactly_the_tables_of_the_program(database_url):
    engine = make_engine(database_url)
    upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert check(engine) == SCHEMA_VERSION
    engine.dispose()


FIXTURES = Path(__file__).parent / "fixtures"


def upgrade_to(engine: sa.Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", backend.migrations.__path__[0])
    with engine.connect().execution_options(mgic_write=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.fixture
def oldest(database_url):
    """A database of the first schema, with a sweep and its run in it."""
    engine = make_engine(database_url)
    upgrade_to(engine, "0001")
    then = sa.MetaData()
    then.reflect(engine)
    of_sweep = {"id": uuid4(), "name": "kept", "experiment": "cost", "grids": [], "priority": 5, "payload_hash": ""}
    of_run = {"id": uuid4(), "sweep_id": of_sweep["id"], "number": 0, "experiment": "cost", "version": 1}
    of_run |= {"requested": {}, "config": {"x": 1, "model": "m"}, "config_key": "k", "queue": "cpu", "device": "cpu"}
    of_run |= {"priority": 5, "status": "queued", "phase": "", "progress": 0.0, "attempt": 0, "fence": 0}
    with engine.connect().execution_options(mgic_write=True) as connection, connection.begin():
        for name, row in (("sweeps", of_sweep), ("runs", {**of_run, "superseded": False})):
            connection.execute(stored(then.tables[name]).insert(), [{**row, "created_at": 1.0}])
    yield engine, of_sweep["id"]
    engine.dispose()


def stored(table: sa.Table) -> sa.TableClause:
    """As the program writes to it: SQLite's own types know no UUID and no JSON."""
    types = metadata.tables[table.name].c
    return sa.table(table.name, *(sa.column(one.name, types[one.name].type) for one in table.columns))


def dumped(version: str) -> dict[str, list[dict[str, object]]]:
    """The rows of a store of that version, by table, as SQLite keeps them."""
    with sqlite3.connect(":memory:") as old:
        old.executescript((FIXTURES / f"store_{version}.sql").read_text())
        old.row_factory = sqlite3.Row
        names = [name for (name,) in old.execute("select name from sqlite_master where type = 'table'")]
        return {name: [dict(row) for row in old.execute(f'select * from "{name}"')] for name in names}


@pytest.fixture
def of_0002(database_url):
    """A database of schema 0002 with what a service of that time had stored."""
    engine = make_engine(database_url)
    upgrade_to(engine, "0002")
    then = sa.MetaData()
    then.reflect(engine)
    rows = dumped("0002")
    with engine.connect().execution_options(mgic_write=True) as connection, connection.begin():
        for table in then.sorted_tables:
            if table.name != "alembic_version" and rows[table.name]:
                connection.execute(table.insert(), [readable(table, row) for row in rows[table.name]])
    yield engine
    engine.dispose()


def readable(table: sa.Table, row: dict[str, object]) -> dict[str, object]:
    """A row of SQLite for the types of the table: JSON, UUID and truth values are text and numbers there."""
    found = {}
    for name, one in row.items():
        kind = table.c[name].type
        if one is not None and isinstance(kind, sa.JSON):
            one = json.loads(str(one))
        elif one is not None and isinstance(kind, sa.Uuid):
            one = UUID(str(one))
        elif isinstance(kind, sa.Boolean):
            one = bool(one)
        found[name] = one
    return found


def test_a_store_of_0002_shows_its_test_scores_as_such_and_drops_nothing(of_0002):
    before = dumped("0002")
    upgrade(of_0002)
    store = Store(of_0002)
    for row in before["runs"]:
        run = store.run(UUID(str(row["id"])))
        assert (run.experiment, run.status) == (row["experiment"], row["status"])
        assert run.config == json.loads(str(row["config"]))
        assert run.result == (json.loads(str(row["result"])) if row["result"] else None)
        points = [one for one in before["curves"] if one["run_id"] == row["id"]]
        expected = [(str(p["name"]).replace("val/", "test/"), p["step"], p["value"]) for p in points]
        assert [(p.name, p.step, p.value) for p in store.curves(run.id)[0]] == expected
    names = Counter(str(one["name"]).partition("/")[0] for one in before["curves"])
    assert names == {"val": 42, "train": 52, "recon": 3}, "the store had what is renamed, and what is not"
    with of_0002.connect() as connection:
        for table in ("sweeps", "runs", "events", "logs", "artifacts", "curves"):
            (count,) = connection.execute(sa.text(f"select count(*) from {table}")).one()
            assert count == len(before[table]), table


def test_runs_of_an_older_store_are_found_and_sorted_by_their_fields(of_0002):
    upgrade(of_0002)
    store = Store(of_0002)
    every, _ = store.runs(500)
    assert len(every) == len(dumped("0002")["runs"])
    zero = RunQuery(conditions=[Condition("config.seed", "=", 0.0, "0")])
    assert store.runs(500, None, zero)[0] == [run for run in every if run.config.get("seed") == 0] != []
    scores = {run.id: run.result["top1"] for run in every if run.result and "top1" in run.result}
    best_first, _ = store.runs(len(scores), None, RunQuery(sort="result.top1"))
    assert [scores[run.id] for run in best_first] == sorted(scores.values(), reverse=True) != []
    timed = sum(run.seconds is not None for run in every)
    assert store.count_runs(RunQuery(conditions=[Condition("seconds", "!=", None)])) == timed > 0
    assert (every[0].tags, every[0].notes, every[0].imported) == ((), "", False)


def test_a_run_that_held_samples_out_keeps_its_validation(of_0002):
    """As its config says, or as it has curves of the test set beside them."""
    rows = dumped("0002")
    said, drawn, plain = list(dict.fromkeys(str(p["run_id"]) for p in rows["curves"] if p["name"] == "val/loss"))[:3]
    then = sa.MetaData()
    then.reflect(of_0002)
    runs, curves = then.tables["runs"], then.tables["curves"]
    with of_0002.connect().execution_options(mgic_write=True) as connection, connection.begin():
        (row,) = [readable(runs, row) for row in rows["runs"] if row["id"] == said]
        mine = runs.c.id == row["id"]
        connection.execute(runs.update().where(mine).values(config={**row["config"], "validation_share": 0.1}))
        point = {"id": 10_000, "run_id": drawn, "fence": 1, "name": "test/loss", "step": 1, "value": 0.5}
        connection.execute(curves.insert(), [readable(curves, point)])
    upgrade(of_0002)
    store = Store(of_0002)
    kept = {id_: {point.name.partition("/")[0] for point in store.curves(UUID(id_))[0]} for id_ in (said, drawn, plain)}
    assert kept == {said: {"train", "val"}, drawn: {"train", "val", "test"}, plain: {"train", "test"}}


def test_a_database_of_the_first_schema_keeps_what_it_has(oldest):
    engine, sweep_id = oldest
    with pytest.raises(SchemaMismatch, match=f"has schema 0001, this program needs {SCHEMA_VERSION}"):
        check(engine)
    upgrade(engine)
    assert check(engine) == SCHEMA_VERSION
    store = Store(engine)
    assert (store.sweep(sweep_id).name, store.sweep(sweep_id).then_sweep_id) == ("kept", None)
    (run,), _ = store.sweep_runs(sweep_id, 10)
    assert (run.config, run.status) == ({"x": 1, "model": "m"}, "queued")
    assert store.baselines(10) == store.comparisons(10) == ([], None)


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


def test_a_database_that_keeps_another_password_is_said_in_one_sentence(postgres_url):
    address = make_url(postgres_url)
    with psycopg.connect(address.set(drivername="postgresql").render_as_string(False), autocommit=True) as server:
        (rules,) = server.execute("show hba_file").fetchone()
        server.execute("create role keeper login password 'the first one'")
        before = Path(rules).read_text()
        Path(rules).write_text(f"local all keeper scram-sha-256\nhost all keeper all scram-sha-256\n{before}")
        server.execute("select pg_reload_conf()")
        try:
            told = address.set(username="keeper", password="another").render_as_string(False)
            done = wait_for(lambda: refused(told), 20, "the rules to hold")
        finally:
            Path(rules).write_text(before)
            server.execute("select pg_reload_conf()")
            server.execute("drop role keeper")
    (line,) = done.stderr.splitlines()
    assert "keeps the one it was created with" in line
    assert "docker/README.md" in line


def refused(url: str) -> subprocess.CompletedProcess[str] | None:
    done = migrate(url)
    return done if done.returncode == 78 else None


def test_a_database_that_does_not_answer_is_said_in_one_line():
    done = migrate("postgresql+psycopg://mgic:x@127.0.0.1:1/mgic")
    assert done.returncode == 69
    (line,) = done.stderr.splitlines()
    assert line.startswith("the database 127.0.0.1 cannot be used: connection")


def migrate(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backend.migrations"]
    environment = os.environ | {"MGIC_DATABASE_URL": url}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
