"""One metric of one model over comparisons: its values with intervals and limits, and where their level changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, get_args

import plotly.graph_objects as go

from mgic.figures.regressions.words import TITLES, limit_percent, verdict_words
from mgic.figures.style import Look, figure, set_title
from mgic.figures.validity import titled
from mgic.figures.words import number, plain
from mgic.records import GateMetric, MetricPoint, RowVerdict
from mgic.records.limits import ExactMetric
from mgic.statistics import FEWEST_POINTS, Change, change_points, value_steps

EXACT: tuple[ExactMetric, ...] = get_args(ExactMetric)
REACH = 2 * 1.96  # standard errors from end to end of an interval of 95 %, about
SYMBOLS: Mapping[RowVerdict, str] = {
    "pass": "circle",
    "regression": "x",
    "inconclusive": "diamond-open",
    "shown": "circle-open",
}
COLOURS: Mapping[RowVerdict, int] = {"pass": 0, "regression": 1, "inconclusive": 4, "shown": 7}  # of the series


@dataclass(frozen=True)
class Mark:
    """A comparison as a point. The interval of the head's value is that of its change, applied to its own base."""

    place: int  # among those that are drawn, from 1 on
    at: datetime
    verdict: RowVerdict
    value: float
    low: float | None
    high: float | None
    most: float | None  # the value at which the limit would be reached
    change: float | None  # per cent; of top-1 percentage points
    change_low: float | None
    change_high: float | None
    limit: float | None
    told: str
    comparison: str


@dataclass(frozen=True)
class History:
    """Args:
    metric: Of all points.
    marks: Oldest first.
    testbeds: That measured them, each once.
    """

    metric: GateMetric
    marks: tuple[Mark, ...]
    testbeds: tuple[str, ...]

    @property
    def why_no_changes(self) -> str:
        """Why no change of level is looked for; empty where it is."""
        if self.metric in EXACT:
            return ""
        if len(self.testbeds) > 1:
            return "Change points are looked for in the values of one testbed: choose one"
        if len(self.marks) < FEWEST_POINTS:
            return f"Change points are looked for from {FEWEST_POINTS} comparisons on; these are {len(self.marks)}"
        return "" if all(mark.value > 0 for mark in self.marks) else "Some values are not above 0"

    @cached_property
    def changes(self) -> Sequence[Change]:
        """What is exact changes where its value does."""
        values = [mark.value for mark in self.marks]
        if self.why_no_changes:
            return []
        return value_steps(values) if self.metric in EXACT else change_points(values, _noise(self.marks))


def history_of(metric: GateMetric, points: Sequence[MetricPoint]) -> History:
    """Without those that have no value of the head."""
    valued = [(point, float(point.row.head)) for point in points if point.row.head is not None]
    marks = [_mark(place, *one) for place, one in enumerate(valued, 1)]
    testbeds = dict.fromkeys(point.testbed for point, _ in valued if point.testbed)
    return History(metric, tuple(marks), tuple(testbeds))


def _mark(place: int, point: MetricPoint, head: float) -> Mark:
    row = point.row
    limit = limit_percent(row)
    change = row.change if row.metric == "top1" else row.change_percent
    commit = f", commit {point.commit[:10]}" if point.commit else ""
    where = f", {point.testbed}" if point.testbed else ""
    return Mark(
        place=place,
        at=point.created_at,
        verdict=row.verdict,
        value=head,
        low=_of_base(row.base, row.low_percent),
        high=_of_base(row.base, row.high_percent),
        most=_of_base(row.base, limit),
        change=None if change is None else float(change),
        change_low=row.low_percent,
        change_high=row.high_percent,
        limit=limit,
        told=f"{point.created_at:%Y-%m-%d %H:%M}, {point.branch or 'no branch'}{commit}{where}",
        comparison=str(point.comparison_id),
    )


def _of_base(base: float | None, percent: float | None) -> float | None:
    return None if base is None or percent is None else base * (1 + percent / 100)


def _noise(marks: Sequence[Mark]) -> float:
    """The middle one of the standard errors that the intervals tell, as a share; 0 where none does."""
    known = sorted(
        (mark.change_high - mark.change_low) / REACH / 100
        for mark in marks
        if mark.change_low is not None and mark.change_high is not None
    )
    return known[len(known) // 2] if known else 0.0


def draw_values(given: History, title: str, colours: Look) -> go.Figure:
    """The head's value, its interval, how far its limit would have let it go, and the levels between changes."""
    made = _figure(given, title, TITLES[given.metric], colours)
    allowed = [mark for mark in given.marks if mark.most is not None and mark.verdict != "shown"]
    if allowed:
        made.add_scatter(
            x=[mark.place for mark in allowed],
            y=[mark.most for mark in allowed],
            mode="markers",
            name="its base and the limit",
            marker={"color": colours.faint, "symbol": "line-ew-open", "size": 13, "line": {"width": 2}},
            hovertext=[f"limit at {number(mark.most)}" for mark in allowed if mark.most is not None],
            hoverinfo="text",
        )
    for verdict, own in _by_verdict(given.marks).items():
        _add_marks(made, verdict, own, [(mark.value, mark.low, mark.high) for mark in own], colours)
    for start, change, end in _levels(given):
        made.add_scatter(
            x=[given.marks[start].place, given.marks[end - 1].place],
            y=[change, change],
            mode="lines",
            name="level",
            legendgroup="level",
            showlegend=start == 0,
            line={"color": colours.text, "dash": "dot", "width": 2},
            hoverinfo="skip",
        )
    for one in given.changes:
        at = given.marks[one.at].place - 0.5
        made.add_vline(x=at, line={"color": colours.text, "width": 1.5, "dash": "dash"})
        words = f"{one.percent:+.1f} %"
        early = one.at < len(given.marks) / 2
        place = {"x": at, "y": 1, "yref": "paper", "yanchor": "top", "xanchor": "left" if early else "right"}
        made.add_annotation(**place, showarrow=False, text=words, bgcolor=colours.background, xshift=3 if early else -3)
    return made


def _figure(given: History, title: str, y: str, colours: Look) -> go.Figure:
    """A step a comparison, whenever it came: a day of many is as wide as a month of as many."""
    made = figure(titled(title), "Comparisons, the oldest first (UTC)", y, colours)
    set_title(made, made.layout.title.text)
    last = len(given.marks)
    told = [given.marks[place - 1] for place in sorted({1, (last + 1) // 2, last})]
    around = max(0.5, last / 10)  # the words below the first and the last have room
    made.update_xaxes(
        range=[1 - around, last + around],
        tickvals=[mark.place for mark in told],
        ticktext=[f"{mark.at:%Y-%m-%d}<br>{mark.at:%H:%M}" for mark in told],
    )
    return made


def _levels(given: History) -> list[tuple[int, float, int]]:
    """Start, level and end of each stretch between changes; none where there is no change."""
    found = given.changes
    if not found:
        return []
    bounds = [0, *(one.at for one in found), len(given.marks)]
    levels = [found[0].before, *(one.after for one in found)]
    return list(zip(bounds, levels, bounds[1:], strict=False))


def draw_changes(given: History, title: str, colours: Look) -> go.Figure:
    """What each comparison said of head against base."""
    unit = "percentage points" if given.metric == "top1" else "%"
    made = _figure(given, title, f"Head against base ({unit})", colours)
    made.add_hline(y=0, line={"color": colours.faint, "width": 1})
    limited = [mark for mark in given.marks if mark.limit is not None]
    if limited:
        made.add_scatter(
            x=[mark.place for mark in limited],
            y=[mark.limit for mark in limited],
            mode="lines" if len(limited) > 1 else "markers",
            name="limit",
            line={"color": colours.text, "dash": "dash", "width": 2, "shape": "hv"},
            marker={"symbol": "line-ew-open", "size": 13, "color": colours.text, "line": {"width": 2}},
            hovertext=[f"limit {mark.limit:+.3g} %" for mark in limited],
            hoverinfo="text",
        )
    for verdict, own in _by_verdict([mark for mark in given.marks if mark.change is not None]).items():
        of = [(mark.change, mark.change_low, mark.change_high) for mark in own if mark.change is not None]
        _add_marks(made, verdict, own, of, colours)
    return made


def _by_verdict(marks: Sequence[Mark]) -> dict[RowVerdict, list[Mark]]:
    found: dict[RowVerdict, list[Mark]] = {}
    for mark in marks:
        found.setdefault(mark.verdict, []).append(mark)
    return found


def _add_marks(
    made: go.Figure,
    verdict: RowVerdict,
    marks: Sequence[Mark],
    values: Sequence[tuple[float, float | None, float | None]],
    colours: Look,
) -> None:
    colour = colours.series[COLOURS.get(verdict, 7)]
    made.add_scatter(
        x=[mark.place for mark in marks],
        y=[value for value, _, _ in values],
        mode="markers",
        name=verdict_words(verdict),
        marker={"color": colour, "symbol": SYMBOLS.get(verdict, "circle-open"), "size": 10},
        error_y={
            "type": "data",
            "array": [0 if high is None else max(0.0, high - value) for value, _, high in values],
            "arrayminus": [0 if low is None else max(0.0, value - low) for value, low, _ in values],
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        },
        hovertext=[
            plain(f"{number(value)}, {mark.verdict}") + f"<br>{plain(mark.told)}"
            for mark, (value, _, _) in zip(marks, values, strict=True)
        ],
        hoverinfo="text",
    )


def rows(given: History) -> list[dict[str, Any]]:
    new = {one.at for one in given.changes}
    return [
        {"when": mark.at, "value": mark.value, "low": mark.low, "high": mark.high, "limit_at": mark.most}
        | {"change": mark.change, "change_low": mark.change_low, "change_high": mark.change_high, "limit": mark.limit}
        | {"verdict": mark.verdict, "change_point": place in new, "told": mark.told, "comparison": mark.comparison}
        for place, mark in enumerate(given.marks)
    ]
