"""By how much equal networks differed: the first one of each run against itself, measured twice."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from mgic.figures.style import SYMBOLS, Look, figure
from mgic.figures.ticks import set_names
from mgic.figures.timing import CLOCKS, Case, apart
from mgic.figures.words import number, plain

BANDS = ((0.3, "C"), (0.1, "B"), (0.03, "A"))  # how far from 1 the interval of a grade may reach
PREFIX = {"wall": "control", "cpu": "control_cpu"}


def rows(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """A row a run and clock that has a control."""
    found = []
    for case, name in zip(cases, apart(cases), strict=True):
        for clock, prefix in PREFIX.items():
            ratio, low, high = ((case.run.result or {}).get(f"{prefix}_{end}") for end in ("ratio", "low", "high"))
            if ratio is not None:
                row = {"conditions": name, "clock": CLOCKS[clock], "ratio": ratio, "low": low, "high": high}
                found.append(row | {"grade": case.grade(clock), "run": str(case.run.id)})
    return found


def draw_control(given: Sequence[dict[str, Any]], title: str, colours: Look) -> go.Figure:
    """Bands: how far an interval may reach for the grades A, B and C."""
    made = figure(title, "", "Times as fast as itself", colours, height=460)
    for far, grade in BANDS:
        made.add_hrect(
            y0=1 / (1 + far), y1=1 + far, fillcolor=colours.grid, opacity=0.55, line_width=0, layer="below",
            annotation_text=grade, annotation_position="top left", annotation_font={"color": colours.faint, "size": 12},
        )  # fmt: skip
    made.add_hline(y=1, line={"color": colours.faint, "width": 1.5, "dash": "dash"})
    for index, clock in enumerate(CLOCKS.values()):
        own = [row for row in given if row["clock"] == clock]
        if not own:
            continue
        colour = colours.series[index]
        made.add_scatter(
            x=[row["conditions"] for row in own],
            y=[row["ratio"] for row in own],
            mode="markers",
            name=clock,
            offsetgroup=clock,
            marker={"color": colour, "symbol": SYMBOLS[index], "size": 11},
            error_y={
                "type": "data",
                "array": [(row["high"] or row["ratio"]) - row["ratio"] for row in own],
                "arrayminus": [row["ratio"] - (row["low"] or row["ratio"]) for row in own],
                "color": colour,
                "thickness": 1.5,
                "width": 4,
            },
            hovertext=[plain(_words(row)) for row in own],
            hoverinfo="text",
        )
    made.update_layout(scattermode="group", scattergap=0.7)
    set_names(made, [row["conditions"] for row in given])
    ends = [end for row in given for end in (row["low"], row["ratio"], row["high"]) if end]
    made.update_yaxes(range=[min([0.85, *ends]) - 0.03, max([1.15, *ends]) + 0.03])
    return made


def _words(row: dict[str, Any]) -> str:
    between = f" ({number(row['low'])} to {number(row['high'])})" if row["low"] and row["high"] else ""
    return f"{row['conditions']}, {row['clock']}: {number(row['ratio'])}{between}, grade {row['grade']}"
