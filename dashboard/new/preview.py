"""The cells of a sweep before it is sent: what each costs, which are picked, what all cost together; and the key that
makes two clicks one sweep."""

import time
from collections.abc import Sequence
from hashlib import sha256
from itertools import count
from uuid import uuid4

import streamlit as st

from dashboard.new.draft import Total
from dashboard.pages import show_table
from dashboard.tables.frames import preview_table
from dashboard.words import literal
from mgic.client import ApiError, Client, Unreachable
from mgic.figures.words import NO_NUMBER, seconds, si
from mgic.records import Preview, SweepRequest

SHOWN_PROBLEMS = 5
ONE_CLICK_S = 10.0  # clicks that follow each other more closely are one
SHOWN_ROWS = 12


def show_cells(api: Client, asked: SweepRequest, first: Preview) -> list[int]:
    """The table of cells; returns which are picked. While costs are still to come it asks again every second, by
    itself, and nothing can be picked."""
    if not first.pending:
        key = f"cells {sha256(asked.model_dump_json().encode()).hexdigest()[:12]}"
        picked = _table(first, key, pick=asked.search is None)
        _say_problems(first)
        return picked
    turns = count()

    @st.fragment(run_every=1)
    def counted() -> None:
        again = next(turns) > 0
        try:
            preview = api.preview(asked) if again else first
        except (ApiError, Unreachable):
            st.rerun()
        if again and not preview.pending:
            st.rerun()
        shown = len(preview.points)
        done = shown - preview.pending
        st.progress(done / shown, f"Counting costs: {done} of {shown} cells")
        show_table(
            preview_table(preview), "cells", "Cost of each cell of the sweep", height=_height(len(preview.points))
        )
        _say_problems(preview)

    counted()
    return []


def show_old_cells(preview: Preview) -> None:
    """What the form was before it had something to correct."""
    st.caption("The cells as they were before a field had to be corrected:")
    with st.container(key="cells-old"):
        show_table(
            preview_table(preview), "old cells", "Cost of each cell, before", height=_height(len(preview.points))
        )


def costs_of_search(preview: Preview, first: Total) -> str:
    """Markdown: only the first trials are known before it begins.

    Args:
        preview: Of the search.
        first: Of those of the first trials that can run.
    """
    said = [f"**{_trials(preview.total)} at most**", "time not known yet"]
    if preview.seconds is not None:
        said[1] = f"about {seconds(preview.seconds)} one after another, by the first {first.cells}"
    said.append(f"{NO_NUMBER if first.macs is None else si(first.macs)} MACs in the first {first.cells}")
    return " · ".join(said)


def label_of_run(cells: int, trials: int | None = None) -> str:
    """Of the button: how many cells, or trials of a search."""
    return f"Run {cells} cell{'s' if cells != 1 else ''}" if trials is None else f"Run a search of {_trials(trials)}"


def costs(total: Total) -> str:
    """Markdown: all of them together."""
    said = [f"**{total.cells} cell{'' if total.cells == 1 else 's'}**"]
    said += [f"{total.duplicates} already in the store"] if total.duplicates else []
    said += [f"{si(total.macs)} MACs in all" if total.macs is not None else f"{NO_NUMBER} MACs"]
    said += [f"about {seconds(total.seconds)} one after another" if total.seconds is not None else "time not known yet"]
    return " · ".join(said)


def submit_key(asked: SweepRequest) -> str:
    """The same for the same content, until it was not asked for `ONE_CLICK_S`."""
    used: dict[str, tuple[str, float]] = st.session_state.setdefault("submit keys", {})
    content, now = asked.model_dump_json(), time.monotonic()
    key, at = used.get(content, ("", -ONE_CLICK_S))
    if now - at >= ONE_CLICK_S:
        key = str(uuid4())
    used[content] = (key, now)
    return key


def _trials(count: int) -> str:
    return f"{count} trial{'s' if count != 1 else ''}"


def _table(preview: Preview, key: str, pick: bool) -> list[int]:
    """Its key is of its content: another form has other cells, and none of them picked."""
    begins = "Tick rows to run only these." if pick else "The first trials; the others follow from how these end."
    st.caption(
        f"{begins} MACs: one multiply-accumulate counts 1, one image, batch 1; FLOPs are twice as "
        "many. A run's are those of all its forward and backward passes."
    )
    chosen = show_table(
        preview_table(preview), key, "Cost of each cell of the sweep", height=_height(len(preview.points)), pick=pick
    )
    return [number for number in chosen if number < len(preview.points)]


def _say_problems(preview: Preview) -> None:
    problems: Sequence[str] = list(dict.fromkeys(point.problem for point in preview.points if point.problem))
    for problem in problems[:SHOWN_PROBLEMS]:
        st.warning(literal(problem), icon=":material/block:")
    if len(problems) > SHOWN_PROBLEMS:
        st.caption(f"and {len(problems) - SHOWN_PROBLEMS} more, named in the table")


def _height(rows: int) -> int:
    return 38 + 35 * min(rows, SHOWN_ROWS)
