"""What the paper prints, beside what is counted and measured here."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from mgic.records.base import Config, Record

Metric = Literal["top1", "top5", "miou", "mse", "mobile_ms", "cpu_ms"]
Apart = Literal["another network", "quoted", "other samples"]  # why a row is not judged, though it could be run
Verdict = Literal[
    "reproduced",
    "within noise",
    "contradicts",
    "spread unknown",  # too few seeds to judge by
    "not run",
    "another network",
    "quoted",
    "other samples",
    "cannot run",
]
# Of the printed figure: within 3 %, further off but equal when rounded to its digits, within 10 %, beyond.
Match = Literal["match", "rounds", "near", "off"]
TestSet = Literal["same", "other"]


class PaperTable(Record):
    """A table or figure of the paper."""

    name: str  # 13, or 7-text for what stands beside Table 7
    title: str
    place: str  # the section it stands in
    transfer_counted: bool  # whether its MACs are held against ours with R and P, or without
    counting: str  # the evidence for that, in a sentence
    notes: tuple[str, ...] = ()  # contradictions, and how it is read here


class Counted(Record):
    """The cost of our network, and how far it is from the printed figures."""

    params: int
    macs: int
    transfer_macs: int
    params_deviation: float | None  # per cent of the printed figure; None: nothing is printed
    macs_deviation: float | None  # with R and P
    macs_deviation_without_transfer: float | None  # without them
    transfer_counted: bool  # the rule of the row's table: which of the two is held against the printed figure
    params_match: Match | None
    macs_match: Match | None  # by that rule

    @property
    def judged_macs_deviation(self) -> float | None:
        return self.macs_deviation if self.transfer_counted else self.macs_deviation_without_transfer


class Measured(Record):
    """Finished runs of one config that differ in the seed only."""

    metric: Metric
    n: int  # seeds that gave a figure: mean and intervals are of these
    seeds: int  # seeds that ran, those without a figure too
    lost: dict[str, int] = Field(
        default_factory=dict
    )  # of those without one: why, `diverged` or `no_better_than_guessing` say -> how many
    searched: int = 1  # groups of runs that were looked through for the best mean
    mean: float
    low: float
    high: float
    interval: tuple[float, float] | None  # 95 %, of the mean; None below 3 runs
    prediction: tuple[float, float] | None  # 95 %, where one more run would fall; None where nothing is judged
    smallest_gap: float | None = None  # to the printed figure, that would have been seen in 4 of 5 tries
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
    figure_of: Literal["ours", "quoted", "own run"]  # the authors' method, quoted, or another run by them
    quoted_from: str | None = None  # the paper that a quoted figure is from
    training_of: Literal["paper", "quoted"] = "paper"  # whose training `scale` is: this paper's, or the quoted one's
    params: int | None = None
    macs: int | None = None
    metrics: dict[Metric, int | float] = Field(default_factory=dict)  # whole where no decimals are printed
    model: str | None = None
    options: Config = Field(default_factory=dict)
    input_size: tuple[int, ...] = ()
    convention: str = ""  # how our figures are counted, and which choice of options that is
    params_within: float | None = None  # per cent that our parameters are known to be off by at most
    macs_within: float | None = None  # the same of the MACs, by the table's rule of counting
    cannot_run: str | None = None  # why there is no model, or no experiment
    note: str = ""
    counted: Counted | None = None
    experiment: str | None = None
    metric: Metric | None = None  # the one that a run is judged by
    scale: Config = Field(default_factory=dict)  # what a run's config must have to be one of the row; seeds are free
    recipe: str | None = None  # at the paper's scale
    quick_recipe: str | None = None
    test_size: int | None = None  # samples behind the printed figure
    test_set: TestSet | None = None  # whether those are the samples that our runs are tested on
    margin: float | None = None  # within which a figure counts as reproduced, in its unit
    apart: Apart | None = None  # why it is not judged
    apart_words: str | None = None  # the same in words: another network (-43 % parameters)


class Standing(Reference):
    """A row of the paper and how the store stands to it."""

    measured: Measured | None = None  # at the row's own scale
    quick: Measured | None = None  # the same model at another scale or version: shown, never judged
    verdict: Verdict
    says: str  # the verdict with what belongs to it: reproduced (3 of 5 seeds)
    why: str  # of the verdict, in sentences


class PaperSummary(Record):
    """How much of the paper is covered."""

    rows: int
    runnable: int
    with_cost: int  # rows that print parameters or MACs and have a model here
    cost_matches: int  # of them, those whose printed figures are all met within 3 %
    cost_rounds: int  # of them, those that are met, but some figure only when rounded to its printed digits
    judgeable: int  # runnable rows of our network, with a training like theirs and a figure that can be judged
    measured: int  # of these, those with a run at their scale
    judged: dict[Verdict, int]  # of all rows
    printed_twice: tuple[tuple[str, ...], ...] = ()  # judgeable rows that print one figure of one network: their ids
