"""A store of any schema that there was comes to the newest one with all its rows, and with what stood in them.

Its rows are those of a real service of schema 0002, brought to the schema in question; tables that are younger get
made-up ones.
"""

from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

import backend.migrations
from backend.migrations import check, upgrade
from backend.store import make_engine
from backend.store.schema import SCHEMA_VERSION, metadata
from tests.backend.test_migrations import dumped, readable, upgrade_to
from tests.cases import thorough

REVISIONS = sorted(one.revision for one in ScriptDirectory(backend.migrations.__path__[0]).walk_revisions())[:-1]
OF_THEN = 2  # the index of the first schema behind the one that the real store is of
RENAMED = ("curves", "name")  # by 0003: scores on the test set


def reflected(engine: sa.Engine) -> sa.MetaData:
    found = sa.MetaData()
    found.reflect(engine)
    return found


def fill_with_real_rows(engine: sa.Engine) -> None:
    """As many of their columns as there are."""
    then, rows = reflected(engine), dumped("0002")
    with engine.connect().execution_options(mgic_write=True) as connection, connection.begin():
        for table in then.sorted_tables:
            there = [{name: row[name] for name in row if name in table.c} for row in rows.get(table.name, ())]
            if there and table.name != "alembic_version":
                connection.execute(table.insert(), [readable(table, row) for row in there])


def fill_empty_tables(engine: sa.Engine) -> None:
    with engine.connect().execution_options(mgic_write=True) as connection, connection.begin():
        for table in reflected(engine).sorted_tables:
            if connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0:
                typed = sa.table(table.name, *(sa.column(one.name, kind(table.name, one)) for one in table.columns))
                row = {one.name: made_up(connection, table, one) for one in table.columns}
                connection.execute(typed.insert(), [row])


def kind(table: str, column: sa.Column) -> sa.types.TypeEngine:
    known = metadata.tables.get(table)
    return known.c[column.name].type if known is not None and column.name in known.c else column.type


def made_up(connection: sa.Connection, table: sa.Table, column: sa.Column) -> Any:
    if column.foreign_keys:
        (key,) = column.foreign_keys
        of = metadata.tables[key.column.table.name].c[key.column.name]
        return connection.scalar(sa.select(of).limit(1))
    of = kind(table.name, column)
    if isinstance(of, sa.Uuid):
        return uuid4()
    if isinstance(of, sa.JSON):
        return {"models": []}
    if isinstance(of, sa.Boolean):
        return True
    return 7 if isinstance(of, sa.Integer | sa.Float) else column.name[: getattr(of, "length", None) or 20]


def content(engine: sa.Engine, tables: dict[str, list[str]]) -> dict[str, list[tuple]]:
    """The rows of these columns, in an order that is the same before and after."""
    found = {}
    with engine.connect() as connection:
        for name, columns in tables.items():
            asked = sa.select(*map(sa.column, columns)).select_from(sa.table(name))
            found[name] = sorted(map(repr, connection.execute(asked).all()))
    return found


@pytest.mark.parametrize("revision", [REVISIONS[-1], *thorough(*REVISIONS[:-1])])
def test_every_schema_comes_to_the_newest_with_all_it_has(database_url, revision):
    engine = make_engine(database_url, pooled=False)
    upgrade_to(engine, min(revision, "0002"))
    fill_with_real_rows(engine)
    upgrade_to(engine, revision)
    fill_empty_tables(engine)
    then = reflected(engine)
    tables = {
        table.name: [
            one.name for one in table.columns if (table.name, one.name) != RENAMED or revision >= REVISIONS[OF_THEN]
        ]
        for table in then.sorted_tables
        if table.name != "alembic_version"
    }
    before = content(engine, tables)
    assert all(before.values()), "no table is empty"
    upgrade(engine)
    assert check(engine) == SCHEMA_VERSION
    assert content(engine, tables) == before
    engine.dispose()
