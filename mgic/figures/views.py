"""The figures of a sweep and of a run, one for each view that its experiment declares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args

from mgic.figures.box import box_info, box_note, draw_boxes
from mgic.figures.choice import choice, choice_note, guesses_note
from mgic.figures.columns import (
    axis_title,
    description_of,
    goal_of,
    is_cost,
    is_result,
    short_title,
    unit_of,
    with_unit,
)
from mgic.figures.cost_axis import COST_COLUMN, KINDS
from mgic.figures.heatmap import best_note, entries, facets, heatmap_info
from mgic.figures.heatmap_drawing import draw_heatmap
from mgic.figures.plot import Plot, name_of
from mgic.figures.sample_size import Sizes, size_words
from mgic.figures.samples import Group, Sample, groups, own_interval, samples, spread_note
from mgic.figures.series import Mark
from mgic.figures.switches import Switch
from mgic.figures.tradeoff import axes_of, draw_tradeoff, tradeoff_info
from mgic.figures.tradeoff import rows as rows_of_tradeoff
from mgic.figures.validity import graded, worst
from mgic.figures.view import draw_view, ends_of, view_info
from mgic.records import ExperimentInfo, Run, Table, View, ViewKind

ALL = "all"
GRID = ("coarsest_size", "group_size")
LOG, LINEAR = "log", "linear"


@dataclass(frozen=True)
class Shown:
    """What all plots of a page are drawn from: the runs, and what its switches say."""

    info: ExperimentInfo
    runs: Sequence[Run]
    values: Mapping[str, str]
    sizes: Sizes = field(default_factory=dict)

    def title(self, column: str) -> str:
        """Of an axis."""
        return axis_title(self.info, column, self.count, size_words((run.config for run in self.runs), self.sizes))

    @property
    def count(self) -> str:
        return self.values.get("cost", "macs")

    def measured(self, view: View) -> list[Sample]:
        """The rows that a view draws."""
        rows = samples(self.runs, self.table(view), view.columns)
        return [row for row in rows if all(row.values.get(name, text) == text for name, text in view.where.items())]

    def table(self, view: View) -> Table | None:
        return self.info.tables[view.table] if view.table else None


def views_of(info: ExperimentInfo, runs: Sequence[Run]) -> list[View]:
    """The views the experiment declares, and the ablation's heat map where both its fields vary."""
    views = list(info.views)
    varied = all(len({str(run.config[name]) for run in runs if name in run.config}) > 1 for name in GRID)
    declared = any(view.kind == "heatmap" and {view.x, view.y} == set(GRID) for view in views)
    results = info.result_schema.get("properties", {})
    metric = next((view.y for view in views if view.y in results and view.y != COST_COLUMN), None)
    if varied and not declared and metric:
        by = next(view.chosen_by for view in views if view.y == metric)
        title = "Group size and coarsest size"
        extra = View(title=title, kind="heatmap", x=GRID[0], y=GRID[1], z=metric, chosen_by=by)
        views.insert(1, extra)
    fixed = info.config_schema.get("properties", {}).keys() | results.keys()
    return [view for view in views if _says_something(view, runs, view.x not in fixed)]


def views_of_run(info: ExperimentInfo, run: Run) -> list[View]:
    """Those that one run fills by itself: pictures, boxes, and plots of a table with several rows."""
    rows = {name: len((run.result or {}).get(name) or ()) for name in info.tables}
    return [view for view in info.views if view.kind in ("images", "box") or rows.get(view.table or "", 0) > 1]


def switches_of(info: ExperimentInfo, runs: Sequence[Run]) -> tuple[Switch, ...]:
    """Which plots, how the cost is counted and drawn, and which part of a heat map."""
    views = views_of(info, runs)
    names = {ALL: "All plots"} | {name_of(view.title): view.title for view in views}
    found = [Switch("view", "Plot", names, ALL)] if len(views) > 1 else []
    shown = Shown(info, runs, {})
    if any(one.values.get(COST_COLUMN) for view in views for one in shown.measured(view)):
        found.append(Switch("cost", "Cost as", KINDS, "macs"))
        found.append(Switch("scale", "Cost axis", {LOG: LOG, LINEAR: LINEAR}, LOG))
    for view in views:
        parts = _parts(view, shown) if view.kind == "heatmap" else {}
        if len(parts) > 1:
            names = {name_of(part): part for part in parts}
            found.append(Switch(f"part-{name_of(view.title)}", f"{view.title}: runs with", names, next(iter(names))))
    return tuple(found)


def plots_of(info: ExperimentInfo, runs: Sequence[Run], values: Mapping[str, str], sizes: Sizes) -> list[Plot]:
    """Of every view but pictures, which are none; a plot without a number is left out, see `empty_notes`.

    Args:
        info: Their experiment.
        runs: Any.
        values: Of the switches.
        sizes: Of a sample of each data set.
    """
    shown = Shown(info, runs, values, sizes)
    chosen = [view for view in views_of(info, runs) if values.get("view", ALL) in (ALL, name_of(view.title))]
    return [plot for view in chosen if (plot := PLOTS[view.kind](view, shown)) is not None]


def plots_of_run(info: ExperimentInfo, run: Run) -> list[Plot]:
    """Nothing where the numbers of the run say it all."""
    if not samples([run]):
        return []
    shown = Shown(info, [run], {})
    return [plot for view in views_of_run(info, run) if (plot := PLOTS[view.kind](view, shown)) is not None]


def empty_notes(info: ExperimentInfo, views: Sequence[View], drawn: Sequence[Plot]) -> list[str]:
    """Why each view that is not drawn is empty, in the words of the experiment."""
    have = {plot.name for plot in drawn}
    return [_nothing(view, info) for view in views if view.kind != "images" and name_of(view.title) not in have]


def _no_plot(view: View, shown: Shown) -> None:
    """Pictures are shown by the page itself."""


def _points(view: View, shown: Shown) -> Plot | None:
    """A result against the cost has a front and the switches of the cost; other points have neither."""
    against_cost = is_cost(shown.info, view.x) and is_result(shown.info, view.y)
    return (_tradeoff if against_cost else _marks)(view, shown)


def _tradeoff(view: View, shown: Shown) -> Plot | None:
    measured = shown.measured(view)
    given, by = groups(measured), choice(view, view.y, measured)
    unit = unit_of(shown.info, view.y)
    drawn = tradeoff_info(given, view, unit, shown.count, goal_of(shown.info, view.y), by)
    if not drawn.series:
        return None
    note = _note(view, shown.info, given)
    if any("/" in point.label for point in drawn.points):
        note += " Labels: group size s_g / coarsest size s_c."
    chosen = choice_note(view, view.y, by) if len(drawn.frontier) > 1 else ""
    log = shown.values.get("scale", LOG) == LOG
    return _plot(
        view,
        shown,
        partial(draw_tradeoff, drawn, axes_of(view, (shown.title(view.x), shown.title(view.y)), log)),
        note + chosen + guesses_note(measured),
        f"{view.y} against cost, a point a config",
        lambda: rows_of_tradeoff(drawn, shown.count, view.y),
    )


def _marks(view: View, shown: Shown) -> Plot | None:
    measured = shown.measured(view)
    drawn = view_info(view, measured, shown.count)
    if not drawn.series:
        return None
    titles = shown.title(view.x), shown.title(view.y)
    note = _note(view, shown.info, [group for group in groups(measured) if group.value(view.x) is not None])
    return _plot(
        view,
        shown,
        partial(draw_view, view, drawn, titles),
        note + _left_out(measured, (view.x, view.y)) + guesses_note(measured),
        f"{view.y} against {view.x}",
        lambda: _rows(drawn.series, view.x, view.y),
    )


def _boxes(view: View, shown: Shown) -> Plot | None:
    drawn = box_info(view, shown.measured(view))
    if not drawn:
        return None
    titles = axis_title(shown.info, view.x), axis_title(shown.info, view.y)
    words = {name: description_of(shown.info, name) for name in view.columns}

    def rows() -> list[dict[str, Any]]:
        every = [(name, box) for name, boxes in drawn.items() for box in boxes]
        numbers = [{view.q1 or "q1": box.q1, view.y: box.median, view.q3 or "q3": box.q3} for _, box in every]
        return [{"series": name, view.x: box.x} | found for (name, box), found in zip(every, numbers, strict=True)]

    alt = f"How {view.y} spreads, by {view.x}"
    return _plot(view, shown, partial(draw_boxes, view, drawn, titles), box_note(view, drawn, words), alt, rows)


def _parts(view: View, shown: Shown) -> dict[str, Any]:
    return facets(entries(shown.runs, shown.table(view), view.columns), view.x, view.y)


def _heatmap(view: View, shown: Shown) -> Plot | None:
    parts = _parts(view, shown)
    if not parts:
        return None
    wanted = shown.values.get(f"part-{name_of(view.title)}")
    part = next((name for name in parts if name_of(name) == wanted), next(iter(parts)))
    info, z = shown.info, view.z or view.y
    unit = unit_of(info, z)
    measured = [entry.sample for entry in parts[part] if entry.sample is not None]
    by = choice(view, z, measured)
    made = heatmap_info(parts[part], view.x, view.y, z, unit, goal_of(info, z), by)
    titles = axis_title(info, view.x), axis_title(info, view.y)
    counts = {cell.n for row in made.cells for cell in row if cell.n}
    spread = "half of the 95 % t-interval" if counts and min(counts) >= 3 else "half of the range over the seeds"
    best = f" {best_note(made, short_title(info, by))}{choice_note(view, z, by)}" if made.best else ""
    best += guesses_note(measured)

    def rows() -> list[dict[str, Any]]:
        cells = [
            (x, y, cell)
            for y, row in zip(made.ys, made.cells, strict=True)
            for x, cell in zip(made.xs, row, strict=True)
        ]
        return [
            {view.x: x, view.y: y, z: cell.mean, "half": cell.half, "n": cell.n, "missing": cell.missing}
            for x, y, cell in cells
        ]

    note = (
        f"Each cell: mean of {short_title(info, z)}, ± {spread} (n = {', '.join(map(str, sorted(counts))) or 0}).{best}"
    )
    draw = partial(draw_heatmap, made, view.title, titles, with_unit(info, z))
    return _plot(view, shown, draw, note, f"{z} over {view.x} and {view.y}", rows)


def _plot(
    view: View, shown: Shown, draw: Callable[..., Any], note: str, alt: str, rows: Callable[[], list[dict[str, Any]]]
) -> Plot:
    grade = worst(shown.runs, view.grade)
    return Plot(name_of(view.title), view.title, graded(draw, grade) if grade else draw, note.strip(), alt, rows, grade)


def _rows(series: Mapping[str, Sequence[Mark]], x: str, y: str) -> list[dict[str, Any]]:
    """One a mark: the ends of its bar, and how many values it is the mean of."""
    return [
        {"series": name, "label": mark.label, x: mark.x, y: mark.y}
        | {"low": mark.y - mark.below, "high": mark.y + mark.above, "n": len(mark.singles)}
        for name, marks in series.items()
        for mark in marks
    ]


def _note(view: View, info: ExperimentInfo, given: Sequence[Group]) -> str:
    """What points and bars are; of a run's own interval in the words of the experiment."""
    ends = ends_of(view)
    note = spread_note(given, view.y, ends)
    if ends is None or not any(own_interval(group, view.y, ends) for group in given):
        return note
    return " ".join([note, *(f"{end}: {description_of(info, end)}." for end in ends)])


def _left_out(measured: Sequence[Sample], columns: Sequence[str]) -> str:
    """How many rows a plot cannot show, for a number is missing."""
    found = [(column, sum(one.values.get(column) is None for one in measured)) for column in columns]
    words = [f"{count} without {column}" for column, count in found if count]
    return f" Left out: {', '.join(words)}." if words else ""


def _says_something(view: View, runs: Sequence[Run], over_option: bool) -> bool:
    """False for a line of one point, or over an option that no model of the runs has, and for a heat map of one row or
    column; of a table only its rows can tell."""
    if view.table is not None:
        return True
    both = [run.config for run in runs if view.x in run.config and (view.y in run.config or view.kind != "heatmap")]
    x_values = {str(config[view.x]) for config in both}
    if view.kind == "heatmap":
        return len(x_values) > 1 and len({str(config[view.y]) for config in both}) > 1
    return not ((view.kind == "line" and len(x_values) == 1) or (over_option and not x_values))


def _nothing(view: View, info: ExperimentInfo) -> str:
    """With the words of the experiment, which say when a column is empty."""
    about = description_of(info, view.y)
    told = f" {view.y}: {about}." if about else ""
    return f"{view.title}: no finished run has both {view.x} and {view.y} yet.{told}"


# What makes each kind of view; a kind that is missing here is found when this is first loaded.
PLOTS: dict[ViewKind, Callable[[View, Shown], Plot | None]] = {
    "line": _marks,
    "scatter": _points,
    "bar": _marks,
    "heatmap": _heatmap,
    "box": _boxes,
    "images": _no_plot,
}
if PLOTS.keys() != set(get_args(ViewKind)):
    raise LookupError(f"kinds of views without a plot: {set(get_args(ViewKind)) - PLOTS.keys()}")
