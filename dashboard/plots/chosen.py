"""Which of several things a page shows, by ids in its address; and what is marked in a plot."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.address import turn
from dashboard.pages import RUN, RUNS
from dashboard.words import literal

LINKS = 12  # to marked runs
MOST_LISTED = 64  # of them, in the list of runs


def choose(name: str, title: str, offered: Mapping[str, str], chosen: Sequence[str]) -> None:
    """A box of several; the address is changed before the page is drawn again.

    Args:
        name: Of the parameter.
        title: Of the box.
        offered: By id, what is shown of it.
        chosen: Ids.
    """
    state = f"chosen/{name}"
    by_words = {words: one for one, words in offered.items()}
    st.session_state[state] = [offered[one] for one in chosen if one in offered]

    def changed() -> None:
        turn({name: ",".join(by_words[words] for words in st.session_state[state]) or None})

    with st.popover(f"{title}: {len(chosen)} of {len(offered)}", icon=":material/checklist:"):
        st.multiselect(title, list(by_words), key=state, on_change=changed)


def marked(event: Any) -> list[str]:
    """Ids of the runs behind the points that are marked in a plot."""
    points = event.get("selection", {}).get("points", []) if event else []
    return list(dict.fromkeys(run for point in points for run in point.get("customdata") or ()))


def show_marked(runs: Sequence[str]) -> None:
    """A link to each. None is opened by itself: a page that the service turns to is two steps of Back, the first of
    which leads to this page without what was chosen on it."""
    if not runs:
        return
    told = "1 run is marked" if len(runs) == 1 else f"{len(runs)} runs are marked"
    st.caption(literal(f"{told}. Click beside the points to take the mark away."))
    with st.container(horizontal=True):
        if len(runs) > 1:
            several = {"with": ",".join(runs[:MOST_LISTED])}
            st.page_link(RUNS, label="These in the list of runs", icon=":material/table_rows:", query_params=several)
        for run in runs[:LINKS]:
            st.page_link(RUN, label=f"run {run[:8]}", icon=":material/link:", query_params={"run": run})
    if len(runs) > LINKS:
        st.caption(f"and {len(runs) - LINKS} more")
