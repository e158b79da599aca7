"""One run: what became of it, its curves, what it was asked and what it left."""

from datetime import UTC, datetime

import streamlit as st

from dashboard import address
from dashboard.connection import client, datasets, experiments, last_seen, tells_what_fails
from dashboard.new.preset import offer_uses
from dashboard.pages import LATENCY, NEW_SWEEP, RUN, RUNS, SWEEP, chips, id_in_address, leads_nowhere, say_if_no_worker
from dashboard.plots.validity import show_validity
from dashboard.runs.curves import show_curves
from dashboard.runs.sections import (
    show_artifacts,
    show_config,
    show_data,
    show_environment,
    show_failure,
    show_lineage,
    show_log,
    show_result,
    show_timeline,
    show_waits,
    so_far,
)
from dashboard.words import literal
from mgic.client import ApiError, Unreachable
from mgic.figures.scenes.latency import TIMING
from mgic.figures.switches import Switch
from mgic.figures.words import assignments, seconds, since, status
from mgic.records import RunStatus

api = client()
run_id = id_in_address("run", RUNS, "All runs")
try:
    run = api.run(run_id)
except ApiError as error:
    leads_nowhere("run", error, RUNS, "All runs")
info = experiments(api).get(run.experiment)

model = run.config.get("model")
name = literal(model if isinstance(model, str) else run.experiment)
st.title(name + chips([*run.sweep_tags, *run.tags]), anchor=False)
asked = assignments({k: v for k, v in run.requested.items() if k != "model"}) or "all fields at default"
st.caption(literal(f"{asked} · id {run_id}"))


def act(what: str) -> None:
    """Cancel or retry; a retry is a new run, and the page goes there."""
    try:
        if what == "cancel":
            api.cancel_run(run_id)
        else:
            st.session_state["go to run"] = str(api.retry_run(run_id).id)
    except (ApiError, Unreachable) as error:
        st.session_state["run message"] = str(error)


if new := st.session_state.pop("go to run", None):
    st.switch_page(RUN, query_params={"run": new})
if message := st.session_state.pop("run message", None):
    st.error(literal(message))
with st.container(horizontal=True, vertical_alignment="center"):
    if not run.status.terminal:
        with st.popover("Cancel", icon=":material/cancel:"):
            st.button("Yes, cancel this run", type="primary", on_click=act, args=("cancel",), key="cancel")
    elif run.status is not RunStatus.SUCCEEDED:
        st.button("Retry unchanged", icon=":material/replay:", on_click=act, args=("retry",), key="retry")
    if run.status in (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.SUCCEEDED):
        offer_uses(run.experiment, run_id, experiments(api))
    st.page_link(NEW_SWEEP, label="Change and run again", icon=":material/edit:", query_params={"run": run_id})
    beside = {"experiment": run.experiment, "with": run_id}
    st.page_link(RUNS, label="Compare with ...", icon=":material/balance:", query_params=beside)
    sweep = {"sweep": str(run.sweep_id)}
    st.page_link(SWEEP, label="Its sweep", icon=":material/scatter_plot:", query_params=sweep)
    if run.experiment == TIMING:
        timing = {"run": run_id}
        st.page_link(LATENCY, label="Speed-up, where time goes", icon=":material/timer:", query_params=timing)
    if run.retry_of:
        before = {"run": str(run.retry_of)}
        st.page_link(RUN, label="The run this retries", icon=":material/history:", query_params=before)
show_data(run, datasets(api))


PARTS = {
    "result": "Result",
    "config": "Config and environment",
    "log": "Timeline and log",
    "files": "Files",
}


@st.fragment(run_every=None if run.status.terminal else 2)
@tells_what_fails()
def live() -> None:
    """What changes while it runs; details stand behind the switch."""
    ask = lambda: (api.run(run_id), api.events(run_id), api.workers())  # noqa: E731
    (now, events, workers), age = last_seen(f"run {run_id}", ask)
    if now.status.terminal != run.status.terminal:
        st.rerun()
    ended = now.status.terminal
    words = [status(now.status), now.phase if not ended else "", f"attempt {now.attempt}" if now.attempt > 1 else ""]
    words += so_far(now, datetime.now(UTC))
    words += [f"took {seconds(now.seconds)}" if ended and now.seconds is not None else ""]
    words += ["" if ended else f"updated {since(age)}"]
    st.markdown(f"**{literal(' · '.join(filter(None, words)))}**")
    if not ended:
        st.progress(min(1.0, now.progress), f"{now.progress:.0%}")
    say_if_no_worker([now], workers)
    show_waits(now)
    show_failure(now)
    show_validity([now])
    part = address.switches("run", (Switch("part", "Part", PARTS, "result", side_by_side=True),))["part"]
    if part == "result":
        show_result(now, info)
        show_curves(api, now)
    elif part == "log":
        show_timeline(events)
        st.subheader("Log", anchor=False)
        show_log(api, now)
    elif part == "config":
        left, right = st.columns(2)
        with left:
            st.subheader("Config", anchor=False)
            show_config(now)
        with right:
            st.subheader("Environment", anchor=False)
            show_environment(now)
    else:
        show_artifacts(api, now)


live()
show_lineage(api, run)
