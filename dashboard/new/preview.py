"""The cost of each cell of a sweep, shown while it is still counted; and the key that makes two clicks one sweep."""

import time
from itertools import count
from uuid import uuid4

import streamlit as st

from dashboard.pages import show_table
from dashboard.tables.frames import preview_table
from dashboard.words import literal
from mgic.client import ApiError, Client, Unreachable
from mgic.records import Preview, SweepRequest

SHOWN_PROBLEMS = 5
ONE_CLICK_S = 10.0  # clicks that follow each other more closely are one


def show_cells(api: Client, asked: SweepRequest, first: Preview) -> None:
    """The table of cells; while costs are still to come it asks again every second, by itself."""
    turns = count()

    @st.fragment(run_every=1 if first.pending else None)
    def cells() -> None:
        again = next(turns) > 0 and first.pending > 0
        try:
            preview = api.preview(asked) if again else first
        except (ApiError, Unreachable):
            st.rerun()
        if again and not preview.pending:
            st.rerun()
        _draw(preview)

    cells()


def submit_key(asked: SweepRequest) -> str:
    """The same for the same content, until it was not asked for `ONE_CLICK_S`."""
    used: dict[str, tuple[str, float]] = st.session_state.setdefault("submit keys", {})
    content, now = asked.model_dump_json(), time.monotonic()
    key, at = used.get(content, ("", -ONE_CLICK_S))
    if now - at >= ONE_CLICK_S:
        key = str(uuid4())
    used[content] = (key, now)
    return key


def _draw(preview: Preview) -> None:
    if preview.pending:
        done = preview.total - preview.pending
        st.progress(done / preview.total, f"Counting costs: {done} of {preview.total} cells")
    show_table(preview_table(preview), "cells", "Cost of each cell of the sweep", height=_height(preview.total))
    problems = list(dict.fromkeys(point.problem for point in preview.points if point.problem))
    for problem in problems[:SHOWN_PROBLEMS]:
        st.warning(literal(problem), icon=":material/block:")
    if len(problems) > SHOWN_PROBLEMS:
        st.caption(f"and {len(problems) - SHOWN_PROBLEMS} more, named in the table")
    st.caption("MACs: one multiply-accumulate counts 1, one image, batch 1; FLOPs are twice as many.")


def _height(rows: int) -> int:
    return 38 + 35 * min(rows, 12)
