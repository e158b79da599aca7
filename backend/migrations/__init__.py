"""The schema's history, and what brings a database to its newest state: `python -m backend.migrations`.

Two starters at once are safe: one migrates, the other waits and finds it done. A migration
that is killed half-way leaves the database as it was; both databases roll back their DDL.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, inspect, select, text

from backend.store import SchemaMismatch, make_engine, parse_database_url
from backend.store.schema import SCHEMA_VERSION
from mgic.errors import BadConfig

LOCK = 0x4D474943  # "MGIC": the advisory lock of this program's migrations


REMEDY = "`mgic restore FILE --replace` puts a backup in its place"  # of a database that is damaged


def upgrade(engine: Engine) -> None:
    """Bring the schema to `SCHEMA_VERSION`.

    Raises:
        SchemaMismatch: The database is newer than this program.
    """
    with engine.connect().execution_options(mgic_write=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("set local statement_timeout = 0"))
            connection.execute(text(f"select pg_advisory_xact_lock({LOCK})"))
        refuse_newer(version_of(connection))
        bring(connection, "head")


def bring(connection: Connection, revision: str) -> None:
    """The schema to a revision, in the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def check(engine: Engine) -> str:
    """The version of the schema, which is the one this program needs.

    Raises:
        SchemaMismatch: It is not.
    """
    with engine.connect() as connection:
        found = version_of(connection)
    refuse_newer(found)
    if found != SCHEMA_VERSION:
        state = f"has schema {found}" if found else "has no schema"
        raise SchemaMismatch(
            f"the database {state}, this program needs {SCHEMA_VERSION}: run `python -m backend.migrations`"
        )
    return found


def state(url: str) -> str:
    """How the database stands, in words; nothing of it is changed or made.

    Raises:
        SchemaMismatch: It is newer than this program.
        BadConfig: It is damaged.
        DATABASE_ERRORS: It does not answer, or cannot be written.
    """
    file = parse_database_url(url).database
    if url.startswith("sqlite") and not (file and Path(file).exists()):
        return "none yet, the first start makes it"
    engine = make_engine(url, pooled=False)
    with engine.connect().execution_options(mgic_write=True) as connection, connection.begin() as transaction:
        found = version_of(connection)
        transaction.rollback()
    refuse_newer(found)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            said = connection.scalar(text("pragma quick_check(1)"))
        if said != "ok":
            raise BadConfig(f"the database {file} is damaged: {said}. {REMEDY}")
    return f"schema {found}" if found == SCHEMA_VERSION else f"schema {found or 'none'}, the next start brings it up"


def version_of(connection: Connection) -> str | None:
    """None: there is no schema."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(select(text("version_num")).select_from(text("alembic_version")))
    return version


def refuse_newer(found: str | None) -> None:
    """Raises `SchemaMismatch`."""
    if found is not None and found > SCHEMA_VERSION:
        raise SchemaMismatch(
            f"the database has schema {found}, newer than this program's {SCHEMA_VERSION}: install a newer version"
        )
