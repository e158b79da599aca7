"""How a heat map is drawn: cells where their values are, numbers in them, the best and its ties outlined."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from mgic.figures.heatmap import At, Cell, Heatmap
from mgic.figures.samples import is_number
from mgic.figures.style import Look, figure
from mgic.figures.words import number, plain, value
from mgic.records import Value

SCALE, DIVERGING = "Viridis", "RdBu"
UNEVEN = 2.5  # steps that differ by more are drawn alike: the narrow ones had no room for a number
ROW, LOW_ROW = 66, 52  # pixels
MOST_BOXES = 150  # cells; of more those without a number are hatched and say why in the hover only
MOST_TEXT, SOME_TEXT = 6, 10  # columns that leave room for all of a cell's text, and for its mean
GAP = 0.02  # of a cell, left free at each side
HATCH = 0.3
BAR = 74  # pixels under the map for the bar of colours with its title
DASH = "7px,4px"
CUT_SHORT = 10_000  # from there on a number is written as 12.3 k


@dataclass(frozen=True)
class Places:
    """Where the values of a field stand on an axis: the middle of each cell, and the edges, one more."""

    centres: tuple[float, ...]
    edges: tuple[float, ...]
    note: str = ""  # what is to be said of the scale

    @property
    def size(self) -> float:
        """Of the axis, in the smallest of its cells."""
        return (self.edges[-1] - self.edges[0]) / min(right - left for left, right in pairwise(self.edges))

    @classmethod
    def of(cls, values: Sequence[Value]) -> "Places":
        """Numbers at their true places, on a logarithmic axis where that spaces them more evenly; names one by one."""
        even, note = [float(place) for place in range(len(values))], ""
        centres = even
        numbers = [float(one) for one in values if is_number(one)]
        if len(numbers) == len(values) > 2:
            scales = {"": numbers} | ({"log scale": [math.log2(one) for one in numbers]} if numbers[0] > 0 else {})
            note, centres = min(scales.items(), key=lambda scale: _unevenness(scale[1]))
            if _unevenness(centres) > UNEVEN:
                note, centres = "steps not to scale", even
            size = (centres[-1] - centres[0]) / (len(centres) - 1)
            centres = [one / size for one in centres]
        between = [(left + right) / 2 for left, right in pairwise(centres)]
        first = centres[0] - (between[0] - centres[0] if between else 0.5)
        last = centres[-1] + (centres[-1] - between[-1] if between else 0.5)
        return cls(tuple(centres), (first, *between, last), note)


def _unevenness(places: Sequence[float]) -> float:
    steps = [right - left for left, right in pairwise(places)]
    return round(max(steps) / min(steps), 6)


def draw_heatmap(info: Heatmap, title: str, names: tuple[str, str], z_title: str, colours: Look) -> go.Figure:
    """Args:
    info: What is drawn.
    title: Above it.
    names: Of the axes.
    z_title: At the bar of colours; without one there is no bar, as where each cell says all.
    colours: The look.
    """
    x, y = Places.of(info.xs), Places.of(info.ys)
    row = ROW if len(info.ys) <= MOST_TEXT else LOW_ROW
    height = max(320, 130 + round(row * y.size)) + (BAR if z_title else 0)
    made = figure(title, _titled(names[0], x.note), _titled(names[1], y.note), colours, height=height)
    low, high = _limits(info)
    made.add_heatmap(
        z=[[cell.mean for cell in row] for row in info.cells],
        x=x.edges,
        y=y.edges,
        zmin=low,
        zmax=high,
        hovertext=[[cell.hover for cell in row] for row in info.cells],
        hoverinfo="text",
        colorscale=DIVERGING if info.diverging else SCALE,
        showscale=bool(z_title),
        colorbar={
            "title": {"text": f"{z_title}<br> ", "side": "top"},  # the line keeps it off the bar
            "orientation": "h",
            "thickness": 10,
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
        },
        xgap=3,
        ygap=3,
        hoverongaps=True,
    )
    if z_title:
        made.update_layout(margin_b=68 + BAR)
    _write_cells(made, info, x, y)
    _hatch_missing(made, info, x, y, colours)
    _outline(made, info, x, y, colours)
    made.update_xaxes(tickvals=x.centres, ticktext=[plain(value(one)) for one in info.xs])
    made.update_yaxes(tickvals=y.centres, ticktext=[plain(value(one)) for one in info.ys])
    made.update_xaxes(showgrid=False, range=[x.edges[0], x.edges[-1]])
    made.update_yaxes(showgrid=False, range=[y.edges[0], y.edges[-1]])
    return made


def two_lines(large: str, small: str) -> str:
    """What is written in a cell: a number, and less of importance under it."""
    return f"<b>{large}</b><br><span style='font-size:11px'>{small}</span>"


def text_colour(background: Sequence[float]) -> str:
    """Black or white on red, green and blue from 0 to 1: the one with the larger contrast, which is 4.5 at least."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in background]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]  # WCAG 2.2
    return "#000000" if luminance > 0.179 else "#FFFFFF"


def _titled(name: str, note: str) -> str:
    return f"{name}, {note}" if note else name


def _limits(info: Heatmap) -> tuple[float, float]:
    if info.limits is not None:
        return info.limits
    means = [cell.mean for cell in info.found().values() if cell.mean is not None]
    if info.diverging:
        reach = max((abs(mean) for mean in means), default=1.0) or 1.0
        return -reach, reach
    return min(means, default=0.0), max(means, default=1.0)


def _decimals(info: Heatmap) -> int | None:
    """As many for all cells as their spread, or else their range, has use for; None where numbers are cut short."""
    means = [cell.mean for cell in info.found().values() if cell.mean is not None]
    halves = [cell.half for cell in info.found().values() if cell.half]
    size = median(halves) if halves else (max(means, default=0.0) - min(means, default=0.0)) / 10
    if not size or max(map(abs, means), default=0.0) >= CUT_SHORT:
        return None
    return min(6, max(0, 1 - math.floor(math.log10(size))))


def _text(cell: Cell, columns: int, decimals: int | None) -> str:
    if cell.text is not None:
        return cell.text
    mean, half = (
        number(one or 0.0) if decimals is None else f"{one or 0.0:.{decimals}f}" for one in (cell.mean, cell.half)
    )
    if columns > SOME_TEXT:
        return ""
    if columns > MOST_TEXT:
        return f"<b>{mean}</b>"
    of = f"{cell.n} of {cell.n + cell.lost}" if cell.lost else f"n = {cell.n}"
    return two_lines(mean, f"± {half}<br>{of}" if cell.half is not None else of)


def _write_cells(made: go.Figure, info: Heatmap, x: Places, y: Places) -> None:
    """Black or white, whichever stands out more from the cell."""
    (low, high), decimals = _limits(info), _decimals(info)
    for (row, column), cell in info.found().items():
        share = ((cell.mean or 0.0) - low) / (high - low) if high > low else 0.5
        scale = DIVERGING if info.diverging else SCALE
        colour = text_colour(sample_colorscale(scale, [min(1.0, max(0.0, share))], colortype="tuple")[0])
        made.add_annotation(
            x=x.centres[column], y=y.centres[row], text=_text(cell, len(info.xs), decimals), showarrow=False,
            font={"size": 15 if len(info.xs) <= MOST_TEXT else 12, "color": colour},
        )  # fmt: skip


def _box(x: Places, y: Places, at: At, gap: float = GAP) -> tuple[float, float, float, float]:
    """Left, right, lower and upper edge of a cell, with the gap around it, a share of its size."""
    row, column = at
    left, right, lower, upper = x.edges[column], x.edges[column + 1], y.edges[row], y.edges[row + 1]
    across, up = gap * (right - left), gap * (upper - lower)
    return left + across, right - across, lower + up, upper - up


def _outline(made: go.Figure, info: Heatmap, x: Places, y: Places, colours: Look) -> None:
    """The best, or the chosen one, in a solid line, what ties with it dashed; light on dark, to be seen on any cell."""
    outlined = info.chosen or info.best
    tied = [] if info.all_tied else sorted(info.tied)
    lines = [(at, DASH, 0.06, 4, "#FFFFFF", 2) for at in tied]
    lines += [(outlined, "solid", GAP, 5, colours.series[1], 3)] if outlined is not None else []
    for at, dash, gap, outer, light, inner in lines:
        x0, x1, y0, y1 = _box(x, y, at, gap)
        for colour, width in (("#000000", outer), (light, inner)):
            made.add_shape(
                type="rect", x0=x0, x1=x1, y0=y0, y1=y1, line={"color": colour, "width": width, "dash": dash}
            )


def _hatch_missing(made: go.Figure, info: Heatmap, x: Places, y: Places, colours: Look) -> None:
    every = [(row, column) for row in range(len(info.ys)) for column in range(len(info.xs))]
    xs: list[float | None] = []
    ys: list[float | None] = []
    for row, column in every:
        cell = info.cells[row][column]
        if cell.mean is not None:
            continue
        x0, x1, y0, y1 = _box(x, y, (row, column))
        for (left, lower), (right, upper) in _diagonals():
            xs += [x0 + left * (x1 - x0), x0 + right * (x1 - x0), None]
            ys += [y0 + lower * (y1 - y0), y0 + upper * (y1 - y0), None]
        if len(every) > MOST_BOXES:
            continue
        made.add_shape(
            type="rect", x0=x0, x1=x1, y0=y0, y1=y1, fillcolor=colours.missing, line={"width": 0}, layer="below"
        )
        words = cell.missing.replace(" ", "<br>") if len(info.xs) > 3 else cell.missing
        made.add_annotation(
            x=x.centres[column], y=y.centres[row], text=f"<b>{words}</b>", showarrow=False, bgcolor=colours.missing,
            font_size=12 if len(info.xs) <= 3 else 10,
        )  # fmt: skip
    made.add_scatter(
        x=xs, y=ys, mode="lines", line={"color": colours.faint, "width": 1}, hoverinfo="skip", showlegend=False
    )


def _diagonals() -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Of the unit square, clipped to it: their two ends."""
    for step in (-2 * HATCH, -HATCH, 0.0, HATCH, 2 * HATCH):
        yield (max(0.0, step), max(0.0, -step)), (min(1.0, 1 + step), min(1.0, 1 - step))
