"""One engine for SQLite and PostgreSQL: transactions that do not surprise, and the database's own clock."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.pool import NullPool

from backend.store.schema import QUEUED, events, runs, sweeps
from mgic.errors import BadConfig, MgicError
from mgic.records import RunStatus

# Raised when the database is not there, is busy, or went away in mid-sentence; not when it was told nonsense.
DATABASE_ERRORS = (OperationalError, InterfaceError, TimeoutError)
QUEUE_LOCK = 0x51554555  # "QUEU": the advisory lock of transactions that add to the queue


class SchemaMismatch(MgicError):
    """The database has another schema than this program; the message says what to do."""


class QuotaExceeded(MgicError):
    """More runs would be queued than the service keeps."""


SQLITE_FULL = 13  # sqlite.org/rescode.html
DISK_FULL = "53100"  # PostgreSQL, appendix A

# What each scheme stands for; people paste all of these.
DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def disk_is_full(error: Exception) -> bool:
    """Whether one of `DATABASE_ERRORS` says that there is no room for what was to be stored."""
    cause = getattr(error, "orig", None)
    return getattr(cause, "sqlite_errorcode", None) == SQLITE_FULL or getattr(cause, "sqlstate", None) == DISK_FULL


def sqlite_url(file: Path) -> str:
    """The address of a file, whatever its path has in it: `?`, `#` and `%41` mean something in an address."""
    return URL.create("sqlite", database=str(file)).render_as_string()


def parse_database_url(url: str) -> URL:
    """Raises `BadConfig`, which does not repeat the address: it may have a password in it."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise BadConfig("an address is wanted, postgresql://user:password@host/name or sqlite:////path") from error
    if parsed.drivername not in DRIVERS:
        raise BadConfig(f"postgresql:// or sqlite:// is wanted, not {parsed.drivername[:40]}://")
    return parsed.set(drivername=DRIVERS[parsed.drivername])


def make_engine(url: str, pooled: bool = True) -> Engine:
    """An engine whose write transactions take their lock at once (SQLite) and whose waits end (PostgreSQL).

    Args:
        url: `sqlite:///file` or `postgresql://...`.
        pooled: False for a process that will fork.

    Raises:
        BadConfig: The address is of neither.
        OSError: The folder of a SQLite file cannot be made.
    """
    parsed = parse_database_url(url)
    pool: dict[str, Any] = {} if pooled else {"poolclass": NullPool}
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args={"timeout": 10}, hide_parameters=True, **pool)
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    limits = "-c statement_timeout=10s -c idle_in_transaction_session_timeout=30s"
    connect = {"options": limits, "connect_timeout": 5}
    # What an error says of itself is logged: what users have written belongs into no log.
    return create_engine(parsed, connect_args=connect, pool_pre_ping=pooled, hide_parameters=True, **pool)


def _sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_sqlite_begin` does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Connection) -> None:
    """A deferred transaction that reads, then writes, fails at once when another writes; IMMEDIATE waits its turn."""
    write = connection.get_execution_options().get("mgic_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


class Database:
    """What every part of the store stands on.

    Args:
        engine: From `make_engine`.
        clock: Seconds since 1970, asked on SQLite only; PostgreSQL tells the time itself.
        new_id: Makes the ids of sweeps and runs.
    """

    most_queued: int | None = None  # runs that may wait; None: any number
    most_queued_each: int | None = None  # of one owner

    def __init__(
        self, engine: Engine, clock: Callable[[], float] = time.time, new_id: Callable[[], UUID] = uuid4
    ) -> None:
        self.engine = engine
        self._clock = clock
        self._new_id = new_id
        self._postgres = engine.dialect.name == "postgresql"

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """One transaction: all of it, or none."""
        with self.engine.connect().execution_options(mgic_write=True) as connection, connection.begin():
            yield connection

    def _now(self, connection: Connection) -> float:
        """Seconds since 1970; on PostgreSQL the time now, not that at which the transaction began."""
        if not self._postgres:
            return self._clock()
        return float(connection.scalar(text("select extract(epoch from clock_timestamp())")))

    def _lock_host(self, connection: Connection, host: str) -> None:
        """Claims of one host take turns, so that a timing run and another cannot both find it idle."""
        if self._postgres:
            connection.execute(text("select pg_advisory_xact_lock(hashtext(:host))"), {"host": host})

    @contextmanager
    def _queueing(self, owner: str | None = None) -> Iterator[Connection]:
        """A transaction that adds to the queue, for this owner, one at a time.

        Raises:
            QuotaExceeded: It added nothing.
        """
        with self._write() as connection:
            if self._postgres:
                connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": QUEUE_LOCK})
            before, own_before = self._waiting(connection), self._waiting_of(connection, owner)
            yield connection
            after, own_after = self._waiting(connection), self._waiting_of(connection, owner)
            if self.most_queued is not None and after > max(before, self.most_queued):
                raise QuotaExceeded(f"{before} runs are queued; this server keeps at most {self.most_queued}")
            if self.most_queued_each is not None and own_after > max(own_before, self.most_queued_each):
                raise QuotaExceeded(
                    f"{own_before} runs of {owner} are queued, and {own_after - own_before} more are asked for; "
                    f"each owner may have {self.most_queued_each}"
                )

    def _waiting(self, connection: Connection) -> int:
        query = select(func.count()).select_from(runs).where(runs.c.status == RunStatus.QUEUED)
        return connection.scalar(query) or 0

    def _waiting_of(self, connection: Connection, owner: str | None) -> int:
        if owner is None or self.most_queued_each is None:
            return 0
        own = select(sweeps.c.id).where(sweeps.c.owner == owner)
        return connection.scalar(select(func.count()).select_from(runs).where(QUEUED, runs.c.sweep_id.in_(own))) or 0

    def _note(
        self,
        connection: Connection,
        run_id: UUID,
        before: RunStatus | None,
        after: RunStatus,
        fence: int,
        note: str = "",
    ) -> None:
        """One event row a transition."""
        connection.execute(
            insert(events).values(
                run_id=run_id,
                at=self._now(connection),
                from_status=before,
                to_status=after,
                fence=fence,
                note=note,
            )
        )
