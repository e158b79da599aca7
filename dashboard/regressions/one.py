"""One comparison: its verdict, its rows, its blocks, and what the two sides differ in."""

from collections import Counter

import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.pages import prose
from dashboard.plots.shown import show_plots
from dashboard.regressions.listing import web_address
from dashboard.words import literal
from mgic.figures.regressions.words import SIGNS, conditions_words, differences, origin_words, rows_of
from mgic.figures.scenes import regressions
from mgic.figures.words import moment
from mgic.gate import worst_of
from mgic.records import Comparison

TALL = 14  # rows that are seen without scrolling
LINES = {
    "pass": (st.success, "check_circle"),
    "regression": (st.error, "error"),
    "inconclusive": (st.warning, "help"),
    "not measured": (st.info, "do_not_disturb_on"),
}
BADGES = {"pass": "green", "regression": "red", "inconclusive": "orange"}
COLUMNS = {
    "verdict": st.column_config.TextColumn(width=110),
    "model": st.column_config.TextColumn(width=205),
    "note": st.column_config.TextColumn(width=420),
}
NOTES = 20  # that are shown as they are; the others are folded


def show_one(found: Comparison, data: regressions.Data) -> None:
    show, icon = LINES[found.verdict]
    show(f"**{found.verdict}**: {literal(found.summary)}", icon=f":material/{icon}:")
    prose(f"{origin_words(found)} {_of(found)}")
    _show_links(found)
    for note in found.notes[:NOTES]:
        st.markdown(f"- {literal(note)}")
    if found.notes[NOTES:]:
        with st.expander(f"{len(found.notes) - NOTES} more notes"):
            st.markdown("\n".join(f"- {literal(note)}" for note in found.notes[NOTES:]))
    _show_rows(found)
    values = address.switches("regressions-one", regressions.switches(data))
    plots = regressions.plots(data, values)
    show_plots(plots, "regressions", data)
    if not found.samples:
        prose("Nothing was timed, or what each process measured was not sent: there are no blocks to draw.")
    _show_sides(found)
    if found.conditions and not plots:
        prose(conditions_words(found.conditions))


def show_way_back() -> None:
    """To the list, which is the same page: a link would leave the address as it is."""
    to = {"comparison": None, "metric": None}
    st.button("All comparisons", icon=":material/arrow_back:", on_click=address.turn, args=(to,), key="back")


def _of(found: Comparison) -> str:
    against = f"against {found.baseline[:10] if found.base_side else found.baseline}"
    return f"Kept {moment(found.created_at)}, {against}. Id {found.id}."


def _show_links(found: Comparison) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, text, icon in (
            ("Pull request", found.pull_request, "merge"),
            ("Run of the CI", found.ci_run, "play_circle"),
        ):
            if address_ := web_address(text):
                st.link_button(label, address_, icon=f":material/{icon}:")
            elif text:
                prose(f"{label}: {text}")
        worst = worst_of([row for row in found.rows if row.metric is not None])
        if worst and worst.metric:
            to = {"comparison": None, "model": worst.model, "metric": worst.metric, "name": found.name}
            label = "History of its worst row"
            st.button(label, icon=":material/timeline:", on_click=address.turn, args=(to,), key="history")


def _show_rows(found: Comparison) -> None:
    counts = Counter[str](row.verdict for row in found.rows)
    told = [f":{BADGES.get(one, 'gray')}-badge[{SIGNS[one]} {counts[one]} {one}]" for one in SIGNS if counts.get(one)]
    st.markdown(" ".join(told))
    table = pd.DataFrame(rows_of(found))
    table = table.loc[:, (table != "").any()]
    height = 38 + 35 * min(len(table), TALL)
    alt = "A row a metric, with its limit and verdict"
    st.dataframe(table, hide_index=True, key="rows", alt=alt, height=height, column_config=COLUMNS)


def _show_sides(found: Comparison) -> None:
    st.subheader("What differs", anchor=False)
    unlike = differences(found)
    if unlike:
        st.dataframe(unlike, hide_index=True, key="sides", alt="What base and head have not in common")
    else:
        prose("Nothing that the two sides tell of themselves.")
    if found.conditions and found.base_side:
        prose("All else is common to both: they were measured in one job, in turns.")
