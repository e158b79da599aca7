"""What this is, how it is, and what was found last: the first page."""

import streamlit as st

from dashboard.connection import client, last_seen, tells_what_fails
from dashboard.pages import NEW_SWEEP, nothing_yet, prose
from dashboard.words import literal
from mgic.figures.words import counts, moment

NEWEST = 5

st.title("MGIC Lab", anchor=False)
prose("Multigrid-in-channels networks: train, time and reconstruct them, and see what each one costs.")
api = client()


@st.fragment(run_every=5)
@tells_what_fails()
def newest() -> None:
    (health, page), _ = last_seen("overview", lambda: (api.health(), api.sweeps(NEWEST)))
    st.markdown(f"The service says **{literal(health.status)}**.")
    if not page.items:
        nothing_yet("No sweep has been run on this server yet.", NEW_SWEEP, "Make the first one")
    st.subheader("Newest sweeps", anchor=False)
    for sweep in page.items:
        link = f"[{literal(sweep.name)}](sweep?sweep={sweep.id})"
        st.markdown(f"{link} · {literal(counts(sweep.counts))} · {moment(sweep.created_at)}")


newest()
