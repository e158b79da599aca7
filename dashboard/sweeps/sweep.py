"""One sweep while it runs and after: how far it is, its plots, its runs."""

from itertools import count

import streamlit as st

from dashboard import address
from dashboard.connection import client, datasets, experiments, last_seen, tells_what_fails
from dashboard.new.preset import offer_uses
from dashboard.pages import (
    ABLATION,
    COMPARE,
    LATENCY,
    NEW_SWEEP,
    SWEEP,
    SWEEPS,
    TRADEOFF,
    chips,
    id_in_address,
    leads_nowhere,
    say_if_no_worker,
    show_table,
)
from dashboard.plots.shown import page_address
from dashboard.sweeps.plots import show_sweep_plots
from dashboard.tables.downloads import offer_table
from dashboard.tables.frames import result_tables, runs_table
from dashboard.words import literal
from mgic.client import ApiError, Unreachable
from mgic.figures.scenes.tradeoff import TIMING, shows
from mgic.figures.switches import Switch
from mgic.figures.words import counts, moment, seconds, since
from mgic.records import RunStatus

TALL = 620  # pixels of a table that is all there is to see

api = client()
sweep_id = id_in_address("sweep", SWEEPS, "All sweeps")
try:
    sweep = api.sweep(sweep_id)
except ApiError as error:
    leads_nowhere("sweep", error, SWEEPS, "All sweeps")
info = experiments(api).get(sweep.experiment)

st.title(literal(sweep.name) + chips(sweep.tags), anchor=False)
about = [info.title if info else sweep.experiment, f"made {moment(sweep.created_at)}", f"id {sweep_id}"]
about += [f"recipe {sweep.recipe}"] if sweep.recipe else []
st.caption(literal(" · ".join(about)))


def act(what: str) -> None:
    """Cancel or retry; the page shows what came of it."""
    try:
        if what == "cancel":
            api.cancel_sweep(sweep_id)
        else:
            api.retry_failed(sweep_id, cancelled=what == "rest")
    except (ApiError, Unreachable) as error:
        st.session_state["sweep message"] = str(error)


if message := st.session_state.pop("sweep message", None):
    st.error(literal(message))
failed = sweep.counts.get(RunStatus.FAILED, 0)
with st.container(horizontal=True, vertical_alignment="center"):
    if not sweep.finished:
        with st.popover("Cancel", icon=":material/cancel:"):
            st.write("Runs that have ended are kept; the others stop within seconds.")
            st.button("Yes, cancel this sweep", type="primary", on_click=act, args=("cancel",), key="cancel")
    if failed:
        label = f"Retry {failed} failed run{'s' if failed > 1 else ''}"
        st.button(label, icon=":material/replay:", on_click=act, args=("retry",), key="retry")
    if cancelled := sweep.counts.get(RunStatus.CANCELLED, 0):
        label = f"Run the {cancelled} cancelled" + (" and the failed" if failed else "")
        st.button(label, icon=":material/resume:", on_click=act, args=("rest",), key="rest")
    if sweep.counts.get(RunStatus.SUCCEEDED):
        st.download_button(
            "Results as CSV",
            lambda: api.results_csv(sweep.experiment, sweep_id=sweep_id),
            f"sweep-{sweep_id[:8]}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    offer_uses(sweep.experiment, f"sweep:{sweep_id}", experiments(api))
    if sweep.total > 1:
        st.page_link(ABLATION, label="Ablation", icon=":material/grid_on:", query_params={"sweep": sweep_id})
    st.page_link(NEW_SWEEP, label="Change and run again", icon=":material/edit:", query_params={"from_sweep": sweep_id})
    st.page_link(COMPARE, label="Compare its configs", icon=":material/balance:", query_params={"sweep": sweep_id})
    if sweep.experiment == TIMING:
        it = {"sweep": sweep_id}
        st.page_link(LATENCY, label="Speed-up, where time goes", icon=":material/timer:", query_params=it)
    elif info and shows(info):
        st.page_link(TRADEOFF, label="Trade-off", icon=":material/scatter_plot:", query_params={"sweep": sweep_id})
    if sweep.then_sweep_id:
        then = {"sweep": str(sweep.then_sweep_id)}
        st.page_link(SWEEP, label="The sweep that follows it", icon=":material/arrow_forward:", query_params=then)


turns = count()  # of the part below: at the first the sweep is the one above


@st.fragment(run_every=None if sweep.finished else 2)
@tells_what_fails()
def live() -> None:
    ask = lambda: (api.sweep(sweep_id) if next(turns) else sweep, api.sweep_runs(sweep_id), api.workers())  # noqa: E731
    (now, runs, workers), age = last_seen(f"sweep {sweep_id}", ask)
    if now.finished != sweep.finished or now.counts.get(RunStatus.FAILED, 0) != failed:
        st.rerun()
    ended = sum(now.counts.get(status, 0) for status in RunStatus if status.terminal)
    left = f" · {seconds(now.eta_seconds)} left" if now.eta_seconds is not None and not now.finished else ""
    st.progress(min(1.0, now.progress), f"{ended} of {now.planned} runs ended{left}")
    fresh = "" if now.finished else f" · updated {since(age)}"
    st.markdown(literal(counts(now.counts)) + fresh)
    if now.search:
        st.caption(literal(f"A search by {now.search.settings.sampler}; {now.search.said}"))
    say_if_no_worker(runs, workers)
    tables = result_tables(runs, info)
    parts = {"plots": "Plots and runs"} | {f"rows-{name}": f"Measured {name}" for name in tables}
    which = Switch("part", "Part", parts, "plots", side_by_side=True)
    part = address.switches("sweep part", (which,))["part"] if tables else "plots"
    if part != "plots":
        name = part.removeprefix("rows-")
        show_table(tables[name], f"measured {name}", f"Measured {name}", height=TALL)
        if info:
            offer_table(runs, info, sweep_id, page_address(), name)
        return
    if info:
        show_sweep_plots(api, info, runs, {name: one.shape for name, one in datasets(api).items()})
    st.subheader("Runs", anchor=False)
    show_table(runs_table(runs, info), "runs", "Runs of this sweep")
    if info and now.counts.get(RunStatus.SUCCEEDED):
        offer_table(runs, info, sweep_id, page_address())


live()
