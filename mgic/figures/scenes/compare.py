"""Runs, or configs with all their seeds, against each other: metrics with intervals, curves, latencies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from mgic.client import Client
from mgic.errors import BadConfig
from mgic.figures.curves import curve_title
from mgic.figures.differences import (
    compared,
    draw_differences,
    draw_values,
    how_note,
    long_rows,
    titled,
)
from mgic.figures.overlay import EPOCH, STEP, Overlay, curve_names, draw_overlay, overlays, steps_an_epoch
from mgic.figures.plot import Plot, name_of
from mgic.figures.scenes.asked import ids
from mgic.figures.scenes.run import SCALE, SMOOTHING, points_of
from mgic.figures.sides import (
    BY_CONFIG,
    BY_RUN,
    MOST_SIDES,
    Metric,
    Side,
    best_configs,
    has_seeds,
    main_metric,
    metrics,
    sides,
    worst_grade,
)
from mgic.figures.switches import Switch
from mgic.figures.views import LOG, PLOTS, Shown, views_of
from mgic.records import CurvePoint, ExperimentInfo, Run

PARAMETERS = ("run", "sweep")
MOST_RUNS = 64
DIFFERING, EVERY = "differing", "all"
RESULTS = "results"


@dataclass(frozen=True)
class Data:
    """What is compared; `chosen` says which of more there were, in words."""

    runs: tuple[Run, ...]
    infos: dict[str, ExperimentInfo]
    points: dict[UUID, list[CurvePoint]]
    chosen: str = ""

    @property
    def live(self) -> bool:
        return any(not run.status.terminal for run in self.runs)

    @property
    def own_infos(self) -> dict[str, ExperimentInfo]:
        """Of the experiments of these runs."""
        names = dict.fromkeys(run.experiment for run in self.runs)
        return {name: self.infos[name] for name in names if name in self.infos}


def load(api: Client, asked: Mapping[str, str]) -> Data:
    """Of `?run=` with 2 ids or more, or of `?sweep=` with one or more: then the best configs of these sweeps.

    Raises:
        BadConfig: Fewer than two runs, or neither parameter.
    """
    infos = {info.name: info for info in api.experiments()}
    chosen = ""
    if asked.get("run"):
        runs = [api.run(one) for one in dict.fromkeys(ids(asked, "run", MOST_RUNS))]
    else:
        of = [run for one in dict.fromkeys(ids(asked, "sweep", MOST_SIDES)) for run in api.sweep_runs(one)]
        runs, chosen = best_configs([run for run in of if run.result or not run.status.terminal], infos, MOST_SIDES)
        if len(runs) > MOST_RUNS:
            runs, chosen = runs[:MOST_RUNS], f"{chosen or 'its configs'}, of which {MOST_RUNS} runs".strip()
    if len(runs) < 2:
        raise BadConfig(f"{len(runs)} run to compare: it takes 2 at least, in the address ?run=ID,ID")
    return Data(tuple(runs), infos, {run.id: points_of(api, run.id) for run in runs}, chosen)


def switches(data: Data) -> tuple[Switch, ...]:
    default = BY_CONFIG if has_seeds(data.runs) else BY_RUN
    found = [
        Switch("by", "Compare", {BY_RUN: "each run", BY_CONFIG: "configs, over seeds"}, default),
        Switch("fields", "Fields", {DIFFERING: "that differ", EVERY: "all"}, DIFFERING),
    ]
    scalars, every = ([*_metrics(data, tables)] for tables in (False, True))
    if len(every) > len(scalars):
        main = main_metric(data.runs, data.own_infos)
        default = EVERY if main and main.table else RESULTS
        options = {RESULTS: "of the whole run", EVERY: "and of its tables"}
        found.append(Switch("numbers", "Results", options, default))
    if every:
        main = main_metric(data.runs, data.own_infos) or every[0]
        drawn = {name_of(one.title): titled(one, data.own_infos) for one in every}
        found.append(Switch("metric", "Drawn", drawn, name_of(main.title)))
    if any(data.points.values()):
        found += [SMOOTHING, SCALE]
        if any(map(steps_an_epoch, data.points.values())):
            found.append(Switch("x", "Curves over", {STEP: STEP, EPOCH: EPOCH}, STEP))
    return tuple(found)


def plots(data: Data, values: Mapping[str, str]) -> list[Plot]:
    given = sides_of(data, values)
    return [*_of_metric(data, given, values), *_curves(data, given, values), *_boxes(data, given)]


def sides_of(data: Data, values: Mapping[str, str]) -> list[Side]:
    return sides(data.runs, values.get("by", BY_RUN))


def metrics_of(data: Data, values: Mapping[str, str]) -> Sequence[Metric]:
    """Those of the table."""
    return _metrics(data, values.get("numbers") == EVERY)


def _metrics(data: Data, tables: bool) -> Sequence[Metric]:
    return metrics(data.runs, data.own_infos, tables)


def _of_metric(data: Data, given: Sequence[Side], values: Mapping[str, str]) -> list[Plot]:
    every = _metrics(data, True)
    metric = next((one for one in every if name_of(one.title) == values.get("metric")), None)
    if metric is None or len(given) < 2:
        return []
    found, title = compared(given, metric, data.own_infos), titled(metric, data.own_infos)
    rows = partial(long_rows, given, [metric], data.own_infos)
    counts = sorted({one.own.n for one in found})
    bars = "Bars: 95 % t-interval from 3 seeds on, the range of 2." if counts[-1] > 1 else "One run a side."
    grade = worst_grade(given)
    small = " Small marks: single runs." if counts[-1] > 1 else ""
    n = f" n = {', '.join(f'{one.own.n} of {one.side.letter}' for one in found)}."
    return [
        Plot(
            "values", f"{title} of each side", partial(draw_values, found, title), bars + small + n, title, rows, grade
        ),
        Plot(
            "difference",
            f"{title}: difference to {given[0].letter}",
            partial(draw_differences, found, title),
            f"95 % intervals, each for itself. {how_note(found)} Hollow: no interval is known.",
            f"{title} of each side minus that of {given[0].letter}",
            rows,
            grade,
        ),
    ]


def _curves(data: Data, given: Sequence[Side], values: Mapping[str, str]) -> list[Plot]:
    x, smoothing = values.get("x", STEP), float(values.get(SMOOTHING.name, SMOOTHING.default))
    log = values.get(SCALE.name) == LOG
    made = []
    for name in curve_names(data.points):
        found = overlays(given, data.points, name, x, smoothing)
        if not found:
            continue
        n = ", ".join(f"{len(one.lines)} of {one.side.letter}" for one in found)
        bold = "Bold: the mean where all runs of a side have a value; faint: each run."
        note = bold if any(one.mean for one in found) else "Faint: as reported."
        note += f" Smoothed by a running mean of weight {smoothing:g} where a curve has more than 12 points. Runs: {n}."
        left = [side.letter for side in given if side.letter not in {one.side.letter for one in found}]
        note += f" Without this curve, or without a known epoch: {', '.join(left)}." if left else ""
        title = curve_title(name)
        draw = partial(draw_overlay, title, found, x, log)
        made.append(Plot(name_of(f"curve {name}"), title, draw, note, f"{title} by {x}", partial(_rows, found, x)))
    return made


def _rows(found: Sequence[Overlay], x: str) -> list[dict[str, object]]:
    return [
        {"side": one.side.letter, "line": number, x: at, "value": value, "smoothed": smooth}
        for one in found
        for number, line in enumerate(one.lines)
        for at, value, smooth in zip(line.xs, line.values, line.smooth, strict=True)
    ]


def _boxes(data: Data, given: Sequence[Side]) -> list[Plot]:
    """Distributions of single measurements, where runs have their quantiles."""
    made = []
    for name, info in data.own_infos.items():
        runs = [run for side in given for run in side.runs if run.experiment == name]
        for view in views_of(info, runs):
            plot = PLOTS[view.kind](view, Shown(info, runs, {})) if view.kind == "box" else None
            made += [plot] if plot else []
    return made
