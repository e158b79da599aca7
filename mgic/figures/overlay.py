"""Curves of several sides on one plot: a colour and a dash a side, its seeds faint and their mean bold."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import plotly.graph_objects as go

from mgic.figures.curves import ema
from mgic.figures.sides import Side
from mgic.figures.style import DASHES, Look, figure
from mgic.figures.words import plain
from mgic.records import CurvePoint

STEP, EPOCH = "step", "epoch"
MOST_DRAWN = 1000  # points of a curve


@dataclass(frozen=True)
class Line:
    """What one run reported, smoothed."""

    xs: list[float]
    values: list[float | None]
    smooth: list[float | None]


@dataclass(frozen=True)
class Overlay:
    """The lines of a side, and their mean where it has several runs."""

    side: Side
    lines: list[Line]
    mean: Line | None


def steps_an_epoch(points: Sequence[CurvePoint]) -> int | None:
    """A network is scored at the end of each epoch: of two scores or more the first tells how long one is."""
    scored = sorted({point.step for point in points if point.name.startswith("test/") and point.step > 0})
    return scored[0] if len(scored) > 1 else None


def overlays(
    given: Sequence[Side], points: Mapping[UUID, Sequence[CurvePoint]], name: str, x: str, smoothing: float
) -> list[Overlay]:
    """Sides that have this curve; by epoch, those runs only of which the length of one is known."""
    found = []
    for side in given:
        lines = [line for run in side.runs if (line := _line(points.get(run.id, ()), name, x, smoothing))]
        if lines:
            found.append(Overlay(side, lines, _mean(lines) if len(lines) > 1 else None))
    return found


def curve_names(points: Mapping[UUID, Sequence[CurvePoint]]) -> list[str]:
    """Scores on the test samples first, then what else was reported."""
    names = {point.name for found in points.values() for point in found}
    return sorted(names, key=lambda name: (not name.startswith("test/"), name))


def draw_overlay(title: str, given: Sequence[Overlay], x: str, log_y: bool, colours: Look) -> go.Figure:
    made = figure(title, x, title, colours, height=360 + 22 * len(given))
    for one in given:
        place = ord(one.side.letter) - ord("A")
        colour, dash = colours.series[place % len(colours.series)], DASHES[place % len(DASHES)]
        bold = one.mean or one.lines[0]
        for line in one.lines:
            faint = line.smooth if one.mean else line.values
            if faint != bold.smooth or one.mean:
                made.add_scatter(
                    x=line.xs, y=faint, mode="lines", line={"color": colour, "width": 1}, opacity=0.35,
                    hoverinfo="skip", showlegend=False, legendgroup=one.side.letter,
                )  # fmt: skip
        few = len(bold.xs) <= 12
        made.add_scatter(
            x=bold.xs,
            y=bold.smooth,
            mode="lines+markers" if few else "lines",
            line={"color": colour, "width": 2.5, "dash": dash},
            name=plain(one.side.title),
            legendgroup=one.side.letter,
            showlegend=True,
            hovertemplate=f"{plain(one.side.title)}<br>{x} %{{x:.6g}}: %{{y:.5g}}<extra></extra>",
        )
    if log_y:
        made.update_yaxes(type="log")
    return made


def _line(points: Sequence[CurvePoint], name: str, x: str, smoothing: float) -> Line | None:
    unit = steps_an_epoch(points) if x == EPOCH else 1
    found = sorted((point for point in points if point.name == name), key=lambda point: point.step)
    if not found or unit is None:
        return None
    values = [point.value if point.value is not None and math.isfinite(point.value) else None for point in found]
    smooth = ema(values, smoothing) if len(found) > 12 else values
    every = math.ceil(len(found) / MOST_DRAWN)
    kept = sorted({*range(0, len(found), every), len(found) - 1})
    return Line([found[i].step / unit for i in kept], [values[i] for i in kept], [smooth[i] for i in kept])


def _mean(lines: Sequence[Line]) -> Line:
    """Where all of them have a value."""
    at: dict[float, list[float | None]] = {}
    for line in lines:
        for x, one in zip(line.xs, line.smooth, strict=True):
            at.setdefault(x, []).append(one)
    means: dict[float, float] = {}
    for x, found in sorted(at.items()):
        there = [one for one in found if one is not None]
        if len(there) == len(lines):
            means[x] = sum(there) / len(there)
    values: list[float | None] = list(means.values())
    return Line(list(means), values, values)
