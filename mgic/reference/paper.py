"""What does the paper print, and how far from it is what we count?

The printed rows stand in `tables/`, one file a table of the paper; the counted costs in `counted.json`, so that
nobody needs torch to read them. `mgic reference --recount` writes that file, and a test holds it to the networks.

Paper: Eliasof, Ephrath, Ruthotto, Treister, "MGIC: Multigrid-in-Channels Neural Network Architectures",
https://doi.org/10.1137/21M1430194; the tables are those of https://arxiv.org/abs/2011.09128
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, model_validator

from mgic.errors import UnknownName
from mgic.records import Apart, Config, Counted, Match, Metric, PaperTable, Record, Reference, TestSet
from mgic.registry import natural
from mgic.statistics import default_margin

TABLES = Path(__file__).with_name("tables")
LOCK = Path(__file__).with_name("counted.json")
MATCH, NEAR = 3, 10  # per cent of the printed figure
UNITS = {"K": 3, "M": 6, "B": 9}  # powers of ten
PERCENT: tuple[Metric, ...] = ("top1", "top5", "miou")
SHARES: tuple[Metric, ...] = ("top1", "top5")  # of samples that are right: these have a binomial error


class Countable(NamedTuple):
    """What is counted for a row: a network at one input, or the transfer operators of one block alone."""

    counter: Literal["model", "transfer_operators"]
    model: str | None
    options: Config
    input_size: tuple[int, ...]

    @property
    def key(self) -> str:
        """Under which `counted.json` has it."""
        options = " ".join(f"{name}={json.dumps(value)}" for name, value in sorted(self.options.items()))
        return f"{self.model or self.counter} {options} at {'x'.join(map(str, self.input_size))}".replace("  ", " ")


class Printed(NamedTuple):
    """A figure as printed: 0.50M is 500,000, and its last digit stands for 10,000."""

    value: int
    last_digit: float

    @classmethod
    def read(cls, text: str) -> "Printed":
        """Raises `ValueError` for what is no number with K, M or B after it."""
        if text[-1:] not in UNITS:
            raise ValueError(f"{text!r} should end with one of {', '.join(UNITS)}")
        power = UNITS[text[-1]]
        number = Decimal(text[:-1]).normalize()
        digits = len(text[:-1].partition(".")[2])
        return cls(int(number.scaleb(power)), 10.0 ** (power - digits))


class Row(Record):
    """A row of a file in `tables/`; what a file's `defaults` say holds for all of its rows."""

    label: str
    setting: str = ""
    figure_of: Literal["ours", "quoted", "own run"]
    quoted_from: str | None = None
    training_of: Literal["paper", "quoted"] = "paper"
    params: str | None = None  # as printed, with its unit: "0.53M"
    macs: str | None = None
    metrics: dict[Metric, int | float]  # whole where no decimals are printed
    model: str | None = None
    options: Config = Field(default_factory=dict)
    counter: Literal["model", "transfer_operators", "none"] = "model"
    input_size: tuple[int, ...] = ()
    convention: str = ""
    params_within: float | None = None
    macs_within: float | None = None
    cannot_run: str | None = None
    note: str = ""
    experiment: str | None = None
    metric: Metric
    scale: Config = Field(default_factory=dict)
    recipe: str | None = None
    quick_recipe: str | None = None
    test_size: int | None = None
    test_set: TestSet | None = None
    margin: float | None = Field(None, gt=0)  # None: `default_margin`

    @model_validator(mode="after")
    def _whole(self) -> "Row":
        if (self.figure_of == "quoted") != (self.quoted_from is not None):
            raise ValueError("quoted_from: named where figure_of is `quoted`, and nowhere else")
        if self.cannot_run is None and self.test_set is None:
            raise ValueError(
                "test_set: a row that can be run says whether its test set is the `same` or an `other` one"
            )
        return self

    @property
    def countable(self) -> Countable | None:
        """None: there is no network of ours, or what it costs is known after a run only."""
        if self.counter == "none" or (self.counter == "model" and self.model is None):
            return None
        return Countable(self.counter, self.model, self.options, self.input_size)


class PrintedTable(Record):
    """A file of `tables/`."""

    table: PaperTable
    row: tuple[Row, ...]

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, data: Any) -> Any:
        """Each row over the defaults; `options.<model>` are options of all rows of that model."""
        rows = [_merged(data.get("defaults", {}), data.get("options", {}), row) for row in data["row"]]
        return {"table": data["table"], "row": rows}


def _merged(defaults: Mapping[str, Any], options: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**defaults, **row}
    model = merged.get("model")
    own = row.get("options", {})
    merged["options"] = {**own, **options.get(str(model), {}), **own}  # its own first, and decisive
    merged["scale"] = {**defaults.get("scale", {}), **row.get("scale", {})}
    if "cannot_run" in merged:
        merged["scale"], merged["experiment"] = {}, None
    else:
        merged["scale"] |= {**({"model": model} if model else {}), **merged["options"]}
    if model is None and "counter" not in merged:
        for field in ("input_size", "convention"):
            merged.pop(field, None)
    return merged


def list_tables() -> list[PaperTable]:
    """The tables that print results, in the paper's order; the others, 4, 6, 9 and 12, print architectures."""
    return [found.table for found in printed_tables().values()]


def list_references(table: str | None = None) -> list[Reference]:
    """The printed rows of one table or of all, with what we count for them.

    Raises:
        UnknownName: No such table; the message has the nearest one.
    """
    known = printed_tables()
    if table is not None and table not in known:
        near = get_close_matches(table, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise UnknownName(f"no table of results called {table[:80]!r}; {hint}")
    return list(_references(table)) if table is not None else [row for name in known for row in _references(name)]


@lru_cache(maxsize=1)
def printed_tables() -> dict[str, PrintedTable]:
    """The files of `tables/` by the name of their table."""
    read = [PrintedTable.model_validate(tomllib.loads(path.read_text("utf-8"))) for path in TABLES.glob("*.toml")]
    by_name = {found.table.name: found for found in read}
    return {name: by_name[name] for name in sorted(by_name, key=natural)}


def as_printed(reference: Reference) -> Row:
    """The row behind a reference, whose figures still have the digits they are printed with: 25.0M."""
    return printed_tables()[reference.table].row[int(reference.id.rpartition(".")[2]) - 1]


def countables() -> dict[str, Countable]:
    """All that `counted.json` has to hold, by key."""
    found = [row.countable for each in printed_tables().values() for row in each.row]
    return {one.key: one for one in found if one is not None}


@lru_cache(maxsize=1)
def locked() -> dict[str, dict[str, int]]:
    """What `counted.json` holds: params, macs and transfer_macs by key."""
    counts: dict[str, dict[str, int]] = json.loads(LOCK.read_text("utf-8"))
    return counts


@lru_cache(maxsize=64)
def _references(table: str) -> tuple[Reference, ...]:
    rows = printed_tables()[table].row
    return tuple(_reference(f"{table}.{place}", table, row) for place, row in enumerate(rows, start=1))


def _reference(identifier: str, table: str, row: Row) -> Reference:
    params = Printed.read(row.params) if row.params else None
    macs = Printed.read(row.macs) if row.macs else None
    counted = None
    if row.countable is not None:
        rule = printed_tables()[table].table.transfer_counted
        counted = compare(locked()[row.countable.key], params, macs, rule)
    apart, words = set_apart(row, counted)
    return Reference(
        **row.model_dump(exclude={"params", "macs", "counter", "margin"}),
        id=identifier,
        table=table,
        params=params and params.value,
        macs=macs and macs.value,
        counted=counted,
        margin=row.margin or default_margin(row.metrics[row.metric], row.metric in PERCENT),
        apart=apart,
        apart_words=words,
    )


def set_apart(row: Row, counted: Counted | None) -> tuple[Apart | None, str | None]:
    """Why a row that can be run is not judged, and that in words; two times None if it is."""
    if row.cannot_run is not None:
        return None, None
    if counted is not None:
        figures = (
            ("parameters", counted.params_match, counted.params_deviation),
            ("MACs", counted.macs_match, counted.judged_macs_deviation),
        )
        off = [f"{deviation:+.0f} % {name}" for name, found, deviation in figures if found == "off" and deviation]
        if off:
            return "another network", f"another network ({', '.join(off)})"
    if row.figure_of == "quoted" and row.training_of == "paper":
        return "quoted", "quoted: trained otherwise there"
    if row.test_set == "other" and (row.test_size is None or row.metric not in SHARES):
        return "other samples", "not judged: its samples are others and their spread is not known"
    return None, None


def printed_twice(rows: Iterable[Reference]) -> tuple[tuple[str, ...], ...]:
    """The ids of judged rows that print one figure of one network, which is one piece of evidence and not several."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.experiment is not None and row.metric is not None and row.apart is None:
            facts = (row.scale, row.options, row.params, row.macs, row.metric, row.metrics.get(row.metric))
            found.setdefault(json.dumps(facts, sort_keys=True), []).append(row.id)
    return tuple(tuple(ids) for ids in found.values() if len(ids) > 1)


def compare(count: Mapping[str, int], params: Printed | None, macs: Printed | None, transfer: bool) -> Counted:
    """Our count beside the printed figures.

    Args:
        count: `params`, `macs` and `transfer_macs`.
        params: As printed; None: nothing is.
        macs: The same.
        transfer: Whether the printed MACs are held against ours with R and P.
    """
    without = count["macs"] - count["transfer_macs"]
    judged = count["macs"] if transfer else without
    return Counted(
        params=count["params"],
        macs=count["macs"],
        transfer_macs=count["transfer_macs"],
        params_deviation=params and deviation(count["params"], params),
        macs_deviation=macs and deviation(count["macs"], macs),
        macs_deviation_without_transfer=macs and deviation(without, macs),
        transfer_counted=transfer,
        params_match=params and match(count["params"], params),
        macs_match=macs and match(judged, macs),
    )


def deviation(ours: int, printed: Printed) -> float:
    """Per cent of the printed figure; above 0: ours is more."""
    return (ours / printed.value - 1) * 100


def match(ours: int, printed: Printed) -> Match:
    """A match is within 3 %; what is not may still round to the printed digits, as 448 does to 0.4K."""
    off = abs(ours - printed.value)
    if 100 * off <= MATCH * printed.value:
        return "match"
    if off <= printed.last_digit / 2:
        return "rounds"
    return "near" if 100 * off <= NEAR * printed.value else "off"
