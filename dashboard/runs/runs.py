"""All runs, newest first; the filters stand in the address."""

import streamlit as st

from dashboard import address
from dashboard.connection import client, experiments
from dashboard.pages import NEW_SWEEP, nothing_yet, show_table, show_turns
from dashboard.tables.frames import listing
from dashboard.words import literal
from mgic.client import ApiError
from mgic.figures.switches import Switch
from mgic.records import RunStatus

ANY = "any"

st.title("Runs", anchor=False)
api = client()
chosen = address.switches(
    "runs",
    (
        Switch("experiment", "Experiment", {ANY: ANY} | {name: name for name in experiments(api)}, ANY),
        Switch("status", "Status", {ANY: ANY} | {str(one): str(one) for one in RunStatus}, ANY),
        Switch("model", "Model", {}),
        Switch("of", "Sweep (its id)", {}),
    ),
)
chosen["sweep_id"] = chosen.pop("of")
filters = {name: value for name, value in chosen.items() if value not in (ANY, "")}
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
show_turns(page.next_cursor)
st.caption(f"{len(page.items)} runs on this page.")
