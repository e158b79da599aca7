"""A search: a sampler chooses the next runs of a sweep by how the ones before have ended."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, StrictFloat, StrictInt, model_validator

from mgic.records.base import MAX_SWEEP_RUNS, Config, Record

Sampler = Literal["random", "qmc", "tpe", "nsga2"]
Goal = Literal["min", "max"]
Number = StrictInt | StrictFloat
NUMBERS = {"integer", "number"}
MAX_AT_ONCE = 64
STOPPED_EARLY = "stopped_early"  # the field of a result that says so


def stopped_early(result: Mapping[str, Any] | None) -> bool:
    """Whether a search ended the training before its end: its scores are no trained network's, and count as none."""
    return bool((result or {}).get(STOPPED_EARLY))


def numbers_of(result_schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The scalar fields of a result that are numbers: a search may go by each."""
    found = {}
    for name, field in result_schema.get("properties", {}).items():
        kinds = {kind.get("type") for kind in field.get("anyOf", [field])}
        if kinds & NUMBERS and kinds <= NUMBERS | {"null"}:
            found[name] = field
    return found


def stoppable_by(result_schema: Mapping[str, Any]) -> list[str]:
    """Those of them that a training can be ended early by; none where no run can be."""
    stoppable = STOPPED_EARLY in result_schema.get("properties", {})
    return [name for name, field in numbers_of(result_schema).items() if stoppable and "curve" in field]


class Range(Record):
    """All values of a field from `min` to `max`, both of them too: whole numbers where both are."""

    min: Number
    max: Number
    log: bool = Field(False, description="Even on a logarithmic scale", strict=True)
    step: Number | None = Field(None, gt=0, description="Only every so many; not with log")

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.min >= self.max:
            raise ValueError(f"min must be below max, and {self.min} is not below {self.max}")
        if max(abs(self.min), abs(self.max)) >= 2**53:
            raise ValueError("min and max must be below 2^53")
        if self.log and self.min <= 0:
            raise ValueError(f"with log, min must be above 0, unlike {self.min}")
        if self.log and self.step is not None:
            raise ValueError("log and step cannot be given together")
        if self.whole and isinstance(self.step, float):
            raise ValueError(f"between whole numbers step is one too, unlike {self.step}")
        return self

    @property
    def whole(self) -> bool:
        return isinstance(self.min, int) and isinstance(self.max, int)

    @property
    def real(self) -> "Range":
        """The same of real numbers."""
        return self.model_copy(update={"min": float(self.min), "max": float(self.max)})


class StopRule(Record):
    """When a training is ended early, by its curve beside those of the others; it is scored once an epoch.

    `median`: its best score so far is worse than the median that those trained to their end had after as many epochs.
    `halving`: after `first`, `first * factor`, `first * factor^2` ... epochs, it is not among the best 1 of `factor`.
    """

    rule: Literal["median", "halving"]
    first: int = Field(1, ge=1, le=1000, description="Epochs after which a training is looked at first", strict=True)
    startup: int = Field(
        5, ge=1, le=1000, description="Trainings that come to their end before the median ends one", strict=True
    )
    factor: int = Field(3, ge=2, le=100, description="Of the halving", strict=True)


class Search(Record):
    """How the runs of a sweep are chosen: `trials` of them, one after another, from the values of its axes and ranges.

    A list of numbers is an ordered axis, other lists are unordered. `nsga2` has two goals, the metric and fewer
    multiply-accumulates; the others have the metric alone.
    """

    sampler: Sampler
    trials: int = Field(ge=1, le=MAX_SWEEP_RUNS, description="Runs at most; a cell is run once", strict=True)
    seed: int = Field(0, ge=0, le=2**32 - 1, description="What is drawn derives from it", strict=True)
    metric: str = Field(max_length=120, description="A number of the experiment's result")
    goal: Goal | None = Field(None, description="min or max; empty: what the experiment says of the metric")
    space: Annotated[dict[str, Range], Field(max_length=50)] = Field(
        default_factory=dict, description="Fields with a range in place of a list of values"
    )
    stop: StopRule | None = Field(None, description="End trainings early that are behind the others")
    max_macs: int | None = Field(
        None, ge=1, le=2**62, description="Cells with more multiply-accumulates are not run", strict=True
    )
    at_once: int | None = Field(
        None,
        ge=1,
        le=MAX_AT_ONCE,
        description="Trials that run or wait at the same time; empty: one for each slot of the workers online",
        strict=True,
    )


SearchState = Literal["searching", "done", "exhausted", "cancelled"]


class Found(Record):
    """A trial that no other one beats."""

    run_id: UUID
    number: int  # its place in the sweep
    value: float  # of the metric
    macs: int | None = None  # of its network, where the experiment counts them


class Searched(Record):
    """A search as it stands.

    `done`: all trials have ended. `exhausted`: no other cell can be tried, `why` says why not. `asked` counts the
    trials that were asked for, `ended` those of them that have ended, with `failed` and `stopped` among them.
    `best` is the best trial that was trained to its end; of nsga2 the front, fewest multiply-accumulates first.
    """

    settings: Search  # with its goal
    state: SearchState
    why: str = ""
    asked: int
    ended: int
    failed: int
    stopped: int  # before their end
    refused: int  # cells that were proposed and cannot be run
    best: tuple[Found, ...] = ()

    @property
    def said(self) -> str:
        """In words: the best so far, and what is missing."""
        shown = ", ".join(f"{one.value:.6g} (run {one.number})" for one in self.best)
        words = [f"best {self.settings.metric}: {shown or 'no trial has come to its end'}"]
        words += [f"{self.stopped} trials ended early"] if self.stopped else []
        return "; ".join([*words, *([self.why] if self.why else [])])


class Refused(Record):
    """A cell that was proposed and not run. `excess`: by what share it is above `max_macs`; 1 where it cannot run."""

    requested: Config
    asked: int  # how many trials had been asked for by then
    excess: float
    why: str


TrialState = Literal["running", "complete", "stopped", "failed"]


class Trial(Record):
    """A trial as a sampler needs to know it. `value` is there where it is complete or was stopped."""

    requested: Config
    state: TrialState
    value: float | None = None
    step: int = 0  # after which it was stopped
    macs: int | None = None
    notes: dict[str, Any] = Field(default_factory=dict)  # the sampler's own, as it gave them with the trial
