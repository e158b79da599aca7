"""Sweeps, runs, all they leave, baselines and comparisons, kept in SQL: the queue and the truth.

Records go in and come out; rows stay here. Every method is one transaction, safe to call
from any thread. A method raises `NotFound` and `Conflict` as it says, and any of
`DATABASE_ERRORS` when the database does not answer: then nothing was changed.
"""

import time
from collections.abc import Callable
from uuid import UUID, uuid4

from sqlalchemy import Engine

from backend.store.announcing import Announcements, Due
from backend.store.baselines import Baselines, NewBaseline
from backend.store.comparisons import ComparisonQuery, Comparisons, NewComparison
from backend.store.database import (
    DATABASE_ERRORS,
    QuotaExceeded,
    SchemaMismatch,
    disk_is_full,
    make_engine,
    parse_database_url,
    sqlite_url,
)
from backend.store.imports import ImportedRun, ImportedSweep, Imports
from backend.store.journal import Journal
from backend.store.keys import SCOPES, Keys, KeyScope, StoredKey
from backend.store.lifecycle import Beat, Claim, Ending, Held, Lease, Lifecycle
from backend.store.lineage import GONE, InputFile, InputGone, NewInput, config_key
from backend.store.measured import MeasuredRun, Measurements
from backend.store.retention import Leaving, Policy, Retention
from backend.store.retries import Retries
from backend.store.search import Condition, Operator, Place, RunQuery
from backend.store.searches import OpenSearch, Searches
from backend.store.slots import Slot
from backend.store.standing import NewSearch
from backend.store.stopping import Stop, Stops
from backend.store.sweeps import NewRun, NewSweep
from backend.store.vitals import Vital, Vitals

__all__ = [
    "DATABASE_ERRORS",
    "GONE",
    "SCOPES",
    "Beat",
    "Claim",
    "ComparisonQuery",
    "Condition",
    "Due",
    "Ending",
    "Held",
    "ImportedRun",
    "ImportedSweep",
    "InputFile",
    "InputGone",
    "KeyScope",
    "Lease",
    "Leaving",
    "MeasuredRun",
    "NewBaseline",
    "NewComparison",
    "NewInput",
    "NewRun",
    "NewSearch",
    "NewSweep",
    "OpenSearch",
    "Operator",
    "Place",
    "Policy",
    "QuotaExceeded",
    "RunQuery",
    "SchemaMismatch",
    "Slot",
    "Stop",
    "Store",
    "StoredKey",
    "Vitals",
    "config_key",
    "disk_is_full",
    "make_engine",
    "parse_database_url",
    "sqlite_url",
]


class Store(
    Imports,
    Searches,
    Stops,
    Lifecycle,
    Retries,
    Retention,
    Journal,
    Measurements,
    Baselines,
    Comparisons,
    Keys,
    Vital,
    Announcements,
):
    """The whole of it. One a process; never carried across a fork.

    Args:
        engine: From `make_engine`.
        lease: How long a silent owner is believed, and how often a run may be tried.
        clock: Seconds since 1970 (SQLite only; PostgreSQL has its own).
        new_id: Makes ids.
        most_queued: How many runs may wait; None: any number.
        most_queued_each: How many of one owner.
    """

    def __init__(
        self,
        engine: Engine,
        lease: Lease | None = None,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], UUID] = uuid4,
        most_queued: int | None = None,
        most_queued_each: int | None = None,
    ) -> None:
        super().__init__(engine, clock, new_id)
        self.most_queued = most_queued
        self.most_queued_each = most_queued_each
        self.lease = lease or Lease()

    @classmethod
    def open(
        cls,
        url: str,
        lease: Lease | None = None,
        pooled: bool = True,
        most_queued: int | None = None,
        most_queued_each: int | None = None,
    ) -> "Store":
        """Open a database whose schema is there (`backend.migrations` makes it)."""
        engine = make_engine(url, pooled)
        return cls(engine, lease, most_queued=most_queued, most_queued_each=most_queued_each)

    def close(self) -> None:
        self.engine.dispose()
