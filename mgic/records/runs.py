"""Sweeps and runs: what is asked for, how it stands, what it leaves."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from mgic.records.base import NAME_PATTERN, Config, Grid, Notes, Queue, Record, Tags
from mgic.records.catalogue import Cost, NetworkCost
from mgic.records.search import Refused, Search, Searched, stopped_early


class ThenRequest(Record):
    """What is to be run with each run of a sweep as its input: one cell a run, times its own grids.

    Give `axes` (one grid) or `grids` (several), or neither.
    """

    experiment: str = Field(max_length=120)
    input: str | None = Field(None, max_length=120, description="The field that names the run, where there are several")
    axes: Grid | None = None
    grids: Annotated[list[Grid], Field(min_length=1, max_length=50)] | None = None
    name: str | None = Field(None, pattern=NAME_PATTERN)


class SweepRequest(Record):
    """A union of grids; a constant is an axis of length one, a field left out keeps its default.

    Give `axes` (one grid), `grids` (several), or `recipe` (its name). A field that names a run takes the
    run's id, or `sweep:ID` for every run of that sweep.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"experiment": "cost", "axes": {"model": ["resnet56", "mgic_resnet56"]}},
                {
                    "experiment": "classification",
                    "grids": [
                        {"model": ["resnet20"], "seed": [0, 1, 2], "epochs": [10]},
                        {"model": ["mgic_resnet20"], "group_size": [4, 8], "seed": [0, 1, 2], "epochs": [10]},
                    ],
                    "name": "group size",
                },
                {"recipe": "ablation_quick"},
                {
                    "experiment": "classification",
                    "axes": {"model": ["mgic_resnet20"], "group_size": [4, 8, 16], "validation_share": [0.1]},
                    "search": {
                        "sampler": "tpe",
                        "trials": 20,
                        "metric": "val_top1",
                        "space": {"learning_rate": {"min": 0.001, "max": 1.0, "log": True}},
                        "stop": {"rule": "median"},
                    },
                },
            ]
        }
    )

    experiment: str = Field("", max_length=120)
    axes: Grid | None = None
    grids: Annotated[list[Grid], Field(min_length=1, max_length=50)] | None = None
    recipe: str | None = Field(None, max_length=120)
    name: str | None = Field(None, pattern=NAME_PATTERN)
    priority: int = Field(5, ge=0, le=9, description="0 is served first, 9 last", strict=True)
    reuse: bool = Field(False, description="Take results that the store has instead of running them again", strict=True)
    tags: Tags = Field(
        (), description="Of the sweep, and of what follows it; lists of runs and sweeps are filtered by them"
    )
    then: ThenRequest | None = Field(
        None, description="A second sweep, stored with it, of which each run waits for one"
    )
    search: Search | None = Field(
        None, description="Let a sampler choose the runs from the values of one grid, in place of all its cells"
    )


class RunPatch(Record):
    """What is to change; what is left out stays."""

    tags: Tags = Field(default_factory=tuple, description="All it is to have from now on")
    notes: Notes = Field(default_factory=str, description="Text of any kind")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError(
                "missing", "should have {fields}", {"fields": " or ".join(type(self).model_fields)}
            )
        return self


class SweepPatch(RunPatch):
    """What is to change; what is left out stays."""

    name: str = Field(default_factory=str, pattern=NAME_PATTERN)


class RunCount(Record):
    """How many runs a list has in all."""

    total: int


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
    INPUT_FAILED = "input_failed"
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


class Awaited(Record):
    """A run that another one waits for."""

    id: UUID
    status: RunStatus


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
    made_from: dict[str, UUID] = Field({}, description="Its inputs, by the fields of its config that name them")
    inputs: dict[str, "InputRun"] = Field({}, description="What each of them runs")
    waits_for: tuple[Awaited, ...] = ()  # while it is queued, those of them that have not succeeded
    sweep_name: str = ""
    tags: tuple[str, ...] = ()  # its own
    sweep_tags: tuple[str, ...] = ()  # its sweep's, by which it is found too
    notes: str = ""
    imported: bool = Field(False, description="It did not run here: it is shown, and counts for nothing")

    @property
    def whole(self) -> bool:
        """Whether it succeeded, and was not ended early by a search: then its result stands for its config."""
        return self.status is RunStatus.SUCCEEDED and not stopped_early(self.result)


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
    finished: bool  # no run is left to end, and none to be asked for
    eta_seconds: float | None = None  # None until a run of it has ended
    then_sweep_id: UUID | None = None  # submitted with it: the sweep whose runs have its runs as inputs
    tags: tuple[str, ...] = ()
    notes: str = ""
    search: Searched | None = None  # of a sweep whose runs a sampler chooses; `total` counts those there are by now
    owner: str | None = None  # the name of the key, or the person, that submitted it; None where none was needed

    @property
    def planned(self) -> int:
        """How many runs it comes to, as far as is known."""
        return self.search.settings.trials if self.search and self.search.state == "searching" else self.total


class PluginCode(Record):
    """The code of a plug-in that a run uses: of which commit, and whether it is just that.

    `commit` and `dirty` are None outside a repository; then the fingerprint of what was loaded says which it is.
    """

    module: str
    by: str  # who asked for it: --import, or the package with its version
    commit: str | None
    dirty: bool | None
    fingerprint: str


def made_by(environment: dict[str, Any] | None, wanted: tuple[PluginCode, ...]) -> bool:
    """Whether a run's environment says that it ran just this code; code that was changed is never the same."""
    told = {one["module"]: one for one in ((environment or {}).get("subject") or {}).get("plugins", ())}
    return all(one.module in told and _same(one, PluginCode.model_validate(told[one.module])) for one in wanted)


def _same(wanted: PluginCode, ran: PluginCode) -> bool:
    if wanted.dirty or ran.dirty:
        return False
    if wanted.commit or ran.commit:
        return wanted.commit == ran.commit
    return bool(wanted.fingerprint) and (wanted.by, wanted.fingerprint) == (ran.by, ran.fingerprint)


class InputRun(Record):
    """A run that another one has as its input: what it runs, as far as that decides what the other may be."""

    experiment: str
    config: Config  # as resolved
    inputs: dict[str, "InputRun"] = Field({}, description="What its own inputs run")


class Point(Record):
    """A cell of a sweep before it is queued."""

    requested: Config
    config: Config
    cost: Cost | None = None  # None while it is being counted, or if nothing can be counted; of several the largest
    networks: tuple[NetworkCost, ...] = ()  # where the run measures several: each, in the order asked for
    group_sizes: tuple[int, ...] = ()  # effective ones
    pending: bool = False  # the cost is still to come: ask again
    work_macs: float | None = None  # multiply-accumulates of the whole run
    problem: str | None = None  # why this cell cannot run
    duplicate_of: UUID | None = None  # a succeeded run of the same config
    seconds: float | None = None  # predicted from finished runs
    code: tuple[PluginCode, ...] = ()  # from outside, of the model, the experiment and the data set
    files: dict[str, str] = Field(default_factory=dict)  # by field, the hash of what it names on this server's disk


class Plan(Record):
    """What a request asks for: the experiment with its version and queue, its grids and its points."""

    experiment: str
    version: int
    queue: Queue
    grids: tuple[Grid, ...]
    points: tuple[Point, ...]


class Proposal(Record):
    """The next trials of a search, with what the sampler notes of each; and the cells that it was told cannot run."""

    plan: Plan
    notes: tuple[dict[str, Any], ...]  # one a point
    refused: tuple[Refused, ...] = ()
    exhausted: str = ""  # why there is no further one


class CheckedSearch(Record):
    """A request for a search with one grid and a goal, and the curve by which its trainings are ended early."""

    request: SweepRequest
    curve: str | None


class Preview(Record):
    """What a sweep would be. While `pending` > 0, ask again: costs arrive cell by cell.

    Of a search, its first trials, and in `total` all that it may come to.
    """

    points: tuple[Point, ...]
    total: int
    pending: int
    problems: int
    duplicates: int
    seconds: float | None = None  # predicted time of all runs, one after another
    then: "Preview | None" = (
        None  # the second sweep's, to which the first one's points are #0, #1; `pending` has both's
    )


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
