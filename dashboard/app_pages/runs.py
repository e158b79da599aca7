"""All runs, newest first; the filters stand in the address."""

import streamlit as st

from dashboard.connection import client, experiments, models
from dashboard.frames import listing
from dashboard.pages import NEW_SWEEP, RUNS, nothing_yet, show_table
from dashboard.words import literal
from mgic.client import ApiError
from mgic.records import RunStatus

ANY = "any"

st.title("Runs", anchor=False)
api = client()
with st.container(horizontal=True, vertical_alignment="bottom"):
    experiment = st.selectbox(
        "Experiment", [ANY, *experiments(api)], key="experiment_is", bind="query-params", width=220
    )
    status = st.selectbox("Status", [ANY, *map(str, RunStatus)], key="status", bind="query-params", width=160)
    model = st.selectbox(
        "Model", [ANY, *models(api)], key="model_is", bind="query-params", accept_new_options=True, width=220
    )
    sweep = st.text_input("Sweep (its id)", key="of", bind="query-params", width=330).strip()

chosen = {"experiment": experiment, "status": status, "model": model, "sweep_id": sweep or ANY}
filters = {name: value for name, value in chosen.items() if value != ANY}
cursor = st.query_params.get("older")
try:
    page = api.runs(limit=50, cursor=cursor, **filters)
except ApiError as error:
    st.error(literal(error), icon=":material/error:")
    st.stop()
if not page.items and not filters:
    nothing_yet("No run has been queued on this server yet.", NEW_SWEEP, "Make the first sweep")
if not page.items:
    st.info("No run matches these filters. Set one of them back to “any”.", icon=":material/filter_alt_off:")
    st.stop()

show_table(listing(page.items), "listing", "Runs, newest first", height=38 + 35 * min(len(page.items), 15))
bound = {
    "experiment_is": experiment if experiment != ANY else None,
    "status": status if status != ANY else None,
    "model_is": model if model != ANY else None,
    "of": sweep or None,
}
address = {name: value for name, value in bound.items() if value}
with st.container(horizontal=True):
    if cursor:
        st.page_link(RUNS, label="Newest", icon=":material/first_page:", query_params=address)
    if page.next_cursor:
        older = {**address, "older": page.next_cursor}
        st.page_link(RUNS, label="Older", icon=":material/arrow_forward:", query_params=older)
st.caption(f"{len(page.items)} runs on this page.")
