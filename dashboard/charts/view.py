"""Any plot an experiment declares, drawn from its `View` and the rows of its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dashboard.charts.cost_axis import COST_COLUMN, TITLES, counted
from dashboard.charts.samples import Group, Sample, differing, groups, is_number, label, spread, told
from dashboard.charts.series import Mark, add_series, error_bars
from dashboard.charts.ticks import set_log
from dashboard.theme import PATTERNS, Look, figure
from dashboard.words import number, plain, value
from mgic.records import Config, ExperimentInfo, View


@dataclass(frozen=True)
class Drawn:
    series: dict[str, list[Mark]]
    x_numbers: bool  # False: the values of x are names


def view_info(view: View, given: Sequence[Sample], count: str = "macs") -> Drawn:
    """Means over seeds, by series, sorted by x; rows without x or y are left out.

    Settings that differ, and that neither axis nor series shows, part a series: a line never joins
    points that differ in more than x.
    """
    rows = [_with_cost(sample, count) for sample in given]
    usable = [g for g in groups(rows) if g.value(view.x) is not None and g.summary(view.y).n]
    numeric = all(is_number(group.value(view.x)) for group in usable)
    shown = {view.x, view.series}
    rest = differing([_without(group.config, shown) for group in usable])
    fields = differing([group.config for group in usable])
    joins = view.kind != "scatter" and any(view.x in group.config for group in usable)
    series: dict[str, list[Mark]] = {}
    for group in sorted(usable, key=lambda group: _order(view, group, numeric)):
        name = _name(view, group, rest if joins else ())
        series.setdefault(name, []).append(_mark(view, group, fields, numeric))
    return Drawn(series, numeric)


def draw_view(view: View, info: Drawn, titles: tuple[str, str], colours: Look) -> go.Figure:
    """Lines, points or bars; a heat map has a file of its own."""
    legend = len(info.series) > 1
    made = figure(view.title, titles[0], titles[1], colours, height=420 + 10 * min(20, len(info.series)))
    for index, (name, marks) in enumerate(info.series.items()):
        if view.kind == "bar":
            _add_bars(made, name, marks, index, colours, legend)
        else:
            add_series(made, name, marks, index, colours, lines=view.kind == "line", legend=legend)
    if view.log_x and info.x_numbers:
        set_log(made, "x", [mark.x for marks in info.series.values() for mark in marks])
    elif view.kind == "bar" or not info.x_numbers:
        made.update_xaxes(type="category")
    if view.log_y:
        set_log(made, "y", [mark.y for marks in info.series.values() for mark in marks])
    elif view.kind == "bar":
        made.update_yaxes(rangemode="tozero")
    return made


def axis_title(info: ExperimentInfo, column: str, count: str = "macs") -> str:
    """Column and unit, as the schemas of the experiment have them."""
    if column == COST_COLUMN and column in info.result_schema.get("properties", {}):
        return TITLES[count]
    return with_unit(info, column)


def with_unit(info: ExperimentInfo | None, column: str) -> str:
    """`top1 (%)`; the name alone where it is its own unit."""
    unit = unit_of(info, column) if info else ""
    return f"{column} ({unit})" if unit and unit.lower() != column.lower() else column


def unit_of(info: ExperimentInfo, column: str) -> str:
    for schema in (info.result_schema, info.config_schema):
        for properties in [schema.get("properties", {}), *_row_properties(schema)]:
            if unit := properties.get(column, {}).get("unit"):
                return str(unit)
    return ""


def _row_properties(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one.get("properties", {}) for one in schema.get("$defs", {}).values()]


def _add_bars(made: go.Figure, name: str, marks: Sequence[Mark], index: int, colours: Look, legend: bool) -> None:
    colour = colours.series[index % len(colours.series)]
    shape = PATTERNS[index % len(PATTERNS)]
    pattern = {"shape": shape, "fillmode": "overlay", "fgcolor": colours.background, "solidity": 0.15}
    made.add_bar(
        x=[str(mark.x) for mark in marks],
        y=[mark.y for mark in marks],
        name=plain(name),
        showlegend=legend,
        marker={"color": colour, "pattern": pattern},
        error_y=error_bars(marks, colours.text),
        hovertext=[mark.hover for mark in marks],
        hoverinfo="text",
    )


def _mark(view: View, group: Group, fields: tuple[str, ...], numeric: bool) -> Mark:
    x = group.value(view.x)
    of = group.summary(view.y)
    below, above = spread(of)
    at = f"{view.x} {number(x)}" if is_number(x) else f"{view.x} {value(x)}"
    runs = ", ".join(dict.fromkeys(sample.run_id[:8] for sample in group.samples[:6]))
    lines = [label(group.config, fields), at, told(group, view.y), f"run {runs}"]
    hover = "<br>".join(plain(line) for line in lines if line)
    return Mark(float(x) if numeric else value(x), of.mean, below, above, tuple(group.numbers(view.y)), hover)


def _name(view: View, group: Group, rest: tuple[str, ...]) -> str:
    own = ""
    if view.series == "model":
        own = value(group.value("model"))
    elif view.series is not None:
        has = group.value(view.series) is not None
        own = f"{view.series}={value(group.value(view.series))}" if has else f"no {view.series}"
    return ", ".join(filter(None, [own, label(group.config, rest)])) or view.y


def _order(view: View, group: Group, numeric: bool) -> tuple[Any, ...]:
    x = group.value(view.x)
    series = group.value(view.series) if view.series else None
    settings = [_rank(one) for one in group.config.values()]
    return (x if numeric else 0, _rank(series), settings)


def _rank(one: Any) -> tuple[int, float, str]:
    """Numbers by size, before names by the alphabet."""
    return (0, float(one), "") if is_number(one) else (1, 0.0, value(one))


def _without(config: Config, names: set[str | None]) -> Config:
    return {name: one for name, one in config.items() if name not in names}


def _with_cost(sample: Sample, count: str) -> Sample:
    cost = counted(sample.values, count)
    values = sample.values if cost is None else {**sample.values, COST_COLUMN: cost}
    return Sample(sample.run_id, sample.config, values)
