"""Accuracy against cost: a point a config, the mean over its seeds, and the best at each cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dashboard.charts.cost_axis import TITLES, counted
from dashboard.charts.placement import place
from dashboard.charts.samples import Group, differing, label, spread, told
from dashboard.charts.series import Mark, add_series
from dashboard.charts.ticks import set_log
from dashboard.theme import Look, figure
from dashboard.words import plain, si
from mgic.statistics import front_probability

MAX_LABELS = 16
DRAWS = 1000  # of the bootstrap that tells how sure the front is


@dataclass(frozen=True)
class Tradeoff:
    series: dict[str, list[Mark]]  # by model
    frontier: list[tuple[float, float]]  # no cheaper config has a higher mean


def tradeoff_info(given: Sequence[Group], metric: str, unit: str, count: str) -> Tradeoff:
    """Groups without a cost or without a number are left out; series and marks come in order of cost."""
    fields = differing([group.config for group in given])
    costs = [counted(group.samples[0].values, count) for group in given]
    drawn = [
        (cost, group)
        for cost, group in zip(costs, given, strict=True)
        if cost is not None and cost > 0 and group.summary(metric).n
    ]
    sure = front_probability(
        {str(number): cost for number, (cost, _) in enumerate(drawn)},
        {str(number): group.numbers(metric) for number, (_, group) in enumerate(drawn)},
        DRAWS,
    )
    marks: list[tuple[str, Mark]] = []
    for number, (cost, group) in enumerate(drawn):
        of = group.summary(metric)
        name = label(group.config, fields) or str(group.config.get("model", ""))
        lines = [f"<b>{plain(name)}</b>", f"{si(cost, 4)} {TITLES[count]}", plain(told(group, metric, unit))]
        probability = sure[str(number)].probability
        if probability is not None:
            lines.append(f"on the front in {probability:.0%} of {DRAWS} bootstrap draws over the seeds")
        if group.seeds:
            lines.append(f"seeds {plain(', '.join(map(str, group.seeds[:12])))}")
        below, above = spread(of)
        mark = Mark(
            cost, of.mean, below, above, tuple(group.numbers(metric)), "<br>".join(lines), _short(group, fields)
        )
        marks.append((str(group.config.get("model", metric)), mark))
    marks.sort(key=lambda item: float(item[1].x))
    series: dict[str, list[Mark]] = {}
    for model, mark in marks:
        series.setdefault(model, []).append(mark)
    return Tradeoff(series, frontier([(float(mark.x), mark.y) for _, mark in marks]))


def frontier(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points that no cheaper or equally cheap point beats; of equal values the cheapest."""
    best: list[tuple[float, float]] = []
    for cost, value in sorted(points, key=lambda point: (point[0], -point[1])):
        if not best or value > best[-1][1]:
            best.append((cost, value))
    return best


def draw_tradeoff(info: Tradeoff, metric: str, unit: str, count: str, log: bool, colours: Look) -> go.Figure:
    title = f"{metric} ({unit})" if unit else metric
    made = figure(f"{metric} against cost", TITLES[count], title, colours, height=480)
    if len(info.frontier) > 1:
        made.add_scatter(
            x=[x for x, _ in info.frontier],
            y=[y for _, y in info.frontier],
            mode="lines",
            line={"color": colours.faint, "width": 1.5, "dash": "dot", "shape": "hv"},
            name="best mean at this cost",
            hoverinfo="skip",
        )
    for index, (model, marks) in enumerate(info.series.items()):
        add_series(made, model, marks, index, colours, lines=False, legend=True)
    _add_labels(made, info, log, colours)
    if log:
        set_log(made, "x", [mark.x for marks in info.series.values() for mark in marks])
    made.update_xaxes(exponentformat="SI")
    return made


def _short(group: Group, fields: tuple[str, ...]) -> str:
    """Letters of the paper for its two settings: 4/16 is s_g = 4, s_c = 16."""
    rest = tuple(name for name in fields if name != "model" and name in group.config)
    if set(rest) == {"group_size", "coarsest_size"}:
        return f"{group.config['group_size']}/{group.config['coarsest_size']}"
    return label(group.config, rest) or str(group.config.get("model", ""))


def _add_labels(made: go.Figure, info: Tradeoff, log: bool, colours: Look) -> None:
    marks = [mark for group in info.series.values() for mark in group]
    if not 1 < len(marks) <= MAX_LABELS:
        return
    places = [math.log(float(mark.x)) if log else float(mark.x) for mark in marks]
    values = [value for mark in marks for value in (mark.y - mark.below, mark.y + mark.above)]
    shares = [(_share(x, places), _share(mark.y, values)) for x, mark in zip(places, marks, strict=True)]
    for mark, side in zip(marks, place(shares, [mark.label for mark in marks]), strict=True):
        if side:
            made.add_scatter(
                x=[mark.x],
                y=[mark.y],
                text=[plain(mark.label)],
                mode="markers+text",
                marker={"size": 14, "opacity": 0},  # keeps the text clear of the mark
                textposition=side,
                textfont={"size": 12, "color": colours.text},
                hoverinfo="skip",
                showlegend=False,
                cliponaxis=False,
            )


def _share(value: float, of: Sequence[float]) -> float:
    low, high = min(of), max(of)
    return 0.05 + 0.9 * (value - low) / (high - low) if high > low else 0.5
