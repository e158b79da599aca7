"""The project's vocabulary: what a sweep, a run and a result look like everywhere.

Pure pydantic: the core fills these in, the store keeps them, the API sends them
and the dashboard draws them. Nothing here may import torch, SQLAlchemy or FastAPI.
"""

from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

Scalar = bool | int | float | str | None


def _plain(value: Any) -> Any:
    """One clear error for a value that no field could take, instead of one for each member of the union."""
    for item in value if isinstance(value, list) else [value]:
        if item is not None and not isinstance(item, bool | int | float | str):
            raise PydanticCustomError("plain_value", "must be a number, a string, true, false, null or a list of these")
        if isinstance(item, float) and not isfinite(item):
            raise PydanticCustomError("finite_number", "must be a finite number")
        if isinstance(item, int) and abs(item) >= 2**63:
            raise PydanticCustomError("int_size", "must be below 2^63")
        if isinstance(item, str) and (len(item) > 500 or any(c in "\0\x7f" or "\ud800" <= c <= "\udfff" for c in item)):
            raise PydanticCustomError("plain_text", "must be text of at most 500 characters")
    return value


Value = Annotated[Scalar | list[Scalar], BeforeValidator(_plain)]
Config = dict[str, Value]
Axis = Annotated[list[Value], Field(min_length=1, max_length=500)]
Grid = Annotated[dict[str, Axis], Field(max_length=50)]

Queue = Literal["cpu", "gpu", "timing"]

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,119}$"
MAX_SWEEP_RUNS = 2000


class Record(BaseModel):
    """An immutable value with no unknown fields and no coercion; numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# What there is: experiments, models, data sets, recipes


class View(Record):
    """A plot described by column names; the dashboard draws any of them for any experiment.

    Where the runs differ in `seed`, every point is the mean over the seeds, with the
    points beside it, their range, and from 3 seeds on an interval.
    """

    title: str
    kind: Literal["line", "scatter", "bar", "heatmap"] = "line"
    x: str
    y: str
    z: str | None = None  # heatmap: the value of a cell
    series: str | None = None  # one colour and symbol a value
    log_x: bool = False
    log_y: bool = False


class Recipe(Record):
    """A named sweep that redoes a table or a figure of the paper."""

    name: str
    title: str
    summary: str  # what it needs and how long it takes
    scale: Literal["quick", "paper"]
    experiment: str
    grids: tuple[Grid, ...]


class ExperimentInfo(Record):
    """All that a form and a page of plots need to know of an experiment.

    `config_schema` and `result_schema` are JSON schemas. A property may carry `unit`
    and, in a config, `choices` ("models" or "datasets": take the names from that list).
    If `config_schema` has `additionalProperties: true`, the options of the chosen model
    are fields too, under their own names.
    """

    name: str
    title: str
    summary: str
    version: int
    queue: Queue
    config_schema: dict[str, Any]
    result_schema: dict[str, Any]
    views: tuple[View, ...]
    recipes: tuple[Recipe, ...] = ()


class ModelInfo(Record):
    """A network family; `options` is the JSON schema of what it can be created with."""

    name: str
    summary: str
    options: dict[str, Any]


class DatasetInfo(Record):
    name: str
    title: str
    task: Literal["image classification"]
    shape: tuple[int, ...]  # (channels, height, width)
    classes: int
    train: int  # number of samples
    test: int
    present: bool
    how_to_get: str  # the command, or the words, that bring it here


class Level(Record):
    """One grid of one MGIC block: the channels it works on and where its cost sits."""

    block: str  # dotted name of the block in the network
    level: int
    channels: int
    group_size: int  # channels a group really has, after the divisibility rule
    groups: int
    restrict_params: int
    restrict_macs: int
    prolong_params: int
    prolong_macs: int
    block_params: int
    block_macs: int


class Cost(Record):
    """Parameters and multiply-accumulates of one forward pass, batch 1.

    One multiply-accumulate counts 1; convolutions and linear layers count, norms,
    activations and biases do not. FLOPs are twice the MACs.
    """

    params: int
    macs: int
    transfer_macs: int = 0  # the share of the transfer operators R and P, part of `macs`
    transfer_params: int = 0
    levels: tuple[Level, ...] = ()


class ModelCost(Record):
    """The cost of one model, with what was asked for and what came of it."""

    model: str
    options: Config
    input_size: tuple[int, ...]
    params: int
    macs: int
    transfer_macs: int
    transfer_params: int
    group_sizes: tuple[int, ...]  # effective ones, distinct, descending
    levels: tuple[Level, ...]


# Sweeps and runs


class SweepRequest(Record):
    """A union of grids; a constant is an axis of length one, a field left out keeps its default.

    Give `axes` (one grid), `grids` (several), or `recipe` (its name).
    """

    experiment: str = Field("", max_length=120)
    axes: Grid | None = None
    grids: Annotated[list[Grid], Field(min_length=1, max_length=50)] | None = None
    recipe: str | None = Field(None, max_length=120)
    name: str | None = Field(None, pattern=NAME_PATTERN)
    priority: int = Field(5, ge=0, le=9, description="0 is served first, 9 last", strict=True)
    reuse: bool = Field(False, description="Take results that the store has instead of running them again", strict=True)


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        return self in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)


class Reason(StrEnum):
    """Why a run failed."""

    OOM = "oom"
    DIVERGED = "diverged"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    DISK_FULL = "disk_full"
    INVALID = "invalid"
    KILLED = "killed"
    TOO_LARGE = "too_large"
    INTERNAL = "internal"


class Failure(Record):
    reason: Reason
    message: str  # in words, fit to show to the user
    traceback: str = ""


class Outcome(Record):
    """How a run ended. `result` if it succeeded, `failure` if it failed, neither if cancelled."""

    status: RunStatus
    config: Config
    result: dict[str, Any] | None = None
    failure: Failure | None = None
    environment: dict[str, Any]
    seconds: float


class Run(Record):
    id: UUID
    sweep_id: UUID
    number: int  # its place in the sweep, from 0
    experiment: str
    status: RunStatus
    reason: Reason | None = None
    phase: str = ""  # for display: preparing, training, evaluating, saving
    progress: float = 0.0  # 0 to 1
    attempt: int = 0
    queue: Queue
    device: str  # cpu or cuda
    requested: Config  # as asked
    config: Config  # as resolved, defaults filled in
    result: dict[str, Any] | None = None
    failure: Failure | None = None
    environment: dict[str, Any] | None = None
    seconds: float | None = None  # of the attempt that ended it
    reused_from: UUID | None = None  # the run whose result this one took over
    worker: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    retry_of: UUID | None = None


class Sweep(Record):
    id: UUID
    name: str
    experiment: str
    grids: tuple[Grid, ...]
    recipe: str | None = None
    priority: int
    created_at: datetime
    counts: dict[RunStatus, int]  # statuses that occur
    total: int
    progress: float  # 0 to 1, the mean over its runs
    finished: bool  # no run is left to end
    eta_seconds: float | None = None  # None until a run of it has ended


class Point(Record):
    """A cell of a sweep before it is queued."""

    requested: Config
    config: Config
    cost: Cost | None = None  # None while it is being counted, or if nothing can be counted
    group_sizes: tuple[int, ...] = ()  # effective ones
    pending: bool = False  # the cost is still to come: ask again
    work_macs: float | None = None  # multiply-accumulates of the whole run
    problem: str | None = None  # why this cell cannot run
    duplicate_of: UUID | None = None  # a succeeded run of the same config
    seconds: float | None = None  # predicted from finished runs


class Plan(Record):
    """What a request asks for: the experiment with its version and queue, its grids and its points."""

    experiment: str
    version: int
    queue: Queue
    grids: tuple[Grid, ...]
    points: tuple[Point, ...]


class Preview(Record):
    """What a sweep would be. While `pending` > 0, ask again: costs arrive cell by cell."""

    points: tuple[Point, ...]
    total: int
    pending: int
    problems: int
    duplicates: int
    seconds: float | None = None  # predicted time of all runs, one after another


class CurvePoint(Record):
    name: str
    step: int
    value: float | None  # None: it was not a finite number
    fence: int


class Curves(Record):
    """Rows after the cursor, oldest first; poll with `after=next_cursor`, which is null when no more will come."""

    items: tuple[CurvePoint, ...]
    next_cursor: str | None


class LogLine(Record):
    attempt: int
    line: str


class Artifact(Record):
    name: str
    media_type: str
    size: int  # bytes
    sha256: str


class Event(Record):
    """One transition of a run."""

    id: int
    run_id: UUID
    at: datetime
    from_status: RunStatus | None
    to_status: RunStatus
    fence: int
    note: str = ""


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


class Health(Record):
    status: Literal["ok", "degraded", "unavailable"]
    version: str
    database: str = ""
    schema_version: str = ""
    broker: str = ""
    catalogue: str = ""
    newest_heartbeat_seconds: float | None = None
    notes: tuple[str, ...] = ()


class System(Record):
    version: str
    limits: dict[str, float]
    queued: dict[str, int]  # runs waiting, by queue
    running: dict[str, int]


Item = TypeVar("Item")


class Page(Record, Generic[Item]):
    """A list, and how to go on: pass `next_cursor` as `cursor`; null at the end."""

    items: tuple[Item, ...]
    next_cursor: str | None = None
