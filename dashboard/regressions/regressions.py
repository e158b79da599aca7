"""Comparisons of two versions of the code, newest first; one of them; and how a metric went over time."""

import streamlit as st

from dashboard import address
from dashboard.connection import client, last_seen, scene_data, tells_what_fails
from dashboard.pages import prose, show_turns
from dashboard.plots.shown import show_plots
from dashboard.regressions.listing import show_empty, show_list
from dashboard.regressions.one import show_one, show_way_back
from dashboard.words import literal
from mgic.client import ApiError
from mgic.errors import BadConfig
from mgic.figures.scenes import regressions
from mgic.figures.scenes.regressions import ANY
from mgic.records import ComparisonBrief, Page

EVERY_S = 10
api = client()
if "comparison" in st.query_params:
    try:
        data = scene_data(api, "regressions", {"comparison": st.query_params["comparison"] or "none"})
    except (ApiError, BadConfig) as error:
        st.error(literal(error), icon=":material/error:")
        show_way_back()
        st.stop()
    st.title(literal(data.one.name or "A comparison"), anchor=False)
    show_way_back()
    show_one(data.one, data)
    st.stop()

st.title("Regressions", anchor=False)
data = regressions.load(api, dict(st.query_params))
if not data.listed:
    show_empty()
    st.stop()
chosen = address.switches("regressions", regressions.list_switches(data))
if any(chosen[name] != (data.values or {}).get(name) for name in chosen):
    of_another = chosen["name"] != (data.values or {}).get("name")
    address.turn({"older": None} | (dict.fromkeys(("model", "metric", "testbed")) if of_another else {}))
    data = regressions.load(api, dict(st.query_params))
filters = {name: text for name, text in chosen.items() if text != ANY}


def ask(cursor: str | None) -> Page[ComparisonBrief]:
    try:
        return api.comparisons(50, cursor, **filters)
    except ApiError as error:
        st.error(literal(error), icon=":material/filter_alt:")
        st.stop()


@st.fragment(run_every=EVERY_S)
@tells_what_fails()
def listed() -> None:
    cursor = st.query_params.get("older")
    page, _ = last_seen(f"comparisons {cursor} {filters}", lambda: ask(cursor))
    if not page.items:
        st.info("No comparison matches. Take a filter away.", icon=":material/filter_alt_off:")
        return
    show_list(page.items)
    show_turns(page.next_cursor)


listed()
st.subheader("History of a metric", anchor=False)
offered = regressions.history_switches(data)
if not offered:
    prose("The newest comparison of this name and branch has no metric.")
    st.stop()
values = address.switches("regressions-history", offered)
if any(values[name] != (data.values or {}).get(name) for name in values):
    data = regressions.load(api, dict(st.query_params))
if not data.points:
    prose("No comparison has this metric with these filters.")
show_plots(regressions.plots(data, chosen | values), "regressions", data)
