"""A run: its curves, and the views that one run fills."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from mgic.client import Client
from mgic.figures.curves import Curve, curves_info, draw_curves, outliers
from mgic.figures.plot import Plot, name_of
from mgic.figures.scenes.asked import ids
from mgic.figures.switches import Switch
from mgic.figures.views import LINEAR, LOG, plots_of_run
from mgic.figures.words import number
from mgic.records import CurvePoint, ExperimentInfo, Run, title_of

PARAMETERS = ("run",)
SMOOTHING = Switch("smoothing", "Smoothing", {}, "0.8", bounds=(0.0, 0.99, 0.01))
SCALE = Switch("y", "Value axis", {LINEAR: LINEAR, LOG: LOG}, LINEAR)


@dataclass(frozen=True)
class Data:
    run: Run
    info: ExperimentInfo
    points: Sequence[CurvePoint]


def load(api: Client, asked: Mapping[str, str]) -> Data:
    """Of `?run=`."""
    (identifier,) = ids(asked, "run")
    run = api.run(identifier)
    return Data(run, api.experiment(run.experiment), points_of(api, run.id))


def points_of(api: Client, run_id: UUID) -> list[CurvePoint]:
    """All that it has reported so far."""
    points: list[CurvePoint] = []
    cursor: str | None = None
    while (page := api.curves(run_id, after=cursor)).items:
        points += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    return points


def switches(data: Data) -> tuple[Switch, ...]:
    return (SMOOTHING, SCALE) if data.points else ()


def plots(data: Data, values: Mapping[str, str]) -> list[Plot]:
    return [*plots_of_run(data.info, data.run), *curve_plots(data.points, values)]


def curve_plots(points: Sequence[CurvePoint], values: Mapping[str, str]) -> list[Plot]:
    """A plot for all curves of one kind: `train/loss` and `val/loss` share one."""
    found = curves_info(points, float(values.get(SMOOTHING.name, SMOOTHING.default)))
    log = values.get(SCALE.name) == LOG
    lost = sum(point.value is None for point in points)
    note = "Faint: as reported. Bold: exponential moving average."
    note += f" Values that were not finite numbers, and are gaps: {lost}." if lost else ""
    return [
        Plot(
            name_of(f"curve {title}"),
            title_of(title),
            partial(draw_curves, title_of(title), curves, log),
            note + _outside(curves, log),
            f"{title} by step",
            partial(_rows, curves),
        )
        for title, curves in found.items()
    ]


def _outside(curves: Sequence[Curve], log: bool) -> str:
    """What the axis leaves out."""
    found = [] if log else outliers(curves)[1]
    told = [f"{name} {number(value)} at step {step}" for name, step, value in found[:3]]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f" Outside of the axis, which shows the rest: {', '.join(told)}{more}." if found else ""


def _rows(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    return [
        {"curve": one.name, "step": step, "value": value, "smoothed": smooth}
        for one in curves
        for step, value, smooth in zip(one.steps, one.values, one.smooth, strict=True)
    ]
