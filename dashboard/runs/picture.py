"""One picture of a run in its full size."""

import streamlit as st

from dashboard.connection import client
from dashboard.pages import RUN, RUNS, id_in_address, nothing_yet
from dashboard.words import literal
from mgic.client import ApiError
from mgic.figures.words import assignments, size

api = client()
run_id = id_in_address("run", RUNS, "All runs")
name = st.query_params.get("file", "")
of_run = {"run": run_id}
if not name:
    nothing_yet("No picture is chosen. The page of a run has them.", RUN, "Its run", of_run)
try:
    run, content = api.run(run_id), api.artifact(run_id, name)
    st.title(literal(name), anchor=False)
    st.caption(
        literal(f"{run.experiment} · {assignments(run.requested) or 'all fields at default'} · run {run_id[:8]}")
    )
    st.image(content, alt=f"{name} of run {run_id[:8]}")
except (ApiError, OSError) as error:  # OSError: what the file holds is no picture
    words = error if isinstance(error, ApiError) else f"{name[:80]} is no picture."
    st.error(literal(words), icon=":material/error:")
    st.page_link(RUN, label="Its run", icon=":material/arrow_back:", query_params=of_run)
    st.stop()
with st.container(horizontal=True, vertical_alignment="center"):
    label = f"{name}, {size(len(content))}"
    st.download_button(literal(label), content, name, icon=":material/download:", on_click="ignore", key="file")
    st.page_link(RUN, label="Its run", icon=":material/show_chart:", query_params=of_run)
