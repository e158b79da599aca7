"""What a change of one field does, over all values of the other; and whether that depends on the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mgic.figures.ablation.answer import Axis
from mgic.figures.ablation.part import Part
from mgic.figures.ablation.reference import signed
from mgic.figures.heatmap_drawing import Places
from mgic.figures.series import Mark, add_series
from mgic.figures.style import Look, figure
from mgic.figures.words import number, plain, value
from mgic.records import Value
from mgic.statistics import Difference, Interaction, effect, interaction, pairs
from mgic.statistics.factorial import Grid

HEIGHT = 400


@dataclass(frozen=True)
class Effect:
    """Of a change to `level`, and what it is in each of the rows that have both."""

    level: Value
    difference: Difference | None  # None where no run has the same seed
    rows: tuple[tuple[Value, float], ...]


def effects(axis: Axis, base: Value) -> list[Effect]:
    """Of a change from `base` to each value, itself among them."""
    at, grid = axis.levels.index(base), axis.grid
    found = []
    for column, level in enumerate(axis.levels):
        each = {row: sum(part.values()) / len(part) for row, part in pairs(grid, at, column).items()}
        known = effect(grid, at, column) if column != at else Difference(0, 0.0)
        found.append(Effect(level, known, tuple((axis.rows[row], gap) for row, gap in each.items())))
    return found


def effect_rows(axis: Axis, base: Value, found: Sequence[Effect]) -> list[dict[str, Any]]:
    rows = []
    for one in found:
        known = one.difference
        interval = known.interval if known else None
        rows.append(
            {
                axis.field: value(one.level),
                f"difference to {value(base)}": known.mean if known else None,
                "low": interval[0] if interval else None,
                "high": interval[1] if interval else None,
                "n": known.n if known else 0,
                "p": known.p if known else None,
            }
            | {f"{axis.other}={value(row)}": gap for row, gap in one.rows}
        )
    return rows


def draw_effects(
    axis: Axis, base: Value, found: Sequence[Effect], margin: float | None, side: float, title: str, colours: Look
) -> go.Figure:
    """Args:
    axis: Whose values stand on the axis.
    base: What they are compared with.
    found: The effects.
    margin: Of a gain that counts, as a band; None: no band.
    side: The share that the thick part of a bar leaves out at each end; the thin part leaves out 2.5 %.
    title: Above it.
    colours: The look.
    """
    unit = axis.part.unit.strip()
    places = Places.of(axis.levels)
    names = f"{axis.title}, {places.note}" if places.note else axis.title
    metric = f"Difference to {axis.title} = {value(base)}"
    made = figure(title, names, f"{metric} ({unit})" if unit else metric, colours, height=HEIGHT)
    at = dict(zip(map(value, axis.levels), places.centres, strict=True))
    if margin is not None:
        made.add_hrect(y0=-margin, y1=margin, fillcolor=colours.missing, opacity=0.45, line_width=0, layer="below")
    made.add_hline(y=0, line={"color": colours.faint, "width": 1, "dash": "dot"})
    single = [(at[value(one.level)], row, gap) for one in found for row, gap in one.rows if one.level != base]
    made.add_scatter(
        x=[x for x, _, _ in single],
        y=[gap for _, _, gap in single],
        mode="markers",
        marker={"color": colours.faint, "size": 6, "symbol": "line-ew-open"},
        hovertext=[f"{axis.others} = {plain(value(row))}: {signed(gap)} {unit}" for _, row, gap in single],
        hoverinfo="text",
        showlegend=False,
    )
    _add_bars(made, at, found, base, side, unit, colours)
    made.update_yaxes(title_standoff=14)
    made.update_xaxes(
        tickvals=places.centres,
        ticktext=[plain(value(one)) for one in axis.levels],
        range=[places.edges[0], places.edges[-1]],
        showgrid=False,
    )
    return made


def _add_bars(
    made: go.Figure, at: dict[str, float], found: Sequence[Effect], base: Value, side: float, unit: str, colours: Look
) -> None:
    known = [(at[value(one.level)], one, one.difference) for one in found if one.difference is not None]
    for share, width in ((0.025, 1.5), (side, 5)):
        bars = [(x, between) for x, _, gap in known if (between := gap.within(share)) is not None]
        made.add_scatter(
            x=[place for x, _ in bars for place in (x, x, None)],
            y=[end for _, between in bars for end in (*between, None)],
            mode="lines",
            line={"color": colours.series[0], "width": width},
            hoverinfo="skip",
            showlegend=False,
        )
    made.add_scatter(
        x=[x for x, _, _ in known],
        y=[gap.mean for _, _, gap in known],
        mode="markers",
        marker={
            "color": [colours.background if one.level == base else colours.series[0] for _, one, _ in known],
            "line": {"color": colours.series[0], "width": 2},
            "symbol": ["diamond" if one.level == base else "circle" for _, one, _ in known],
            "size": 11,
        },
        hovertext=[_hover(one, gap, base, unit) for _, one, gap in known],
        hoverinfo="text",
        showlegend=False,
    )


def _hover(one: Effect, gap: Difference, base: Value, unit: str) -> str:
    if one.level == base:
        return f"{plain(value(base))}: what the others are compared with"
    between = gap.interval
    told = f", 95 % t-interval {signed(between[0])} to {signed(between[1])}" if between else ", too few for an interval"
    return f"{plain(value(one.level))}: {signed(gap.mean)} {plain(unit)}{told}<br>n = {gap.n} pairs of the same seed"


# The interaction


def interaction_note(found: Interaction, x: str, y: str) -> str:
    """The test in words, with what is assumed."""
    if found.p is None or found.f is None:
        return f"Whether the effect of {x} depends on {y} cannot be tested: {found.why}."
    f = f"F({found.degrees[0]}, {found.degrees[1]}) = {number(found.f, 3)}, p {_p(found.p)}"
    says = "depends" if found.p < 0.05 else "is not seen to depend"
    parallel = "" if found.p < 0.05 else " Lines that are parallel but for chance would look like these."
    return (
        f"The effect of {x} {says} on {y}: {f}. Two-way analysis of variance with the seed as a block; assumed are"
        f" normal deviations with one variance in all cells.{parallel}"
    )


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def interaction_lines(part: Part) -> dict[str, list[Mark]]:
    """A line a value of y: the means over x. Their spread stands in the map: here it would hide the lines."""
    x = Places.of(part.map.xs)
    found: dict[str, list[Mark]] = {}
    for (row, column), cell in sorted(part.map.found().items()):
        mark = Mark(x.centres[column], cell.mean or 0.0, 0.0, 0.0, (), cell.hover)
        found.setdefault(f"{part.title(part.y)} = {value(part.map.ys[row])}", []).append(mark)
    return found


def draw_interaction(part: Part, lines: dict[str, list[Mark]], title: str, metric: str, colours: Look) -> go.Figure:
    places = Places.of(part.map.xs)
    name = f"{part.title(part.x)}, {places.note}" if places.note else part.title(part.x)
    made = figure(title, name, metric, colours, height=HEIGHT)
    for index, (series, marks) in enumerate(lines.items()):
        add_series(made, series, marks, index, colours, lines=True, legend=True)
    made.update_xaxes(tickvals=places.centres, ticktext=[plain(value(one)) for one in part.map.xs], showgrid=False)
    return made


def tested(grid: Grid) -> Interaction:
    return interaction(grid) if grid else Interaction(None, (0, 0), None, "no cell has a number")
