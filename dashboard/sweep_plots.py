"""The figures of a sweep, with their switches; what is chosen stands in the address."""

from collections.abc import Sequence

import streamlit as st

from dashboard.charts.cost_axis import COST_COLUMN, KINDS
from dashboard.charts.heatmap import draw_heatmap, facets, heatmap_info
from dashboard.charts.samples import Sample, groups, samples, spread_note
from dashboard.charts.tradeoff import draw_tradeoff, tradeoff_info
from dashboard.charts.view import axis_title, draw_view, unit_of, view_info
from dashboard.parts import prose
from dashboard.theme import look, show
from mgic.records import ExperimentInfo, Run, View

ALL = "All plots"
GRID = ("coarsest_size", "group_size")


def views_of(info: ExperimentInfo, runs: Sequence[Run]) -> list[View]:
    """The views the experiment declares, and the ablation's heat map where both its settings vary."""
    views = list(info.views)
    varied = all(len({str(run.config[name]) for run in runs if name in run.config}) > 1 for name in GRID)
    declared = any(view.kind == "heatmap" and {view.x, view.y} == set(GRID) for view in views)
    results = info.result_schema.get("properties", {})
    metric = next((view.y for view in views if view.y in results and view.y != COST_COLUMN), None)
    if varied and not declared and metric:
        extra = View(title="Group size and coarsest size", kind="heatmap", x=GRID[0], y=GRID[1], z=metric)
        views.insert(1, extra)
    return [view for view in views if _says_something(view, runs)]


def show_plots(info: ExperimentInfo, runs: Sequence[Run]) -> None:
    """Every chosen view of the runs that have ended so far."""
    views = {view.title: view for view in views_of(info, runs)}
    if not views:
        return
    measured = samples(runs)
    if not measured:
        ended = all(run.status.terminal for run in runs)
        prose("No run of this sweep ended with a result." if ended else "Plots come with the first result.")
        return
    has_cost = any(sample.values.get(COST_COLUMN) for sample in measured)
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
    for title, view in views.items():
        if chosen in (ALL, title):
            _show(info, view, runs, measured, kind, log != "linear")


def _show(
    info: ExperimentInfo, view: View, runs: Sequence[Run], measured: Sequence[Sample], count: str, log: bool
) -> None:
    if view.kind == "heatmap":
        _show_heatmap(info, view, runs)
    elif view.x == COST_COLUMN and view.y in info.result_schema.get("properties", {}):
        _show_tradeoff(info, view, measured, count, log)
    else:
        _show_view(info, view, measured, count)


def _show_tradeoff(info: ExperimentInfo, view: View, measured: Sequence[Sample], count: str, log: bool) -> None:
    given = groups(measured)
    unit = unit_of(info, view.y)
    drawn = tradeoff_info(given, view.y, unit, count)
    if not drawn.series:
        _nothing(view)
        return
    made = draw_tradeoff(drawn, view.y, unit, count, log, look())
    made.update_layout(title_text=view.title)
    show(made, f"plot {view.title}", f"{view.y} against cost, a point a config")
    note = spread_note(given, view.y)
    if any("/" in mark.label for marks in drawn.series.values() for mark in marks):
        note += " Labels: group size s_g / coarsest size s_c."
    prose(note)


def _show_view(info: ExperimentInfo, view: View, measured: Sequence[Sample], count: str) -> None:
    drawn = view_info(view, measured, count)
    if not drawn.series:
        _nothing(view)
        return
    titles = axis_title(info, view.x, count), axis_title(info, view.y, count)
    show(draw_view(view, drawn, titles, look()), f"plot {view.title}", f"{view.y} against {view.x}")
    prose(spread_note([group for group in groups(measured) if group.value(view.x) is not None], view.y))


def _show_heatmap(info: ExperimentInfo, view: View, runs: Sequence[Run]) -> None:
    parts = facets(runs, view.x, view.y)
    part = next(iter(parts))
    if len(parts) > 1:
        part = st.selectbox(f"{view.title}: runs with", list(parts), key=f"part {view.title}")
    z = view.z or view.y
    unit = unit_of(info, z)
    made = heatmap_info(parts[part], view.x, view.y, z, unit)
    titles = axis_title(info, view.x), axis_title(info, view.y)
    figure = draw_heatmap(made, view.title, titles, f"{z} ({unit})" if unit else z, look())
    show(figure, f"plot {view.title}", f"{z} over {view.x} and {view.y}")
    counts = {cell.n for row in made.cells for cell in row if cell.n}
    spread = "half of the 95 % t-interval" if counts and min(counts) >= 3 else "half of the range over the seeds"
    best = " The best mean is outlined." if made.best else ""
    prose(f"Each cell: mean of {z}, ± {spread} (n = {', '.join(map(str, sorted(counts))) or 0}).{best}")


def _says_something(view: View, runs: Sequence[Run]) -> bool:
    """False for a line of one point, and for a heat map of one row or column."""
    both = [run.config for run in runs if view.x in run.config and (view.y in run.config or view.kind != "heatmap")]
    x_values = {str(config[view.x]) for config in both}
    if view.kind == "heatmap":
        return len(x_values) > 1 and len({str(config[view.y]) for config in both}) > 1
    return not (view.kind == "line" and len(x_values) == 1)


def _nothing(view: View) -> None:
    prose(f"{view.title}: no finished run has both {view.x} and {view.y} yet.")
