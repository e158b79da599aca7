"""The figures of a sweep, with their switches, and those of a run; what is chosen stands in the address."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

import streamlit as st

from dashboard.charts.box import box_info, box_note, draw_boxes
from dashboard.charts.choice import choice, choice_note, guesses_note
from dashboard.charts.columns import axis_title, description_of, goal_of, is_cost, is_result, unit_of
from dashboard.charts.cost_axis import COST_COLUMN, KINDS
from dashboard.charts.heatmap import draw_heatmap, entries, facets, heatmap_info
from dashboard.charts.samples import Group, Sample, groups, own_interval, samples, spread_note
from dashboard.charts.tradeoff import draw_tradeoff, tradeoff_info
from dashboard.charts.view import draw_view, ends_of, view_info
from dashboard.connection import client
from dashboard.pages import prose
from dashboard.theme import look, show
from dashboard.wall import show_wall
from mgic.records import ExperimentInfo, Run, Table, View, ViewKind

ALL = "All plots"
GRID = ("coarsest_size", "group_size")


@dataclass(frozen=True)
class Shown:
    """What all plots of a page are drawn from: the runs, and how the cost is counted."""

    info: ExperimentInfo
    runs: Sequence[Run]
    count: str = "macs"
    log: bool = True

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


def show_plots(info: ExperimentInfo, runs: Sequence[Run]) -> None:
    """Every chosen view of the runs that have ended so far."""
    views = {view.title: view for view in views_of(info, runs)}
    if not views:
        return
    if not samples(runs):
        ended = all(run.status.terminal for run in runs)
        prose("No run of this sweep ended with a result." if ended else "Plots come with the first result.")
        return
    shown = Shown(info, runs)
    has_cost = any(one.values.get(COST_COLUMN) for view in views.values() for one in shown.measured(view))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Plot", [ALL, *views], key="view", bind="query-params", width=220)
        count = log = None
        if has_cost:
            titles = list(KINDS.values())
            count = st.segmented_control(
                "Cost as", titles, default=titles[0], required=True, key="cost", bind="query-params"
            )
            log = st.segmented_control(
                "Cost axis", ["log", "linear"], default="log", required=True, key="scale", bind="query-params"
            )
    kind = next((name for name, title in KINDS.items() if title == count), "macs")
    shown = Shown(info, runs, kind, log != "linear")
    for title, view in views.items():
        if chosen in (ALL, title):
            _show(view, shown)


def show_run_plots(info: ExperimentInfo, run: Run) -> None:
    """Nothing where the numbers of the run say it all."""
    for view in views_of_run(info, run) if samples([run]) else []:
        _show(view, Shown(info, [run]))


def _show(view: View, shown: Shown) -> None:
    DRAWERS[view.kind](view, shown)


def _show_wall(view: View, shown: Shown) -> None:
    show_wall(client(), view, shown.runs)


def _show_points(view: View, shown: Shown) -> None:
    """A result against the cost has a front and the switches of the cost; other points have neither."""
    against_cost = is_cost(shown.info, view.x) and is_result(shown.info, view.y)
    (_show_tradeoff if against_cost else _show_marks)(view, shown)


def _show_tradeoff(view: View, shown: Shown) -> None:
    measured = shown.measured(view)
    given, by = groups(measured), choice(view, view.y, measured)
    unit = unit_of(shown.info, view.y)
    drawn = tradeoff_info(given, view, unit, shown.count, goal_of(shown.info, view.y), by)
    if not drawn.series:
        _nothing(view, shown.info)
        return
    made = draw_tradeoff(drawn, view, unit, shown.count, shown.log, look())
    show(made, f"plot {view.title}", f"{view.y} against cost, a point a config")
    note = _note(view, shown.info, given)
    if any("/" in mark.label for marks in drawn.series.values() for mark in marks):
        note += " Labels: group size s_g / coarsest size s_c."
    chosen = choice_note(view, view.y, by) if len(drawn.frontier) > 1 else ""
    prose(note + chosen + guesses_note(measured))


def _show_marks(view: View, shown: Shown) -> None:
    measured = shown.measured(view)
    drawn = view_info(view, measured, shown.count)
    if not drawn.series:
        _nothing(view, shown.info)
        return
    titles = axis_title(shown.info, view.x, shown.count), axis_title(shown.info, view.y, shown.count)
    show(draw_view(view, drawn, titles, look()), f"plot {view.title}", f"{view.y} against {view.x}")
    note = _note(view, shown.info, [group for group in groups(measured) if group.value(view.x) is not None])
    prose(note + _left_out(measured, (view.x, view.y)) + guesses_note(measured))


def _show_boxes(view: View, shown: Shown) -> None:
    drawn = box_info(view, shown.measured(view))
    if not drawn:
        _nothing(view, shown.info)
        return
    titles = axis_title(shown.info, view.x), axis_title(shown.info, view.y)
    made = draw_boxes(view, drawn, titles, look())
    show(made, f"plot {view.title}", f"How {view.y} spreads, by {view.x}")
    words = {name: description_of(shown.info, name) for name in view.columns}
    prose(box_note(view, drawn, words))


def _show_heatmap(view: View, shown: Shown) -> None:
    parts = facets(entries(shown.runs, shown.table(view), view.columns), view.x, view.y)
    if not parts:
        _nothing(view, shown.info)
        return
    part = next(iter(parts))
    if len(parts) > 1:
        part = st.selectbox(f"{view.title}: runs with", list(parts), key=f"part {view.title}")
    info, z = shown.info, view.z or view.y
    unit = unit_of(info, z)
    measured = [entry.sample for entry in parts[part] if entry.sample is not None]
    by = choice(view, z, measured)
    made = heatmap_info(parts[part], view.x, view.y, z, unit, goal_of(info, z), by)
    titles = axis_title(info, view.x), axis_title(info, view.y)
    figure = draw_heatmap(made, view.title, titles, f"{z} ({unit})" if unit else z, look())
    show(figure, f"plot {view.title}", f"{z} over {view.x} and {view.y}")
    counts = {cell.n for row in made.cells for cell in row if cell.n}
    spread = "half of the 95 % t-interval" if counts and min(counts) >= 3 else "half of the range over the seeds"
    which = {"max": "highest", "min": "lowest", None: ""}[made.goal]
    best = f" The best mean of {by}, which is the {which}, is outlined." if made.best else ""
    best += choice_note(view, z, by) if made.best else ""
    best += guesses_note(measured)
    prose(f"Each cell: mean of {z}, ± {spread} (n = {', '.join(map(str, sorted(counts))) or 0}).{best}")


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


# What draws each kind of view; a kind that is missing here is found when the page is first loaded.
DRAWERS: dict[ViewKind, Callable[[View, Shown], None]] = {
    "line": _show_marks,
    "scatter": _show_points,
    "bar": _show_marks,
    "heatmap": _show_heatmap,
    "box": _show_boxes,
    "images": _show_wall,
}
if DRAWERS.keys() != set(get_args(ViewKind)):
    raise LookupError(f"kinds of views without a drawer: {set(get_args(ViewKind)) - DRAWERS.keys()}")


def _nothing(view: View, info: ExperimentInfo) -> None:
    """With the words of the experiment, which say when a column is empty."""
    about = description_of(info, view.y)
    told = f" {view.y}: {about}." if about else ""
    prose(f"{view.title}: no finished run has both {view.x} and {view.y} yet.{told}")
