"""A table of the paper: what it prints, and what is measured here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from mgic.client import Client
from mgic.errors import BadConfig
from mgic.figures.paper import Mark, PaperPlot, draw_paper_plot, paper_plot
from mgic.figures.plot import Plot, name_of
from mgic.figures.switches import Switch
from mgic.records import PaperTable, Standing

PARAMETERS = ("row",)


@dataclass(frozen=True)
class Data:
    tables: Mapping[str, PaperTable]
    table: PaperTable
    rows: Sequence[Standing]


def load(api: Client, asked: Mapping[str, str]) -> Data:
    """Of `?table=`, or the first one; a name that no table has is told by its switch."""
    tables = {table.name: table for table in api.paper_tables()}
    if not tables:
        raise BadConfig("this server knows no table of the paper")
    name = asked.get("table", "")
    table = tables.get(name) or next(iter(tables.values()))
    return Data(tables, table, api.references(table.name))


def switches(data: Data) -> tuple[Switch, ...]:
    return (table_switch(data.tables),)


def plots(data: Data, values: Mapping[str, str]) -> list[Plot]:  # noqa: ARG001 - which table was loaded says it all
    return table_plots(data.table, data.rows)


def table_switch(tables: Mapping[str, PaperTable]) -> Switch:
    return Switch("table", "Table", {name: name for name in tables}, next(iter(tables)), side_by_side=True)


def table_plots(table: PaperTable, rows: Sequence[Standing]) -> list[Plot]:
    """None where the table prints no cost or no result."""
    drawn = paper_plot(rows)
    if drawn is None:
        return []
    title = f"Table {table.name}: printed, and measured here"
    alt = "Results against cost: hollow marks are printed, filled ones measured"
    draw = partial(draw_paper_plot, drawn, title)
    return [Plot(name_of(f"table {table.name}"), title, draw, _note(drawn), alt, partial(_rows, drawn), wide=True)]


def _note(drawn: PaperPlot) -> str:
    note = "Hollow marks are printed, filled ones measured here; a dotted line joins what is of one row and judged."
    if any(not mark.judged for mark in drawn.measured):
        note += (
            " Grey filled marks are of another network, training or samples than the printed ones: they are not judged."
        )
    note += "" if drawn.measured else " Nothing of this table is measured here yet."
    if drawn.without_cost:
        note += f" {drawn.without_cost} measured rows are not drawn: what they cost is known to their runs only."
    return note


def _rows(drawn: PaperPlot) -> list[dict[str, object]]:
    kinds: tuple[tuple[str, Sequence[Mark]], ...] = (("printed", drawn.printed), ("measured", drawn.measured))
    return [
        {"kind": kind, "row": mark.label, drawn.axis: mark.x, drawn.metric: mark.y}
        | {"low": mark.y - mark.below, "high": mark.y + mark.above, "judged": mark.judged}
        for kind, marks in kinds
        for mark in marks
    ]
