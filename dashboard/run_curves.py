"""The curves of a run, fetched bit by bit; switches stand in the address."""

import streamlit as st

from dashboard.charts.curves import curves_info, draw_curves
from dashboard.pages import prose
from dashboard.theme import look, show
from mgic.client import Client
from mgic.records import CurvePoint, Run

COLUMNS = 2


def show_curves(api: Client, run: Run) -> None:
    points = _points(api, run)
    if not points:
        prose("No curve yet." if not run.status.terminal else "This run reported no curve.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        smoothing = st.slider("Smoothing", 0.0, 0.99, 0.8, 0.01, key="smoothing", bind="query-params", width=260)
        log_y = st.toggle("Log y axis", key="log_y", bind="query-params")
    plots = curves_info(points, smoothing)
    columns = st.columns(COLUMNS)
    for index, (title, curves) in enumerate(plots.items()):
        with columns[index % COLUMNS]:
            show(draw_curves(title, curves, log_y, look()), f"curve {title}", f"{title} by step")
    lost = sum(point.value is None for point in points)
    said = "Faint: as reported. Bold: exponential moving average."
    prose(said + (f" Values that were not finite numbers, and are gaps: {lost}." if lost else ""))


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
