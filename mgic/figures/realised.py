"""How much of what a network saves in multiply-accumulates it is faster: speed-up against the ratio of the MACs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mgic.figures.placement import place
from mgic.figures.style import Look, figure, mark_of
from mgic.figures.ticks import set_log
from mgic.figures.timing import SPEEDUP, Case, apart, names_of, told
from mgic.figures.tradeoff import share_of
from mgic.figures.words import number, plain

CONTROL = "control: the first network against itself"


@dataclass(frozen=True)
class Gain:
    """A network against the first one of its run; `control`: that one once more."""

    series: str
    name: str
    ratio: float  # MACs of the first network over its own
    speedup: float
    low: float | None
    high: float | None
    run: str
    control: bool
    hover: str

    @property
    def realised(self) -> float:
        """1: as much faster as it computes less."""
        return self.speedup / self.ratio


def gains(cases: Sequence[Case], clock: str) -> list[Gain]:
    """Of all rows but the first networks, which are as fast as themselves."""
    names = names_of(cases)
    found = []
    for case, series in zip(cases, apart(cases), strict=True):
        for row in case.rows:
            control = row.get("role") == "control"
            value, low, high = (row.get(name) for name in SPEEDUP[clock])
            if value is None or not row.get("macs") or (row is case.first):
                continue
            ratio = case.first["macs"] / row["macs"]
            lines = [str(row["model"]) + (", control" if control else ""), series]
            lines += [f"speed-up {told(row, SPEEDUP[clock], '')}", f"MACs of the first over its own {number(ratio)}"]
            lines += [] if control else [f"realised {number(value / ratio)}"]
            hover = "<br>".join(plain(line) for line in lines)
            name = names[str(row["model"])]
            found.append(Gain(series, name, ratio, value, low, high, str(case.run.id), control, hover))
    return found


def draw_gains(given: Sequence[Gain], title: str, clock: str, colours: Look) -> go.Figure:
    """Logarithmic on both sides; on the line a network is as much faster as it computes less."""
    made = figure(title, "MACs of the first network / MACs", f"Speed-up, by {clock}", colours, height=460)
    ratios = [1.0, *(one.ratio for one in given)]
    low, high = min(ratios) / 1.1, max(ratios) * 1.1
    ends = [end for one in given for end in (one.speedup, one.low or one.speedup, one.high or one.speedup)]
    made.add_scatter(
        x=[low, high], y=[low, high], mode="lines", name="as much faster as it computes less", hoverinfo="skip",
        line={"color": colours.faint, "width": 1.5, "dash": "dash"},
    )  # fmt: skip
    for index, series in enumerate(dict.fromkeys(one.series for one in given)):
        own = [one for one in given if one.series == series]
        colour, symbol = mark_of(index, colours)
        for control in (False, True):
            _add(made, [one for one in own if one.control is control], series, colour, symbol, control)
    _add_names(made, given, colours)
    set_log(made, "x", [low, high])
    set_log(made, "y", [low, high, *ends])
    return made


def _add(made: go.Figure, given: Sequence[Gain], series: str, colour: str, symbol: str, control: bool) -> None:
    if not given:
        return
    known = [one for one in given if one.low is not None and one.high is not None]
    made.add_scatter(
        x=[one.ratio for one in given],
        y=[one.speedup for one in given],
        mode="markers",
        name=plain(f"control, {series}" if control else series),
        marker={"color": colour, "symbol": f"{symbol}-open-dot" if control else symbol, "size": 11},
        error_y={
            "type": "data",
            "array": [(one.high or one.speedup) - one.speedup for one in given] if known else None,
            "arrayminus": [one.speedup - (one.low or one.speedup) for one in given] if known else None,
            "color": colour,
            "thickness": 1.5,
            "width": 4,
        },
        hovertext=[one.hover for one in given],
        hoverinfo="text",
        customdata=[[one.run] for one in given],
    )


def _add_names(made: go.Figure, given: Sequence[Gain], colours: Look) -> None:
    """Each network once, at the fastest of its marks, as far as there is room."""
    tops: dict[str, Gain] = {}
    for one in given:
        if not one.control and (one.name not in tops or one.speedup > tops[one.name].speedup):
            tops[one.name] = one
    if len(given) < 2 or not tops:
        return
    across, up = [one.ratio for one in given], [one.speedup for one in given]
    at = {id(one): (share_of(one.ratio, across, True), share_of(one.speedup, up, True)) for one in given}
    rest = [at[id(one)] for one in given if one is not tops.get(one.name)]
    sides = place([at[id(one)] for one in tops.values()], list(tops), colours.across, rest)
    for one, side in zip(tops.values(), sides, strict=True):
        if side:
            made.add_scatter(
                x=[one.ratio], y=[one.speedup], text=[plain(one.name)], mode="markers+text", textposition=side,
                marker={"size": 14, "opacity": 0}, textfont={"size": 12, "color": colours.text}, hoverinfo="skip",
                showlegend=False, cliponaxis=False,
            )  # fmt: skip


def rows(given: Sequence[Gain]) -> list[dict[str, Any]]:
    return [
        {"conditions": one.series, "network": one.name, "role": "control" if one.control else "measured"}
        | {"mac_ratio": one.ratio, "speedup": one.speedup, "low": one.low, "high": one.high}
        | {"realised": one.realised, "run": one.run}
        for one in given
    ]
