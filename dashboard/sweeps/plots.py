"""The plots of a sweep, with their switches."""

from collections.abc import Sequence

from dashboard import address
from dashboard.pages import prose
from dashboard.plots.shown import show_plots
from dashboard.plots.validity import show_validity
from dashboard.plots.wall import show_wall
from mgic.client import Client
from mgic.figures.plot import name_of
from mgic.figures.sample_size import Sizes
from mgic.figures.samples import samples
from mgic.figures.views import ALL, empty_notes, plots_of, switches_of, views_of
from mgic.records import ExperimentInfo, Run


def show_sweep_plots(api: Client, info: ExperimentInfo, runs: Sequence[Run], sizes: Sizes) -> None:
    """Every chosen view of the runs that have ended so far; `sizes`: of a sample of each data set."""
    views = views_of(info, runs)
    if not views:
        return
    if not samples(runs):
        ended = all(run.status.terminal for run in runs)
        prose("No run of this sweep ended with a result." if ended else "Plots come with the first result.")
        return
    show_validity(runs)
    values = address.switches("sweep", switches_of(info, runs))
    drawn = plots_of(info, runs, values, sizes)
    show_plots(drawn, "sweep", runs)
    for view in views:
        if view.kind == "images" and values.get("view", ALL) in (ALL, name_of(view.title)):
            show_wall(api, view, runs)
    if values.get("view", ALL) == ALL:
        for note in empty_notes(info, views, drawn):
            prose(note)
