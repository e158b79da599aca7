"""Marks that all plots over seeds share: large means with bars, small single runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from mgic.figures.style import DASHES, Look, mark_of
from mgic.figures.words import plain


@dataclass(frozen=True)
class Mark:
    """A mean over seeds, or one run, at its place."""

    x: float | str
    y: float
    below: float  # length of the error bar
    above: float
    singles: tuple[float, ...]
    hover: str
    label: str = ""

    @property
    def has_bar(self) -> bool:
        return len(self.singles) > 1 or self.below > 0 or self.above > 0


def add_series(
    made: go.Figure, name: str, marks: Sequence[Mark], index: int, colours: Look, lines: bool, legend: bool
) -> None:
    """One colour and symbol a series; the single runs stand behind their mean."""
    colour, symbol = mark_of(index, colours)
    singles = [(mark.x, y) for mark in marks if len(mark.singles) > 1 for y in mark.singles]
    made.add_scatter(
        x=[x for x, _ in singles],
        y=[y for _, y in singles],
        mode="markers",
        marker={"color": colour, "symbol": f"{symbol}-open", "size": 6, "opacity": 0.75},
        hoverinfo="skip",
        showlegend=False,
        legendgroup=name,
    )
    made.add_scatter(
        x=[mark.x for mark in marks],
        y=[mark.y for mark in marks],
        name=plain(name),
        legendgroup=name,
        showlegend=legend,
        mode="lines+markers" if lines else "markers",
        line={"color": colour, "dash": DASHES[index % len(DASHES)], "width": 2},
        marker={"color": colour, "symbol": symbol, "size": 11, "line": {"color": colours.background, "width": 1}},
        error_y=error_bars(marks, colour),
        hovertext=[mark.hover for mark in marks],
        hoverinfo="text",
    )


def error_bars(marks: Sequence[Mark], colour: str) -> dict[str, object]:
    return {
        "type": "data",
        "array": [mark.above if mark.has_bar else None for mark in marks],
        "arrayminus": [mark.below if mark.has_bar else None for mark in marks],
        "color": colour,
        "thickness": 1.5,
        "width": 4,
    }
