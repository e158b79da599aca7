"""What the paper prints, beside what is counted and measured here."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from mgic.records.base import Config, Record

Metric = Literal["top1", "top5", "miou", "mse", "mobile_ms", "cpu_ms"]
Verdict = Literal["reproduced", "within noise", "contradicts", "not run", "cannot run"]
Match = Literal["match", "near", "off"]  # within 3 %, within 10 %, beyond; of the printed figure


class PaperTable(Record):
    """A table or figure of the paper."""

    name: str  # 13, or 7-text for what stands beside Table 7
    title: str
    place: str  # the section it stands in
    notes: tuple[str, ...] = ()  # contradictions, and how it is read here


class Counted(Record):
    """The cost of our network, and how far it is from the printed figures."""

    params: int
    macs: int
    transfer_macs: int
    params_deviation: float | None  # per cent of the printed figure; None: nothing is printed
    macs_deviation: float | None  # with R and P
    macs_deviation_without_transfer: float | None  # without them, as the paper counts
    params_match: Match | None
    macs_match: Match | None  # by the nearer of the two countings


class Measured(Record):
    """Finished runs of one config that differ in the seed only."""

    metric: Metric
    n: int
    mean: float
    low: float
    high: float
    interval: tuple[float, float] | None  # 95 %, of the mean; None below 3 runs
    prediction: tuple[float, float] | None  # where one more run, on another test set as large, would fall; None for 1
    runs: tuple[UUID, ...]
    config: Config


class Reference(Record):
    """One result row of the paper.

    Numbers are as printed, but in units: parameters and MACs are not in millions.
    `options`, `input_size` and `convention` say with which of our networks the row is held together.
    """

    id: str  # table and place in it: 13.4
    table: str
    label: str
    setting: str
    source: Literal["ours", "quoted", "own run"]  # as the paper says: its authors' method, quoted, or run by them
    params: int | None = None
    macs: int | None = None
    metrics: dict[Metric, int | float] = Field(default_factory=dict)  # whole where no decimals are printed
    model: str | None = None
    options: Config = Field(default_factory=dict)
    input_size: tuple[int, ...] = ()
    convention: str = ""  # how our figures are counted, and which choice of options that is
    params_within: float | None = None  # per cent that our parameters are known to be off by at most
    macs_within: float | None = None  # the same of the MACs, by the nearer counting
    cannot_run: str | None = None  # why there is no model, or no experiment
    note: str = ""
    counted: Counted | None = None
    experiment: str | None = None
    metric: Metric | None = None  # the one that a run is judged by
    scale: Config = Field(default_factory=dict)  # what a run's config must have to be one of the row; seeds are free
    recipe: str | None = None  # at the paper's scale
    quick_recipe: str | None = None
    test_size: int | None = None  # samples behind the printed figure


class Standing(Reference):
    """A row of the paper and how the store stands to it."""

    measured: Measured | None = None  # at the row's own scale
    quick: Measured | None = None  # the same model at any other scale: shown, never judged
    verdict: Verdict
    why: str  # of the verdict, in words


class PaperSummary(Record):
    """How much of the paper is covered."""

    rows: int
    runnable: int
    with_cost: int  # rows that print parameters or MACs and have a model here
    cost_matches: int  # of them, those whose printed figures are all met within 3 %
    measured: int
    judged: dict[Verdict, int]
