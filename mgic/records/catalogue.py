"""What there is: experiments, models, data sets, recipes, and what a network costs."""

from typing import Any, Literal

from mgic.records.base import Config, Grid, Queue, Record, Task


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
    and, in a config, `choices` ("models" or "datasets": take the names from that list)
    with `task` (of these, only those for it).
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
    task: Task
    input_size: tuple[int, ...]  # of one sample at the resolution it was made for: (channels, height, width)
    smallest: tuple[int, ...]  # sides of the smallest sample it is tested on, without the channels
    source: str  # the package whose code it is: mgic, timm, torchvision


class DatasetInfo(Record):
    name: str
    title: str
    task: Task
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
