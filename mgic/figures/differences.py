"""What sides differ by: each metric against the first side, with an interval where the seeds allow one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mgic.figures.columns import Goal, goal_of, with_unit
from mgic.figures.sides import Metric, Side
from mgic.figures.style import Look, figure, mark_of
from mgic.figures.words import NO_NUMBER, number, plain
from mgic.records import ExperimentInfo
from mgic.statistics import Difference, Summary, paired, summary, unpaired

BETTER, WORSE = "▲ better", "▼ worse"
MIN_SAMPLES = 2  # of a side, before anything is claimed of it
NOTE = (
    "Intervals are of 95 %, each for itself: of twenty comparisons without a difference one would stand out by chance."
)


@dataclass(frozen=True)
class Compared:
    """A metric of one side against that of the first.

    Args:
        metric: Which.
        side: The other side.
        own: What its runs say.
        difference: To the first side; None for that one itself, or without a number.
        how: Which comparison, with n.
        goal: Which end is the good one.
        ratio: Of the means.
    """

    metric: Metric
    side: Side
    own: Summary
    difference: Difference | None
    how: str
    goal: Goal | None
    ratio: float | None = None

    @property
    def verdict(self) -> str:
        """Better or worse, where an interval leaves out 0 and an end is the good one; else nothing."""
        between = self.difference.interval if self.difference else None
        if between is None or self.goal is None or between[0] <= 0 <= between[1]:
            return ""
        return BETTER if (between[0] > 0) == (self.goal == "max") else WORSE


def compared(given: Sequence[Side], metric: Metric, infos: Mapping[str, ExperimentInfo]) -> list[Compared]:
    """One for each side, the first included."""
    goal = next((found for info in infos.values() if (found := goal_of(info, metric.name))), None)
    first = given[0].numbers(metric)
    base = summary(first.values())
    made = [Compared(metric, given[0], base, None, "", goal)]
    for side in given[1:]:
        numbers = side.numbers(metric)
        own = summary(numbers.values())
        difference, how = held_against(first, numbers)
        ratio = own.mean / base.mean if own.n and base.n and base.mean > 0 and own.mean > 0 else None
        made.append(Compared(metric, side, own, difference, how, goal, ratio))
    return made


def held_against(first: Mapping[str, float], other: Mapping[str, float]) -> tuple[Difference | None, str]:
    """The difference of the means, and how it was found: by pairs of equal seeds where there are two or more.

    Nothing is claimed where a side has one run, nor where no seed changes a number.
    """
    if not first or not other:
        return None, "a side has no number"
    shared = [seed for seed in first if seed in other]
    if len(set(first.values())) == len(set(other.values())) == 1 and min(len(first), len(other)) >= MIN_SAMPLES:
        gap = next(iter(other.values())) - next(iter(first.values()))
        return Difference(min(len(first), len(other)), gap), "the same for every seed"
    if len(shared) >= MIN_SAMPLES:
        left = len(first.keys() ^ other.keys())
        rest = f", {left} run{'s' if left > 1 else ''} without a partner left out" if left else ""
        pairs = [{place: side[seed] for place, seed in enumerate(shared)} for side in (first, other)]
        return paired(pairs[0], pairs[1]), f"paired by seed, n = {len(shared)}{rest}"
    found = unpaired(list(first.values()), list(other.values()))
    if found.interval is None:
        return found, f"n = {len(first)} and {len(other)}: no interval is known"
    return found, f"Welch's t, n = {len(first)} and {len(other)}"


def metric_rows(
    given: Sequence[Side], metrics: Sequence[Metric], infos: Mapping[str, ExperimentInfo]
) -> list[dict[str, str]]:
    """A row a metric: of each side its mean, and how much it differs from the first one, in words."""
    rows = []
    for metric in metrics:
        row = {"metric": titled(metric, infos)}
        for one in compared(given, metric, infos):
            row[one.side.letter] = own_words(one.own)
            if one.side is not given[0]:
                row[f"{one.side.letter} - {given[0].letter}"] = difference_words(one)
        rows.append(row)
    return rows


def long_rows(
    given: Sequence[Side], metrics: Sequence[Metric], infos: Mapping[str, ExperimentInfo]
) -> list[dict[str, Any]]:
    """The same as numbers, a row a metric and side."""
    return [
        {
            "metric": metric.title,
            "side": one.side.letter,
            "label": one.side.label,
            "mean": one.own.mean if one.own.n else None,
            "low": one.own.interval[0] if one.own.interval else None,
            "high": one.own.interval[1] if one.own.interval else None,
            "n": one.own.n,
            "difference": one.difference.mean if one.difference else None,
            "difference_low": one.difference.interval[0] if one.difference and one.difference.interval else None,
            "difference_high": one.difference.interval[1] if one.difference and one.difference.interval else None,
            "how": one.how,
        }
        for metric in metrics
        for one in compared(given, metric, infos)
    ]


def how_note(found: Sequence[Compared]) -> str:
    """How each side was compared; sides of one way together."""
    ways: dict[str, list[str]] = {}
    for one in found[1:]:
        ways.setdefault(one.how, []).append(f"{one.side.letter} - {found[0].side.letter}")
    return " ".join(f"{', '.join(pairs)}: {how}." for how, pairs in ways.items())


def titled(metric: Metric, infos: Mapping[str, ExperimentInfo]) -> str:
    """With its unit, and the row of a table that it is of."""
    units = [with_unit(info, metric.name) for info in infos.values()]
    unit = next((one for one in units if one != metric.name), metric.name)
    return metric.title.replace(metric.name, unit, 1)


def own_words(own: Summary) -> str:
    """`98.1 ± 0.3 (n = 3)`; two runs have a range, and one its number."""
    if own.n == 0:
        return NO_NUMBER
    if own.interval and own.sd:
        return f"{number(own.mean)} ± {number((own.interval[1] - own.interval[0]) / 2, 2)} (n = {own.n})"
    if own.n > 1 and own.low != own.high:
        return f"{number(own.mean)}, {number(own.low)} to {number(own.high)} (n = {own.n})"
    return number(own.mean) + (f" (n = {own.n})" if own.n > 1 else "")


def difference_words(one: Compared) -> str:
    if one.difference is None:
        return NO_NUMBER
    mean, between = one.difference.mean, one.difference.interval
    if one.difference.mean == 0 and between is None:
        return "0"
    text = _signed(mean)
    text += f" ({_signed(between[0])} to {_signed(between[1])})" if between else ""
    text += f", {100 * (one.ratio - 1):+.3g} %" if one.ratio is not None and one.goal == "min" else ""
    return f"{text} {one.verdict}".strip()


def draw_values(found: Sequence[Compared], title: str, colours: Look) -> go.Figure:
    """Each run a small mark, the mean with its interval a large one; a row a side."""
    made = figure(plain(f"{title} of each side"), plain(short(title)), "", colours, height=180 + 44 * len(found))
    for place, one in enumerate(found):
        colour, symbol = _mark(one, colours)
        values = list(one.side.numbers(one.metric).values())
        if len(values) > 1:
            _add(made, values, [place] * len(values), colour, f"{symbol}-open", 7)
        if one.own.n:
            low, high = one.own.interval or (one.own.low, one.own.high)
            bar = {"array": [high - one.own.mean], "arrayminus": [one.own.mean - low]} if one.own.n > 1 else None
            _add(made, [one.own.mean], [place], colour, symbol, 12, f"{one.side.title}<br>{own_words(one.own)}", bar)
    _name_rows(made, [one.side for one in found])
    return made


def draw_differences(found: Sequence[Compared], title: str, colours: Look) -> go.Figure:
    """How far each side is from the first one, which is the line at 0."""
    base, rest = found[0].side.letter, found[1:]
    words = plain(f"{title}: difference to {base}")
    unit = title[title.rfind(" (") :] if title.endswith(")") else ""
    made = figure(words, plain(f"difference{unit}"), "", colours, height=180 + 44 * len(rest))
    made.add_vline(x=0, line={"color": colours.faint, "dash": "dash"})
    for place, one in enumerate(rest):
        if one.difference is None:
            continue
        colour, symbol = _mark(one, colours)
        mean, between = one.difference.mean, one.difference.interval
        bar = {"array": [between[1] - mean], "arrayminus": [mean - between[0]]} if between else None
        symbol = symbol if between else f"{symbol}-open"
        _add(made, [mean], [place], colour, symbol, 12, f"{one.side.title}<br>{difference_words(one)}", bar)
    _name_rows(made, [one.side for one in rest])
    return made


def _add(
    made: go.Figure,
    xs: Sequence[float],
    ys: Sequence[float],
    colour: str,
    symbol: str,
    size: int,
    hover: str = "",
    bar: dict[str, list[float]] | None = None,
) -> None:
    made.add_scatter(
        x=list(xs),
        y=list(ys),
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": size},
        error_x={"type": "data", "color": colour, "thickness": 2, "width": 6, **bar} if bar else None,
        hovertext="<br>".join(plain(line) for line in hover.split("<br>")) if hover else None,
        hoverinfo="text" if hover else "skip",
        showlegend=False,
    )


def _mark(one: Compared, colours: Look) -> tuple[str, str]:
    return mark_of(ord(one.side.letter) - ord("A"), colours)


def _name_rows(made: go.Figure, given: Sequence[Side]) -> None:
    """The first side on top; a long label is broken."""
    names = [broken(side.title) for side in given]
    made.update_yaxes(tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5])


def short(title: str) -> str:
    """Without the row of a table, which stands above the plot."""
    return title.partition(", ")[0]


def broken(title: str, room: int = 26) -> str:
    """In lines, for a place beside a plot."""
    lines = [""]
    for word in title.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) >= room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(plain(line) for line in lines)


def _signed(one: float) -> str:
    return f"{'+' if one > 0 else ''}{number(one, 3)}"
