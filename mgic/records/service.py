"""How the service itself is doing."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from mgic.records.base import Queue, Record


class ApiIndex(Record):
    """Where to begin: `links` has the path of everything that can be read, by the name of its operation."""

    version: str
    document: str  # OpenAPI
    page: str  # to read and try it in a browser
    links: dict[str, str]


class Worker(Record):
    name: str
    host: str
    queue: Queue
    device: str
    slots: int
    version: str
    seen_at: datetime
    alive: bool
    running: tuple[UUID, ...] = ()
    held_by: tuple[UUID, ...] = Field(
        (),
        description="Runs of others that keep it from taking one: a timing run has its host to itself, and waits until "
        "nothing runs there; meanwhile nothing else is taken",
    )


class Health(Record):
    status: Literal["ok", "degraded", "unavailable"]
    version: str
    database: str = ""
    schema_version: str = ""
    broker: str = ""
    artifacts: str = ""  # the place where runs leave files
    disk: str = ""  # of this machine, where the database or files lie on it: ok, low, or full
    disk_free_bytes: int | None = None  # on the fullest of these disks; None where neither lies on this machine
    catalogue: str = ""
    newest_heartbeat_seconds: float | None = None
    workers: dict[str, int] = Field({}, description="Alive, by queue")
    notes: tuple[str, ...] = ()


class PluginInfo(Record):
    """A module from outside that was asked for, and what came of it."""

    module: str
    asked_by: str  # --import, or the installed package whose entry point names it: "lab-nets 0.3"
    error: str = ""  # why it is not there, in a line
    registers: tuple[str, ...] = ()  # "model tiny", "data set stripes"; of all modules of its top-level package
    fingerprint: str = ""  # of the source files that its import loaded


class System(Record):
    version: str
    limits: dict[str, float]
    queued: dict[str, int]  # runs waiting, by queue
    running: dict[str, int]
    plugins: tuple[PluginInfo, ...] = ()  # as the catalogue found them; empty until it has answered
