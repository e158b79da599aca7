"""The curves of a run, fetched bit by bit; switches stand in the address."""

import streamlit as st

from dashboard import address
from dashboard.pages import prose
from dashboard.plots.shown import show_plots
from mgic.client import Client
from mgic.figures.scenes.run import SCALE, SMOOTHING, curve_plots
from mgic.records import CurvePoint, Run


def show_curves(api: Client, run: Run) -> None:
    points = _points(api, run)
    if not points:
        prose("No curve yet." if not run.status.terminal else "This run reported no curve.")
        return
    values = address.switches("curves", (SMOOTHING, SCALE))
    show_plots(curve_plots(points, values), "curves", run)


def _points(api: Client, run: Run) -> list[CurvePoint]:
    """All points so far; another attempt starts them anew, since it may have taken some back."""
    kept = st.session_state.get("curves")
    if not kept or kept[0] != (run.id, run.attempt):
        kept = ((run.id, run.attempt), [], None)
    which, points, cursor = kept
    while True:
        page = api.curves(run.id, after=cursor)
        points = [*points, *page.items]
        cursor = page.next_cursor or cursor
        if not page.items or page.next_cursor is None:
            break
    st.session_state["curves"] = (which, points, cursor)
    return points
