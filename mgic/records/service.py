"""How the service itself is doing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from mgic.records.base import Queue, Record


class ApiIndex(Record):
    """Where to begin: `links` has the path of everything that can be read, by the name of its operation."""

    version: str
    document: str  # OpenAPI
    page: str  # to read and try it in a browser
    links: dict[str, str]


class PluginInfo(Record):
    """A module from outside that was asked for, and what came of it."""

    module: str
    asked_by: str  # --import, or the installed package whose entry point names it: "lab-nets 0.3"
    error: str = ""  # why it is not there, in a line
    registers: tuple[str, ...] = ()  # "model tiny", "data set stripes"; of all modules of its top-level package
    fingerprint: str = ""  # of the source files that its import loaded


class Abilities(Record):
    """What a worker has found where it is: only what it has there can be run there."""

    engines: tuple[str, ...]
    lacking: dict[str, str] = Field({}, description="By each other engine, why it cannot be used there")
    extras: tuple[str, ...] = Field(description="Of the distribution, those whose packages are installed")
    cores: int = Field(description="That a run may use")
    gpus: tuple[str, ...] = Field((), description="By name, in their order")
    datasets: tuple[str, ...] = Field(description="Those that are present")
    plugins: tuple[PluginInfo, ...] = ()

    def why_not(self, ability: str, value: Any) -> str:
        """Why a value of a config field with this `ability` cannot be run there; empty if it can."""
        if ability == "engines":
            return "" if value in self.engines else self.lacking.get(value, "it does not know it")
        return "" if value <= self.cores else f"its machine has {self.cores} cores to use"


def abilities_of(schema: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a config whose values a worker must be able to run, and by what of its `able` that is told."""
    return {name: one["ability"] for name, one in schema.get("properties", {}).items() if "ability" in one}


class Worker(Record):
    name: str
    host: str
    queue: Queue
    device: str
    slots: int
    version: str
    seen_at: datetime
    alive: bool
    able: Abilities | None = Field(
        None, description="None until it has told, and of a worker beside the API: as `mgic up` starts both"
    )
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
    disk: str = ""  # of this machine, where the database or files lie on it: ok, or full
    catalogue: str = ""
    newest_heartbeat_seconds: float | None = None
    notes: tuple[str, ...] = ()


Scope = Literal["read", "submit", "admin"]  # each opens what those before it open, too


class Caller(Record):
    """As whom a request was made, and what it may do."""

    name: str = Field(description="Of the key, or of the person that the pages acted for; empty where no key is needed")
    scope: Scope
    key_id: str | None = None
    expires_at: datetime | None = None


class Act(Record):
    """A line of the audit: who has changed what."""

    at: datetime
    by: str
    key_id: str | None = None
    action: str  # the name of the operation, such as cancel_sweep
    target: str  # the path that was asked for


class System(Record):
    version: str
    limits: dict[str, float]
    queued: dict[str, int]  # runs waiting, by queue
    running: dict[str, int]
    plugins: tuple[PluginInfo, ...] = ()  # as the catalogue found them; empty until it has answered
