"""A verdict of the gate: its rows, what was timed for it, and the two sides it holds against each other."""

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from mgic.records.base import Record
from mgic.records.gate import Source
from mgic.records.limits import GateMetric, TimedMetric

GateVerdict = Literal["pass", "regression", "inconclusive", "not measured"]
RowVerdict = Literal["pass", "regression", "inconclusive", "not measured", "gone", "new", "shown"]
Arm = Literal["base", "control", "head"]
Stage = Literal["first", "confirming"]
Origin = Literal["service", "elsewhere"]

MAX_ROWS = 5_000
MAX_SAMPLES = 20_000


class MetricVerdict(Record):
    """One metric of one model. `change` is head minus base, in the metric's own unit.

    `shown`: it was not judged, for no limit was named. `gone` and `new`: the model is on one side
    only; such a row has no metric. What was measured and not counted has an interval of 95 %, of `change_percent`; that
    of top1 is of `change`, in points.
    """

    model: str = Field(max_length=500)
    base_model: str = Field(max_length=500)  # another spec than `model` where the model's options were changed
    metric: GateMetric | None
    base: int | float | None = (
        None  # parameters, multiply-accumulates, bytes, ms, instructions, samples a second; top1: %
    )
    head: int | float | None = None
    change: int | float | None = None
    change_percent: float | None = None  # of base; None for top1, and where base is 0
    limit: str = Field("", max_length=32)
    verdict: RowVerdict
    improved: bool = (
        False  # to the better, by more than the limit allows to the worse; of what was measured, with certainty
    )
    note: str = Field("", max_length=1000)  # why it was not measured, or not settled
    low_percent: float | None = None
    high_percent: float | None = None
    n: int = Field(0, ge=0)  # blocks that the interval is of, or pairs of runs
    first_n: int = Field(0, ge=0)  # of a regression: blocks of the first measurement, which a second one confirmed
    control_low_percent: float | None = None  # what the base differs from itself by
    control_high_percent: float | None = None


class Sampled(Record):
    """One process that measured: which model, which side, in which block and at which place of it, both from 0.

    `control` is the base once more; `confirming`: a metric was suspected to be worse, and is measured a second time.
    The times are of one pass, in milliseconds: of CPU time the median over the passes, of wall time the mean and the
    median.
    """

    model: str = Field(max_length=500)
    stage: Stage
    block: int = Field(ge=0)
    place: int = Field(ge=0)
    arm: Arm
    cpu_ms: float | None
    wall_ms: float
    p50_ms: float
    instructions: float | None
    peak_bytes: int | None


class SideInfo(Record):
    """One version of the code.

    `ref` is what was asked for, `head` for the working copy; `dirty`: it was changed since the commit.
    """

    ref: str = Field(max_length=300)
    commit: str | None = Field(max_length=64)
    branch: str | None = Field(max_length=300)
    dirty: bool | None
    remote: str | None = Field(None, max_length=500)


class Conditions(Record):
    """How it was measured, and on what."""

    engine: str = Field(max_length=40)
    threads: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    budget_s: float
    elapsed_s: float
    blocks: int = Field(ge=0)
    load_before: float | None
    load_after: float | None
    cores: int
    processor: str | None = Field(max_length=200)
    python: str = Field(max_length=40)
    torch: str = Field(max_length=60)
    hostname: str = Field(max_length=200)  # the testbed
    remarks: tuple[str, ...] = ()  # what could not be read, or was done otherwise, and why


class Comparison(Record):
    """A verdict, and each metric's share in it.

    `regression` if one metric is; else `not measured` if a metric that a limit was named for
    is, if a model is gone, or if all are; else `inconclusive` if a metric that has a limit is; else `pass`.
    """

    id: UUID | None = Field(None, description="In the service; null in what a command prints")
    created_at: AwareDatetime | None = Field(None, description="When the verdict was given")
    origin: Origin | None = Field(
        None, description="Of one in the service: counted by its own code, or measured elsewhere and sent to it"
    )
    verdict: GateVerdict
    summary: str = Field(max_length=2000)  # in one sentence
    baseline: str = Field(max_length=300)  # its name, or the commit that the head was held against
    baseline_created_at: AwareDatetime | None  # None for a commit
    base_source: Source
    head_source: Source
    rows: tuple[MetricVerdict, ...] = Field(max_length=MAX_ROWS)
    notes: tuple[str, ...] = Field(max_length=MAX_ROWS)
    name: str | None = Field(None, max_length=120, description="What it is a comparison of, such as the repository")
    base_side: SideInfo | None = None  # None for a stored baseline
    head_side: SideInfo | None = None
    conditions: Conditions | None = None  # None where nothing was timed
    samples: tuple[Sampled, ...] = Field((), max_length=MAX_SAMPLES)
    ci_run: str | None = Field(None, max_length=1000)
    pull_request: str | None = Field(None, max_length=1000)


VALUE_OF: dict[TimedMetric, str] = {  # the field of `Sampled` that a metric is made of
    "cpu_time": "cpu_ms",
    "instructions": "instructions",
    "peak_memory": "peak_bytes",
    "wall_time": "wall_ms",
    "p50": "p50_ms",
    "throughput": "wall_ms",
}
