"""How much faster networks are, where their time goes, and how sure that is: latency runs, by engine and threads."""

import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.connection import client, scene_data
from dashboard.pages import NEW_SWEEP, RUN, demo_chip, nothing_yet, prose, show_table
from dashboard.plots.chosen import choose
from dashboard.plots.shown import show_plots
from dashboard.plots.validity import show_validity
from dashboard.words import literal
from mgic.figures.scenes import latency
from mgic.figures.timing import apart, times

st.space("small")  # the head of the window lies over the first pixels
head = st.container(horizontal=True, vertical_alignment="bottom")
api = client()
asked = {name: st.query_params[name] for name in latency.PARAMETERS if name in st.query_params}
data = scene_data(api, "latency", asked)
head.title(f"Latency{demo_chip(data)}", anchor=False, width="content")
if not data.offered and not data.cases:
    nothing_yet("No network has been timed on this server yet.", NEW_SWEEP, "Time some", {"experiment": latency.TIMING})
if "run" not in asked:
    offered = {str(one.id): f"{one.name} ({str(one.id)[:8]})" for one in data.offered}
    with head:
        choose("sweep", "Sweeps of timed networks", offered, data.chosen)
if not data.cases:
    prose("None of these runs has ended with times yet.")
    st.stop()
show_validity([case.run for case in data.cases])
values = address.switches("latency", latency.switches(data))
show_table(
    pd.DataFrame(times(data.cases, values.get("clock", "wall"))), "times", "How long a pass of each network takes"
)
show_plots(latency.plots(data, values), "latency", data)
if data.left_out:
    prose(f"The first {latency.MOST} runs are shown; {data.left_out} more are left out.")
with st.container(horizontal=True):
    for case, words in zip(data.cases, apart(data.cases), strict=True):
        label = literal(f"{words or 'Its run'}, grade {case.grade('wall')}")
        st.page_link(RUN, label=label, icon=":material/link:", query_params={"run": str(case.run.id)})
