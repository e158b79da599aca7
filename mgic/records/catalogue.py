"""What there is: experiments, models, data sets, recipes, and what a network costs."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from mgic.records.base import Config, Grid, Queue, Record, Task
from mgic.records.conversion import ConversionReport
from mgic.records.tables import Table, tables_of

# Whose models: those registered here, a package's, or any, the functions that are models among them.
ModelsOf = Literal["registered", "timm", "torchvision", "any"]
ViewKind = Literal["line", "scatter", "bar", "heatmap", "box", "images"]


class View(Record):
    """A plot described by column names; the dashboard draws any of them for any experiment.

    It draws one point a run, or, with `table`, one a row of that table of the result; `x`, `y` and the others name
    config fields, scalar fields of the result, or columns of the table. With `where` it leaves out the rows that have
    another text in one of these columns, but not those that were stored before there was such a column.

    Where the runs differ in `seed`, every point is the mean over the seeds, with the
    points beside it, their range, and from 3 seeds on an interval.

    `low` and `high` are the ends of an interval that a run knows of its own `y`. It is drawn where a point is one
    run. Where it is a mean over seeds the spread between them is drawn, and only that: it is the larger doubt.

    `box`: a box a run from `q1` to `q3`, a line at `y`, the median, and whiskers to `low` and `high`. A run without
    a number for these two has no whiskers. Runs that differ in `seed` have a box each: quantiles have no mean.

    `images`: a row a sample, a column a run, in the order of its config field `x`, one seed for all. `y` is the name of
    an artifact; a `*` in it stands for the sample, and without one there is a single row.

    `grade`: the column of a result that says how far what is drawn can be trusted, A to D.

    `chosen_by`: the column that says which point is the better one, where that is not what is drawn: a score of
    samples that were held out, beside that of the test samples. Where its rows have no number in it, the test set was
    chosen by, and the plot says so.

    Raises:
        ValueError: A kind lacks a column, or names one that it does not draw.
    """

    title: str
    kind: ViewKind = "line"
    table: str | None = None  # of the result; None: one point a run
    where: dict[str, str] = Field(default_factory=dict)  # of a table: column -> the text that its rows have
    x: str
    y: str
    z: str | None = None  # heatmap: the value of a cell
    series: str | None = None  # one colour and symbol a value
    low: str | None = None
    high: str | None = None
    q1: str | None = None  # box: a quarter is less
    q3: str | None = None  # box: a quarter is more
    chosen_by: str | None = None  # of a result; None: what is drawn
    grade: str | None = None  # of a result; None: what is drawn is not graded
    log_x: bool = False
    log_y: bool = False

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if (self.z is not None) != (self.kind == "heatmap"):
            raise ValueError(f"{self.title}: z is for a heatmap, and a heatmap needs it")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"{self.title}: low and high go together")
        if self.low is not None and self.kind in ("heatmap", "images"):
            raise ValueError(f"{self.title}: a view of kind {self.kind} draws no interval")
        if not (self.q1 is None) == (self.q3 is None) == (self.kind != "box"):
            raise ValueError(f"{self.title}: q1 and q3 are for a box, and a box needs both")
        if self.table is not None and self.kind == "images":
            raise ValueError(f"{self.title}: pictures are a run's, and no table has them")
        if self.where and (self.table is None or self.kind == "heatmap"):
            raise ValueError(f"{self.title}: where is for rows of a table, and not for a heatmap")
        if self.y.count("*") > (self.kind == "images"):
            raise ValueError(f"{self.title}: one * may stand for the sample of a view of kind images")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All that it reads of a row, each once; of `images` without the artifact's name."""
        drawn = self.y if self.kind != "images" else None
        named = (
            self.x,
            drawn,
            self.z,
            self.series,
            self.low,
            self.high,
            self.q1,
            self.q3,
            self.chosen_by,
            self.grade,
            *self.where,
        )
        return tuple(dict.fromkeys(name for name in named if name is not None))


class Recipe(Record):
    """A named sweep that redoes a table or a figure of the paper."""

    name: str
    title: str
    summary: str  # what it needs and how long it takes
    scale: Literal["quick", "paper"]
    experiment: str
    grids: tuple[Grid, ...]
    package: str = "mgic"  # the package that registered it; as it is listed


class ExperimentInfo(Record):
    """All that a form and a page of plots need to know of an experiment.

    `config_schema` and `result_schema` are JSON schemas. A property may carry `unit`;
    in a result, `goal` ("min" or "max": which end is the good one; without it neither is),
    in a row of a table `key` (true: one of the columns that tell the rows apart), and in the
    scalar fields of a result `headline` (true: first on a run's page), if need be with `ends`
    (the two fields that have the ends of its interval), `curve` (the series whose last point it is);
    and, in a config, `choices` ("models" or "datasets": take the names from that list)
    with `task` (of these, only those for it), and `ability` ("engines" or "cores": what of the
    `able` of a worker decides whether it can run that value).
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
    package: str = "mgic"  # the package that registered it

    @property
    def tables(self) -> dict[str, Table]:
        """Of the result, by name."""
        return tables_of(self.result_schema)


class ModelInfo(Record):
    """A network family; `options` is the JSON schema of what it can be created with."""

    name: str
    summary: str
    options: dict[str, Any]
    task: Task
    input_size: tuple[int, ...]  # of one sample at the resolution it was made for: (channels, height, width)
    smallest: tuple[int, ...]  # sides of the smallest sample it is tested on, without the channels
    package: str  # the package whose code it is: mgic, timm, torchvision, or that of a plug-in
    fingerprint: str = ""  # of the plug-in's code; empty for what comes with the lab


class DatasetInfo(Record):
    name: str
    title: str
    task: Task
    shape: tuple[int, ...]  # of one sample: (channels, height, width); (3,) of a cloud, which has the points asked for
    classes: int
    train: int  # number of samples; 0 of a function, which has those asked for
    test: int
    validation: int = 0  # that the set itself sets aside to choose by
    present: bool
    how_to_get: str  # the command, or the words, that bring it here
    package: str = "mgic"  # the package that registered it; empty for a set that lies in the folder of the data sets
    licence: str = ""  # where it does not allow everything
    hash: str = ""  # of a set that lies in the folder of the data sets: it changes with its files
    problem: str = ""  # why what lies there is no set


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


class Uncounted(Record):
    """An operator that may do products and is in no table of the counter: what it does is not in the figures."""

    operator: str  # aten::_fft_r2c
    module: str  # dotted name of the module that called it; empty for the network itself


class Cost(Record):
    """Parameters and multiply-accumulates of one forward pass, batch 1.

    One multiply-accumulate counts 1; convolutions and products of matrices count, whoever calls
    them, and norms, activations, biases and what works element by element do not. FLOPs are
    twice the MACs. If `uncounted` is not empty, `macs` is what is known of them and no more.
    """

    params: int
    macs: int
    transfer_macs: int = 0  # the share of the transfer operators R and P, part of `macs`
    transfer_params: int = 0
    levels: tuple[Level, ...] = ()
    uncounted: tuple[Uncounted, ...] = ()


class NetworkCost(Record):
    """Of one of several networks that a run measures: totals of one sample, as in `Cost`."""

    model: str  # as asked for, with the options that were given
    params: int
    macs: int
    transfer_macs: int


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
    uncounted: tuple[Uncounted, ...] = ()
    conversion: ConversionReport | None = None  # of a model `mgic/NAME`: what became of NAME, at this input
