"""A result against the cost: a point a config, the mean over its seeds, and the best at each cost."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mgic.figures.choice import guesses
from mgic.figures.columns import Goal
from mgic.figures.cost_axis import cost_title, counted
from mgic.figures.front import Budget, Point, percent, staircase, weighed
from mgic.figures.placement import place
from mgic.figures.samples import Group, differing, in_order, label, reach, series_name, told
from mgic.figures.series import error_bars
from mgic.figures.style import Look, figure, mark_of
from mgic.figures.ticks import set_log
from mgic.figures.view import ends_of
from mgic.figures.words import plain, si
from mgic.records import View

MAX_LABELS = 16
FEW = 5  # below so many seeds each is shown by itself
# How sure a point is of the front, by the size of its mark: from which probability on, and how it is said.
SURE = ((0.9, 16, "90 % and more"), (0.5, 13, "50 to 90 %"), (0.1, 10, "10 to 50 %"), (0.0, 7, "under 10 %"))
HOVER = 52  # letters of a line
PLAIN = 11  # where that is not known
PRINTED = "hexagram-open"  # the symbol of what others have printed


@dataclass(frozen=True)
class Printed:
    """A row of the paper: never on the measured front."""

    x: float
    y: float
    name: str


@dataclass(frozen=True)
class Tradeoff:
    series: dict[str, list[Point]]  # one colour and symbol each, in order of cost
    frontier: list[tuple[float, float]]  # no cheaper config has a better mean; empty where no end is the good one
    budgets: tuple[Budget, ...] = ()
    printed: tuple[Printed, ...] = ()

    @property
    def points(self) -> list[Point]:
        return [point for points in self.series.values() for point in points]


@dataclass(frozen=True)
class Axes:
    """Titles, and which are logarithmic; `limit` is the budget of the cost that is drawn."""

    title: str
    x: str
    y: str
    log_x: bool = True
    log_y: bool = False
    limit: float | None = None


def axes_of(view: View, titles: tuple[str, str], log: bool) -> Axes:
    """Of a view against the cost, with the titles of its axes."""
    return Axes(view.title, *titles, log, view.log_y)


def tradeoff_info(
    given: Sequence[Group],
    view: View,
    unit: str = "",
    count: str = "macs",
    goal: Goal | None = None,
    by: str | None = None,
) -> Tradeoff:
    """Of a view. Groups without a cost or without a number are left out; points come in order of cost.

    The front is chosen by the column `by`, or else by what is drawn; drawn it is at what is drawn.
    """
    by = by or view.y
    fields = differing([group.config for group in given])
    series: dict[str, str] = {}
    points = []
    for number, group in enumerate(given):
        cost = counted(group.samples[0].values, count)
        if cost is None or cost <= 0 or not group.numbers(view.y) or not group.numbers(by):
            continue
        name = label(group.config, fields) or str(group.config.get("model", ""))
        series[str(number)] = series_name(view.series or "model", group)
        below, above = reach(group, view.y, ends_of(view))
        lines = [f"<b>{plain(name)}</b>", f"{si(cost, 4)} {cost_title(count)}"]
        lines += [plain(told(group, view.y, unit, ends_of(view)))]
        lines += [plain(told(group, by, unit))] if by != view.y else []
        points.append(
            Point(
                x=cost,
                y=group.summary(view.y).mean,
                below=below,
                above=above,
                singles=tuple(group.numbers(view.y)),
                hover="<br>".join([*lines, *told_of(group)]),
                label=short(group, fields, view.series or "model") or series[str(number)],
                key=str(number),
                name=name,
                worth=tuple(group.numbers(by)),
                runs=tuple(dict.fromkeys(sample.run_id for sample in group.samples)),
            )
        )
    return arranged(weighed(points, goal), lambda point: series[point.key], goal)


def arranged(points: Sequence[Point], series_of: Any, goal: Goal | None, **more: Any) -> Tradeoff:
    """Points that were weighed, by series."""
    series: dict[str, list[Point]] = {}
    for point in points:
        series.setdefault(series_of(point), []).append(point)
    return Tradeoff(in_order(series), staircase(points) if goal else [], **more)


def told_of(group: Group) -> list[str]:
    """The last lines of a hover: what is to be known of its runs."""
    lines = [words] if (words := guesses(group)) else []
    if group.seeds:
        lines.append(f"seeds {plain(', '.join(map(str, group.seeds[:12])))}")
    runs = ", ".join(dict.fromkeys(sample.run_id[:8] for sample in group.samples[:6]))
    return [*lines, f"run {runs}"]


def short(group: Group, fields: tuple[str, ...], series: str) -> str:
    """What its colour does not say. Letters of the paper for these two fields: 4/16 is s_g = 4, s_c = 16."""
    rest = tuple(name for name in fields if name not in ("model", series) and name in group.config)
    if set(rest) == {"group_size", "coarsest_size"}:
        return f"{group.config['group_size']}/{group.config['coarsest_size']}"
    return label(group.config, rest)


def draw_tradeoff(info: Tradeoff, axes: Axes, colours: Look) -> go.Figure:
    """Filled and large: surely on the front. Hollow and faint: dominated, or outside of a budget."""
    # The legend is part of it: on a telephone each entry has a row.
    made = figure(axes.title, axes.x, axes.y, colours, height=430 + 11 * min(16, len(info.series) + len(SURE)))
    _add_budget(made, info, axes, colours)
    if len(info.frontier) > 1:
        made.add_scatter(
            x=[x for x, _ in info.frontier],
            y=[y for _, y in info.frontier],
            mode="lines",
            line={"color": colours.faint, "width": 1.5, "dash": "dot", "shape": "hv"},
            name="best mean at this cost",
            hoverinfo="skip",
        )
    for index, (name, points) in enumerate(info.series.items()):
        _add_points(made, name, points, index, colours)
    _add_printed(made, info, colours)
    _add_key(made, info, colours)
    _add_labels(made, info, axes, colours)
    made.update_xaxes(exponentformat="SI")
    made.update_layout(clickmode="event+select", legend_itemsizing="trace")
    if axes.log_x:
        ends = [end for point in info.points for end in (point.cost - point.left, point.cost, point.cost + point.right)]
        set_log(made, "x", [*ends, *(one.x for one in info.printed), *([axes.limit] if axes.limit else [])])
    if axes.log_y:
        set_log(made, "y", [end for one in info.points for end in (one.y - one.below, one.y, one.y + one.above)])
    return made


def strong(point: Point) -> bool:
    """What stands out: on the front, or more likely than not to be, and within the budgets."""
    return point.within and (point.on_front or (point.probability or 0) >= 0.5)


def size(point: Point) -> int:
    if point.probability is None:
        return PLAIN
    return next(pixels for least, pixels, _ in SURE if point.probability >= least)


def _add_points(made: go.Figure, name: str, points: Sequence[Point], index: int, colours: Look) -> None:
    """Bars first, then single runs, then the means, so that a click meets the mean."""
    colour, symbol = mark_of(index, colours)
    singles = [
        (one.x, y)
        for one in points
        if 1 < len(one.singles) < FEW or (len(one.singles) > 1 and strong(one))
        for y in one.singles
    ]
    made.add_scatter(
        x=[x for x, _ in singles],
        y=[y for _, y in singles],
        mode="markers",
        marker={"color": colour, "symbol": f"{symbol}-open", "size": 5, "opacity": 0.6},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=name,
    )
    for outstanding in (False, True):
        some = [point for point in points if strong(point) is outstanding]
        if some:
            made.add_scatter(**_marks(some, name, colour, symbol, outstanding, colours))
    made.add_scatter(
        x=[None], y=[None], mode="markers", name=plain(name), legendgroup=name,
        marker={"color": colour, "symbol": symbol, "size": PLAIN},
    )  # fmt: skip


def _marks(
    points: Sequence[Point], name: str, colour: str, symbol: str, outstanding: bool, colours: Look
) -> dict[str, Any]:
    bars = error_bars(points, colour)
    across: dict[str, Any] = {
        **bars,
        "array": [p.right or None for p in points],
        "arrayminus": [p.left or None for p in points],
    }
    return {
        "x": [point.x for point in points],
        "y": [point.y for point in points],
        "mode": "markers",
        "legendgroup": name,
        "showlegend": False,
        "opacity": 1.0 if outstanding else 0.55,
        "marker": {
            "color": colour,
            "symbol": symbol if outstanding else f"{symbol}-open",
            "size": [size(point) for point in points],
            "line": {"color": colours.background if outstanding else colour, "width": 1 if outstanding else 2},
        },
        "error_y": bars,
        "error_x": across,
        "hovertext": [hover(point) for point in points],
        "hoverinfo": "text",
        "customdata": [list(point.runs) for point in points],
    }


def hover(point: Point) -> str:
    """With how sure it is, which the mark says only roughly; no line is wider than a telephone."""
    lines = point.hover.split("<br>")
    if point.probability is not None:
        lines.insert(3, f"on the front with a probability of {percent(point.probability)}, given the spread")
    elif point.on_front:
        lines.insert(3, "on the front of the means")
    return "<br>".join(part for line in lines for part in textwrap.wrap(line, HOVER, break_long_words=False) or [""])


def _add_printed(made: go.Figure, info: Tradeoff, colours: Look) -> None:
    if not info.printed:
        return
    made.add_scatter(
        x=[one.x for one in info.printed],
        y=[one.y for one in info.printed],
        mode="markers",
        name="printed in the paper",
        marker={"color": colours.faint, "symbol": PRINTED, "size": 10},
        hovertext=[plain(one.name) for one in info.printed],
        hoverinfo="text",
    )


def _add_key(made: go.Figure, info: Tradeoff, colours: Look) -> None:
    """What the sizes and the filling stand for."""
    points = info.points
    sizes = {size(point) for point in points if point.probability is not None}
    for _, pixels, words in SURE:
        if pixels in sizes:
            _add_key_entry(made, f"on the front: {words}", "circle", pixels, colours)
    if info.frontier and any(not strong(point) for point in points):
        _add_key_entry(made, "dominated or over budget" if info.budgets else "dominated", "circle-open", PLAIN, colours)


def _add_key_entry(made: go.Figure, name: str, symbol: str, pixels: int, colours: Look) -> None:
    marker = {"color": colours.faint, "symbol": symbol, "size": pixels}
    made.add_scatter(x=[None], y=[None], mode="markers", name=name, marker=marker, hoverinfo="skip")


def _add_budget(made: go.Figure, info: Tradeoff, axes: Axes, colours: Look) -> None:
    """What lies beyond the budget is shaded; the shade goes far beyond any axis."""
    if axes.limit is None:
        return
    far = 1e3 * max([axes.limit, *(point.cost for point in info.points)])
    made.add_vrect(
        x0=axes.limit, x1=far, fillcolor=colours.missing, opacity=0.45, line_width=0, layer="below",
        annotation_text="over budget", annotation_position="bottom left",
        annotation_font={"color": colours.text, "size": 12},
    )  # fmt: skip


def _add_labels(made: go.Figure, info: Tradeoff, axes: Axes, colours: Look) -> None:
    """Of what stands out only, the surest first, as far as labels are clear of each other and of all marks; the rest is
    in the hover."""
    every = info.points
    wanted = [point for point in every if strong(point)] if info.frontier else every
    if len(every) < 2:
        return
    wanted = sorted(wanted, key=lambda point: -(point.probability or 0))[:MAX_LABELS]
    across = [point.cost for point in every]
    up = [end for point in every for end in (point.y - point.below, point.y, point.y + point.above)]
    shares = {
        point.key: (share_of(point.cost, across, axes.log_x), share_of(point.y, up, axes.log_y)) for point in every
    }
    rest = [shares[point.key] for point in every if point not in wanted]
    texts = [point.label for point in wanted]
    sides = place([shares[point.key] for point in wanted], texts, colours.across, rest)
    for point, side in zip(wanted, sides, strict=True):
        if side:
            made.add_scatter(
                x=[point.x],
                y=[point.y],
                text=[plain(point.label)],
                mode="markers+text",
                marker={"size": 14, "opacity": 0},  # keeps the text clear of the mark
                textposition=side,
                textfont={"size": 12, "color": colours.text},
                hoverinfo="skip",
                showlegend=False,
                cliponaxis=False,
            )


def share_of(value: float, of: Sequence[float], log: bool) -> float:
    """Where a value stands on an axis that shows these, 0 to 1; what has no logarithm stands in the middle."""
    if log:
        return share_of(math.log(value), [math.log(one) for one in of if one > 0], log=False) if value > 0 else 0.5
    low, high = min(of), max(of)
    return 0.05 + 0.9 * (value - low) / (high - low) if high > low else 0.5


def rows(info: Tradeoff, x: str, y: str) -> list[dict[str, Any]]:
    """The numbers behind it, one row a point."""
    return [
        {"series": name, "network": one.name, x: one.x, y: one.y, "low": one.y - one.below, "high": one.y + one.above}
        | {"n": len(one.singles), "on_front": one.on_front, "probability": one.probability, "runs": " ".join(one.runs)}
        | ({f"{x}_low": one.cost - one.left, f"{x}_high": one.cost + one.right} if one.left or one.right else {})
        for name, points in info.series.items()
        for one in points
    ] + [{"series": "printed in the paper", "network": one.name, x: one.x, y: one.y} for one in info.printed]
