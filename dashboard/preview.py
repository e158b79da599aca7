"""The cost of each cell of a sweep, shown while it is still counted; and the key that makes two clicks one sweep."""

from itertools import count
from uuid import uuid4

import streamlit as st

from dashboard.parts import show_table
from dashboard.tables import preview_table
from dashboard.words import literal
from mgic.client import ApiError, Client, Unreachable
from mgic.records import Preview, SweepRequest

SHOWN_PROBLEMS = 5


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
    """The same for the same content until the page is entered anew."""
    keys: dict[str, str] = st.session_state.setdefault("submit keys", {})
    return keys.setdefault(asked.model_dump_json(), str(uuid4()))


def forget_keys() -> None:
    st.session_state["submit keys"] = {}


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
