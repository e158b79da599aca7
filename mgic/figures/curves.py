"""What a run reports while it goes: the raw numbers faint, a running mean on top."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import plotly.graph_objects as go

from mgic.figures.style import DASHES, Look, figure
from mgic.figures.words import plain
from mgic.records import CurvePoint, title_of

FAR = 4  # times the range of the middle values
FEWEST = 25  # points, before one of them is called an outlier


@dataclass(frozen=True)
class Curve:
    name: str
    steps: list[int]
    values: list[float | None]  # None: not a finite number
    smooth: list[float | None]
    resumed: list[int]  # steps at which another attempt went on


def curves_info(points: Iterable[CurvePoint], smoothing: float) -> dict[str, list[Curve]]:
    """Curves by what follows the last slash of their names, so `train/loss` and `val/loss` share a plot."""
    found: dict[str, list[CurvePoint]] = {}
    for point in points:
        found.setdefault(point.name, []).append(point)
    plots: dict[str, list[Curve]] = {}
    for name in sorted(found):
        rows = sorted(found[name], key=lambda point: point.step)
        values = [row.value for row in rows]
        resumed = [row.step for before, row in pairwise(rows) if row.fence != before.fence]
        curve = Curve(name, [row.step for row in rows], values, ema(values, smoothing), resumed)
        plots.setdefault(name.rpartition("/")[2], []).append(curve)
    return plots


def curve_title(name: str) -> str:
    """`test/top1` is `Top-1 accuracy, test`."""
    part, _, what = name.rpartition("/")
    return ", ".join(filter(None, [title_of(what), part]))


def ema(values: Sequence[float | None], smoothing: float) -> list[float | None]:
    """Exponential moving average without the bias towards its start; missing values stay missing.

    s_t = sum_i a^(t-i) v_i / sum_i a^(t-i) over the values up to t, with a = `smoothing`.
    """
    total = weight = 0.0
    smooth: list[float | None] = []
    for value in values:
        if value is None or not math.isfinite(value):
            smooth.append(None)
            continue
        total, weight = smoothing * total + value, smoothing * weight + 1
        smooth.append(total / weight)
    return smooth


def outliers(curves: Sequence[Curve]) -> tuple[tuple[float, float] | None, list[tuple[str, int, float]]]:
    """The range of the value axis without the few points far outside of all others, and these: curve, step, value.

    None where no point is that far out: further from the middle 96 % than `FAR` times their range.
    """
    values = sorted(value for curve in curves for value in curve.values if value is not None and math.isfinite(value))
    if len(values) < FEWEST:
        return None, []
    cut = max(1, round(0.02 * len(values)))
    low, high = values[cut], values[-1 - cut]
    reach = FAR * (high - low)
    if reach <= 0 or (values[0] >= low - reach and values[-1] <= high + reach):
        return None, []
    inside = [value for value in values if low - reach <= value <= high + reach]
    margin = 0.05 * (inside[-1] - inside[0])
    found = [
        (curve.name, step, value)
        for curve in curves
        for step, value in zip(curve.steps, curve.values, strict=True)
        if value is not None and not low - reach <= value <= high + reach
    ]
    return (inside[0] - margin, inside[-1] + margin), found


def draw_curves(title: str, curves: Sequence[Curve], log_y: bool, colours: Look) -> go.Figure:
    made = figure(title, "step", title, colours, height=340)
    for index, curve in enumerate(curves):
        colour = colours.series[index % len(colours.series)]
        dense = len(curve.steps) > 12 and curve.smooth != curve.values
        if dense:
            made.add_scatter(
                x=curve.steps,
                y=curve.values,
                mode="lines",
                line={"color": colour, "width": 1},
                opacity=0.35,
                hoverinfo="skip",
                showlegend=False,
            )
        made.add_scatter(
            x=curve.steps,
            y=curve.smooth if dense else curve.values,
            mode="lines" if dense else "lines+markers",
            line={"color": colour, "width": 2.5, "dash": DASHES[index % len(DASHES)]},
            name=plain(curve.name),
            showlegend=True,
        )
        for step in curve.resumed:
            made.add_vline(x=step, line={"color": colours.faint, "dash": "dot"}, annotation_text="resumed")
    if log_y:
        made.update_yaxes(type="log")
    elif (shown := outliers(curves)[0]) is not None:
        made.update_yaxes(range=shown)
    return made
