"""A result against the cost: a point a config, the mean over its seeds, and the best at each cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from mgic.figures.choice import guesses
from mgic.figures.columns import Goal
from mgic.figures.cost_axis import TITLES, counted
from mgic.figures.placement import place
from mgic.figures.samples import Group, differing, in_order, label, reach, series_name, told
from mgic.figures.series import Mark, add_series
from mgic.figures.style import Look, figure
from mgic.figures.ticks import set_log
from mgic.figures.view import ends_of
from mgic.figures.words import plain, si
from mgic.records import View
from mgic.statistics import front_probability

MAX_LABELS = 16
DRAWS = 1000  # of the true means, which tell how sure the front is


@dataclass(frozen=True)
class Tradeoff:
    series: dict[str, list[Mark]]  # by the view's series, each in order of cost
    frontier: list[tuple[float, float]]  # no cheaper config has a better mean; empty where no end is the good one


def tradeoff_info(
    given: Sequence[Group],
    view: View,
    unit: str = "",
    count: str = "macs",
    goal: Goal | None = None,
    by: str | None = None,
) -> Tradeoff:
    """Groups without a cost or without a number are left out; marks come in order of cost.

    The front is chosen by the column `by`, or else by what is drawn; drawn it is at what is drawn.
    """
    by = by or view.y
    fields = differing([group.config for group in given])
    costs = [counted(group.samples[0].values, count) for group in given]
    drawn = [
        (cost, group)
        for cost, group in zip(costs, given, strict=True)
        if cost is not None and cost > 0 and group.summary(view.y).n
    ]
    sure = _probabilities(drawn, by, goal)
    marks: list[tuple[str, Mark]] = []
    worth: list[tuple[float, float, float]] = []  # cost, what is chosen by, what is drawn
    for (cost, group), probability in zip(drawn, sure, strict=True):
        of = group.summary(view.y)
        name = label(group.config, fields) or str(group.config.get("model", ""))
        told_ = plain(told(group, view.y, unit, ends_of(view)))
        lines = [f"<b>{plain(name)}</b>", f"{si(cost, 4)} {TITLES[count]}", told_]
        lines += [plain(told(group, by, unit))] if by != view.y else []
        lines += [words] if (words := guesses(group)) else []
        if probability is not None:
            lines.append(f"on the front with a probability of {_percent(probability)}, given the spread of the seeds")
        if group.seeds:
            lines.append(f"seeds {plain(', '.join(map(str, group.seeds[:12])))}")
        runs = ", ".join(dict.fromkeys(sample.run_id[:8] for sample in group.samples[:6]))
        lines.append(f"run {runs}")
        series = series_name(view.series or "model", group)
        singles = tuple(group.numbers(view.y))
        below, above = reach(group, view.y, ends_of(view))
        worth.append((cost, group.summary(by).mean, of.mean))
        short = _short(group, fields, view.series or "model")
        marks.append((series, Mark(cost, of.mean, below, above, singles, "<br>".join(lines), short or series)))
    marks.sort(key=lambda item: float(item[1].x))
    series_: dict[str, list[Mark]] = {}
    for series, mark in marks:
        series_.setdefault(series, []).append(mark)
    return Tradeoff(in_order(series_), frontier(worth, goal))


def frontier(points: Sequence[tuple[float, float, float]], goal: Goal | None) -> list[tuple[float, float]]:
    """Cost and drawn value of points that no cheaper or equally cheap point beats; of equal ones the cheapest.

    Args:
        points: Cost, the value that is chosen by, the value that is drawn.
        goal: Which end of the second is the good one.
    """
    if goal is None:
        return []
    sign = 1 if goal == "max" else -1
    best: list[tuple[float, float, float]] = []
    for point in sorted(points, key=lambda point: (point[0], -sign * point[1])):
        if not best or sign * point[1] > sign * best[-1][1]:
            best.append(point)
    return [(cost, drawn) for cost, _, drawn in best]


def draw_tradeoff(info: Tradeoff, view: View, unit: str, count: str, log: bool, colours: Look) -> go.Figure:
    """The cost on a log axis with `log`; the other axis as the view has it."""
    made = figure(view.title, TITLES[count], f"{view.y} ({unit})" if unit else view.y, colours, height=480)
    if len(info.frontier) > 1:
        made.add_scatter(
            x=[x for x, _ in info.frontier],
            y=[y for _, y in info.frontier],
            mode="lines",
            line={"color": colours.faint, "width": 1.5, "dash": "dot", "shape": "hv"},
            name="best mean at this cost",
            hoverinfo="skip",
        )
    for index, (name, marks) in enumerate(info.series.items()):
        add_series(made, name, marks, index, colours, lines=False, legend=True)
    _add_labels(made, info, log, view.log_y, colours)
    marks = [mark for group in info.series.values() for mark in group]
    made.update_xaxes(exponentformat="SI")
    if log:
        set_log(made, "x", [mark.x for mark in marks])
    if view.log_y:
        set_log(made, "y", [end for mark in marks for end in (mark.y - mark.below, mark.y, mark.y + mark.above)])
    return made


def _probabilities(drawn: Sequence[tuple[float, Group]], metric: str, goal: Goal | None) -> list[float | None]:
    """How often each is on the front; None where that is not known."""
    if goal is None:
        return [None] * len(drawn)
    sign = 1 if goal == "max" else -1
    costs = {str(number): cost for number, (cost, _) in enumerate(drawn)}
    values = {str(n): [sign * value for value in group.numbers(metric)] for n, (_, group) in enumerate(drawn)}
    return [one.probability for one in front_probability(costs, values, DRAWS).values()]


def _percent(probability: float) -> str:
    """Never certain: as many draws as there are cannot tell 99.9 % from more."""
    return "over 99 %" if probability > 0.99 else "under 1 %" if probability < 0.01 else f"{probability:.0%}"


def _short(group: Group, fields: tuple[str, ...], series: str) -> str:
    """What its colour does not say. Letters of the paper for these two fields: 4/16 is s_g = 4, s_c = 16."""
    rest = tuple(name for name in fields if name not in ("model", series) and name in group.config)
    if set(rest) == {"group_size", "coarsest_size"}:
        return f"{group.config['group_size']}/{group.config['coarsest_size']}"
    return label(group.config, rest)


def _add_labels(made: go.Figure, info: Tradeoff, log_x: bool, log_y: bool, colours: Look) -> None:
    marks = [mark for group in info.series.values() for mark in group]
    if not 1 < len(marks) <= MAX_LABELS:
        return
    across = [_at(float(mark.x), log_x) for mark in marks]
    up = [_at(mark.y, log_y) for mark in marks]
    values = up + [_at(value, log_y) for mark in marks for value in (mark.y - mark.below, mark.y + mark.above)]
    shares = [(_share(x, across), _share(y, values)) for x, y in zip(across, up, strict=True)]
    for mark, side in zip(marks, place(shares, [mark.label for mark in marks], colours.room), strict=True):
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


def _at(value: float, log: bool) -> float:
    """Where it stands on the axis; what has no logarithm is not drawn, and stands anywhere."""
    return math.log(value) if log and value > 0 else 0.0 if log else value


def _share(value: float, of: Sequence[float]) -> float:
    low, high = min(of), max(of)
    return 0.05 + 0.9 * (value - low) / (high - low) if high > low else 0.5
