"""What this is, how it is, what runs, and what was found last: the first page."""

from itertools import count

import streamlit as st

from dashboard.connection import client, experiments, last_seen, readiness, tells_what_fails
from dashboard.overview.sections import show_demo, show_health, show_results, show_start, show_sweeps
from dashboard.overview.standing import Standing, standing
from dashboard.pages import prose
from mgic.records import DEMO_TAG, Health, RunStatus, Sweep

SWEEPS = 20  # of the newest

st.title("MGIC Lab", anchor=False)
prose("Multigrid-in-channels networks, and any others: train, time and reconstruct them, and see what each one costs.")
api = client()


def asked() -> tuple[Health | str, Standing, tuple[Sweep, ...]]:
    sweeps, demo = api.sweeps(SWEEPS).items, api.sweeps(tag=DEMO_TAG).items
    running = api.runs(12, status=RunStatus.RUNNING, tables=False).items
    return readiness(api), standing(api.workers(), api.system(), running, sweeps), demo


seen = last_seen("overview", asked)[0]
_, first, demo = seen
turns = count()


@st.fragment(run_every=5)
@tells_what_fails()
def live() -> None:
    """A new result, or none any more, draws the page anew."""
    ready, now, _ = last_seen("overview", asked)[0] if next(turns) else seen
    if [one.id for one in now.ended] != [one.id for one in first.ended]:
        st.rerun()
    show_health(ready, now)
    if now.unfinished:
        show_sweeps(now.unfinished)


live()
show_demo(api, demo)
if first.ended:
    show_results(api, first.ended, experiments(api))
elif not first.unfinished:
    show_start(api)
