"""The paper's results against their cost, with ours beside them: hollow marks are printed, filled ones measured.

What is measured and not judged, since network, training or samples are others, is grey and joined to nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go

from mgic.figures.placement import place
from mgic.figures.samples import spread
from mgic.figures.style import Look, figure
from mgic.figures.ticks import set_log
from mgic.figures.verdicts import METRICS, as_printed, measured_words, verdict_words
from mgic.figures.words import plain, si
from mgic.records import Measured, Metric, Standing
from mgic.statistics import Summary

SYMBOLS = {"ours": "circle", "own run": "diamond", "quoted": "square"}
PRINTED = {
    "ours": "printed, the authors' network",
    "own run": "printed, run by the authors",
    "quoted": "printed, quoted by the authors",
}
MEASURED = {
    "ours": "measured, the authors' network",
    "own run": "measured, what the authors ran",
    "quoted": "measured, what they quote",
}


@dataclass(frozen=True)
class Mark:
    x: float
    y: float
    label: str  # the row
    hover: str
    figure_of: str
    judged: bool = True
    below: float = 0.0  # length of the error bar
    above: float = 0.0


@dataclass(frozen=True)
class PaperPlot:
    metric: Metric
    cost: Literal["macs", "params"]
    axis: str  # its title: which MACs are counted
    printed: list[Mark]
    measured: list[Mark]
    pairs: list[tuple[Mark, Mark]]  # printed, and measured of the same row, if that is judged
    without_cost: int  # measured rows whose cost is not counted


def paper_plot(rows: Sequence[Standing]) -> PaperPlot | None:
    """None where fewer than two rows print both a cost and the figure that most rows are judged by."""
    metrics = [row.metric for row in rows if row.metric is not None and row.metric in row.metrics]
    if not metrics:
        return None
    metric = max(dict.fromkeys(metrics), key=metrics.count)
    cost: Literal["macs", "params"] = "macs" if any(row.macs is not None for row in rows) else "params"
    plot = PaperPlot(metric, cost, _axis(rows, cost), [], [], [], 0)
    without_cost = 0
    for row in rows:
        printed = _printed(row, metric, cost)
        measured = _measured(row, row.measured, cost) if row.measured and row.measured.metric == metric else None
        without_cost += row.measured is not None and row.counted is None
        plot.printed.extend([printed] if printed else [])
        plot.measured.extend([measured] if measured else [])
        plot.pairs.extend([(printed, measured)] if printed and measured and measured.judged else [])
    if len(plot.printed) < 2:
        return None
    return PaperPlot(metric, cost, plot.axis, plot.printed, plot.measured, plot.pairs, without_cost)


def draw_paper_plot(plot: PaperPlot, title: str, colours: Look) -> go.Figure:
    made = figure(title, plot.axis, METRICS[plot.metric].replace(", %", " (%)"), colours, height=440)
    for printed, measured in plot.pairs:
        made.add_scatter(
            x=[printed.x, measured.x],
            y=[printed.y, measured.y],
            mode="lines",
            line={"color": colours.faint, "width": 1, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
    for figure_of, symbol in SYMBOLS.items():
        printed_marks = [mark for mark in plot.printed if mark.figure_of == figure_of]
        measured_marks = [mark for mark in plot.measured if mark.figure_of == figure_of]
        judged = [mark for mark in measured_marks if mark.judged]
        apart = [mark for mark in measured_marks if not mark.judged]
        _add(made, printed_marks, PRINTED[figure_of], f"{symbol}-open", colours.faint)
        _add(made, judged, MEASURED[figure_of], symbol, colours.series[0], bars=True)
        _add(made, apart, f"{MEASURED[figure_of]}, not judged", symbol, colours.faint, bars=True)
    _add_labels(made, plot, colours)
    set_log(made, "x", [mark.x for mark in (*plot.printed, *plot.measured)])
    return made


def _add_labels(made: go.Figure, plot: PaperPlot, colours: Look) -> None:
    """The row beside each printed mark, where there is room."""
    marks = [*plot.printed, *plot.measured]
    xs, ys = [math.log(mark.x) for mark in marks], [mark.y for mark in marks]
    shares = [(_share(x, xs), _share(y, ys)) for x, y in zip(xs, ys, strict=True)]
    texts = [*(mark.label for mark in plot.printed), *("" for _ in plot.measured)]
    sides = place(shares, texts, colours.across)[: len(plot.printed)]
    placed = [(mark, side) for mark, side in zip(plot.printed, sides, strict=True) if side is not None]
    made.add_scatter(
        x=[mark.x for mark, _ in placed],
        y=[mark.y for mark, _ in placed],
        text=[plain(mark.label) for mark, _ in placed],
        textposition=[side for _, side in placed],
        textfont={"size": 12, "color": colours.text},
        mode="markers+text",
        marker={"size": 12, "opacity": 0},  # keeps the text clear of the mark
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
    )


def _share(value: float, of: Sequence[float]) -> float:
    low, high = min(of), max(of)
    return 0.05 + 0.9 * (value - low) / (high - low) if high > low else 0.5


def _add(made: go.Figure, marks: Sequence[Mark], name: str, symbol: str, colour: str, bars: bool = False) -> None:
    if not marks:
        return
    error = {"type": "data", "array": [mark.above for mark in marks], "arrayminus": [mark.below for mark in marks]}
    made.add_scatter(
        x=[mark.x for mark in marks],
        y=[mark.y for mark in marks],
        name=name,
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 11, "line": {"width": 2, "color": colour}},
        error_y={**error, "color": colour, "thickness": 1.5, "width": 4} if bars else None,
        hovertext=[mark.hover for mark in marks],
        hoverinfo="text",
    )


def _printed(row: Standing, metric: Metric, cost: Literal["macs", "params"]) -> Mark | None:
    x = row.macs if cost == "macs" else row.params
    if x is None or metric not in row.metrics:
        return None
    told = f"printed: {as_printed(row.metrics[metric])} {METRICS[metric].split(', ')[0]} at {si(x)} {_name(cost)}"
    return Mark(x, row.metrics[metric], row.id, f"<b>{plain(_title(row))}</b><br>{plain(told)}", row.figure_of)


def _measured(row: Standing, found: Measured, cost: Literal["macs", "params"]) -> Mark | None:
    if row.counted is None:
        return None
    counted = row.counted
    macs = counted.macs if counted.transfer_counted else counted.macs - counted.transfer_macs
    x = macs if cost == "macs" else counted.params
    told = f"measured: {measured_words(found)} at {si(x)} {_name(cost)}; {verdict_words(row)}"
    below, above = spread(Summary(found.n, found.mean, found.low, found.high, None, found.interval))
    return Mark(
        x,
        found.mean,
        row.id,
        f"<b>{plain(_title(row))}</b><br>{plain(told)}",
        row.figure_of,
        row.apart is None,
        below,
        above,
    )


def _axis(rows: Sequence[Standing], cost: Literal["macs", "params"]) -> str:
    """A table has one rule of counting."""
    without = any(row.counted is not None and not row.counted.transfer_counted for row in rows)
    return "Parameters" if cost == "params" else "MACs without R and P" if without else "MACs"


def _title(row: Standing) -> str:
    return f"{row.id} {row.label}"


def _name(cost: Literal["macs", "params"]) -> str:
    return "MACs" if cost == "macs" else "parameters"
