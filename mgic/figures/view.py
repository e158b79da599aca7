"""Any plot an experiment declares, drawn from its `View` and the rows of its runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import plotly.graph_objects as go

from mgic.figures.choice import guesses
from mgic.figures.cost_axis import COST_COLUMN, counted
from mgic.figures.samples import (
    Ends,
    Group,
    Sample,
    differing,
    groups,
    in_order,
    is_number,
    label,
    reach,
    series_name,
    told,
)
from mgic.figures.series import Mark, add_series, error_bars
from mgic.figures.style import PATTERNS, Look, figure
from mgic.figures.ticks import exact_ticks, set_log, set_names
from mgic.figures.words import number, plain, value
from mgic.records import Config, View

BAR_GAP = 0.3  # of the room of a name that its bars leave free


@dataclass(frozen=True)
class Drawn:
    series: dict[str, list[Mark]]
    x_numbers: bool  # False: the values of x are names
    x_asked: bool = False  # asked for, not measured


def view_info(view: View, given: Sequence[Sample], count: str = "macs") -> Drawn:
    """Means over seeds, by series, sorted by x; rows without x or y are left out.

    Fields that differ, and that neither axis nor series shows, part a series: a line never joins
    points that differ in more than x.
    """
    rows = [_with_cost(sample, count) for sample in given]
    usable = [g for g in groups(rows) if g.value(view.x) is not None and g.summary(view.y).n]
    numeric = all(is_number(group.value(view.x)) for group in usable)
    shown = {view.x, view.series}
    rest = differing([without(group.config, shown) for group in usable])
    fields = differing([group.config for group in usable])
    joins = view.kind != "scatter" and any(view.x in group.config for group in usable)
    series: dict[str, list[Mark]] = {}
    for group in sorted(usable, key=lambda group: _order(view, group, numeric)):
        name = name_of(view, group, rest if joins else ())
        series.setdefault(name, []).append(_mark(view, group, fields, numeric))
    return Drawn(in_order(series), numeric, any(view.x in group.config for group in usable))


def draw_view(view: View, info: Drawn, titles: tuple[str, str], colours: Look) -> go.Figure:
    """Lines, points or bars; each other kind has a file of its own."""
    legend = len(info.series) > 1
    made = figure(view.title, titles[0], titles[1], colours, height=420 + 10 * min(20, len(info.series)))
    for index, (name, marks) in enumerate(info.series.items()):
        if view.kind == "bar":
            _add_bars(made, name, marks, index, colours, legend)
        else:
            add_series(made, name, marks, index, colours, lines=view.kind == "line", legend=legend)
    xs = [mark.x for marks in info.series.values() for mark in marks]
    if view.log_x and info.x_numbers:
        set_log(made, "x", xs)
    elif view.kind == "bar" or not info.x_numbers:
        set_names(made, [_written(x) for x in xs])
    if info.x_numbers and info.x_asked and view.kind != "bar" and (ticks := exact_ticks(xs, view.log_x)):
        made.update_xaxes(tickvals=ticks, ticktext=[number(tick) for tick in ticks])
    if view.log_y:
        set_log(made, "y", [mark.y for marks in info.series.values() for mark in marks])
    elif view.kind == "bar":
        made.update_yaxes(rangemode="tozero")
    return made


def ends_of(view: View) -> Ends | None:
    """The columns of a run's own interval."""
    return (view.low, view.high) if view.low is not None and view.high is not None else None


def _add_bars(made: go.Figure, name: str, marks: Sequence[Mark], index: int, colours: Look, legend: bool) -> None:
    colour = colours.series[index % len(colours.series)]
    shape = PATTERNS[index % len(PATTERNS)]
    pattern = {"shape": shape, "fillmode": "overlay", "fgcolor": colours.background, "solidity": 0.15}
    made.add_bar(
        x=[_written(mark.x) for mark in marks],
        y=[mark.y for mark in marks],
        name=plain(name),
        legendgroup=name,
        offsetgroup=name,
        showlegend=legend,
        marker={"color": colour, "pattern": pattern},
        hovertext=[mark.hover for mark in marks],
        hoverinfo="text",
    )
    known = [mark for mark in marks if mark.has_bar]  # a bar chart would draw an interval of no length for the others
    made.add_scatter(
        x=[_written(mark.x) for mark in known],
        y=[mark.y for mark in known],
        legendgroup=name,
        offsetgroup=name,
        showlegend=False,
        mode="markers",
        marker={"opacity": 0},
        error_y=error_bars(known, colours.text),
        hoverinfo="skip",
    )
    made.update_layout(barmode="group", scattermode="group", bargap=BAR_GAP, scattergap=BAR_GAP)


def _written(x: float | str) -> str:
    """The name of a place on an axis of names: 3 and not 3.0."""
    return f"{x:.15g}" if isinstance(x, float) else x


def _mark(view: View, group: Group, fields: tuple[str, ...], numeric: bool) -> Mark:
    x = group.value(view.x)
    of = group.summary(view.y)
    below, above = reach(group, view.y, ends_of(view))
    at = f"{view.x} {number(x)}" if is_number(x) else f"{view.x} {value(x)}"
    runs = ", ".join(dict.fromkeys(sample.run_id[:8] for sample in group.samples[:6]))
    lines = [label(group.config, fields), at, told(group, view.y, "", ends_of(view)), guesses(group), f"run {runs}"]
    hover = "<br>".join(plain(line) for line in lines if line)
    return Mark(float(x) if numeric else value(x), of.mean, below, above, tuple(group.numbers(view.y)), hover)


def name_of(view: View, group: Group, rest: tuple[str, ...]) -> str:
    """Of its series, with what else sets it apart."""
    own = series_name(view.series, group) if view.series else ""
    return ", ".join(filter(None, [own, label(group.config, rest)])) or view.y


def _order(view: View, group: Group, numeric: bool) -> tuple[Any, ...]:
    """By x, or, where that is a name, as the runs came."""
    series = group.value(view.series) if view.series else None
    fields = [_rank(one) for one in group.config.values()] if numeric else []
    return (group.value(view.x) if numeric else 0, _rank(series), fields)


def _rank(one: Any) -> tuple[int, float, str]:
    """Numbers by size, before names by the alphabet."""
    return (0, float(one), "") if is_number(one) else (1, 0.0, value(one))


def without(config: Config, names: set[str | None]) -> Config:
    return {name: one for name, one in config.items() if name not in names}


def _with_cost(sample: Sample, count: str) -> Sample:
    cost = counted(sample.values, count)
    values = sample.values if cost is None else {**sample.values, COST_COLUMN: cost}
    return replace(sample, values=values)
