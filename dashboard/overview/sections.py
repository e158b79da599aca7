"""The parts of the first page: how the service is, what runs, what was found last, and how to begin."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from dashboard.connection import BY_READER, SIGNS, datasets
from dashboard.overview.standing import Lane, Standing, left
from dashboard.pages import MODELS, NEW_SWEEP, PAPER, SWEEP, chips
from dashboard.plots.shown import show_small
from dashboard.words import literal
from mgic.client import ApiError, Client, Unreachable
from mgic.figures.plot import Plot
from mgic.figures.scenes import sweep as scene
from mgic.figures.words import ago, counts
from mgic.records import DEMO_TAG, ExperimentInfo, Health, Run, Sweep

NEWEST = 4  # results that are drawn
MOST = 500  # runs of a sweep that is drawn here
MESSAGE = "overview message"


def show_health(ready: Health | str, standing: Standing) -> None:
    """A card for the service, and one for each queue with what its workers do now."""
    with st.container(key="cards-health"):
        with st.container(border=True, gap="small"):
            if isinstance(ready, str):
                st.markdown(f"**✖ The service cannot work**  \n{literal(ready)}")
            else:
                notes = "".join(f"  \n{literal(note)}" for note in ready.notes)
                st.markdown(f"**{SIGNS[ready.status]} The service is {ready.status}**{notes}")
                st.caption(literal(f"version {ready.version}"))
        for lane in standing.lanes:
            _show_lane(lane)


def show_sweeps(sweeps: Sequence[Sweep]) -> None:
    """Those that have not ended, with how far they are."""
    st.subheader("Running now", anchor=False)
    for sweep in sweeps:
        _link(sweep)
        st.progress(min(1.0, sweep.progress), literal(left(sweep)))


def show_results(api: Client, sweeps: Sequence[Sweep], known: Mapping[str, ExperimentInfo]) -> None:
    """The first plot of each of the newest that have one."""
    st.subheader("Newest results", anchor=False)
    shown = 0
    with st.container(key="plots-newest"):
        for sweep in sweeps:
            if shown == NEWEST:
                break
            plot = _plot(api, sweep, known.get(sweep.experiment))
            if plot is not None:
                shown += 1
                with st.container(gap="small"):
                    _link(sweep)
                    show_small(plot, f"newest-{sweep.id}")
                    st.caption(literal(f"{counts(sweep.counts)} · {ago(sweep.created_at)}"))
    if not shown:
        st.caption("No sweep has a result to draw yet.")


def show_start(api: Client) -> None:
    """Nothing has run here yet: three steps, or results to look at."""
    st.subheader("Three steps", anchor=False)
    with st.container(key="cards-steps"):
        for words, about, page, label in (
            ("1. Choose", "An experiment and a recipe, or a grid of your own.", NEW_SWEEP, "New sweep"),
            ("2. See what it costs", "Parameters, MACs and time stand beside Run, before it runs.", MODELS, "Models"),
            ("3. Compare", "Plots grow while it runs; the paper's numbers stand beside yours.", PAPER, "Paper"),
        ):
            with st.container(border=True, gap="small"):
                st.markdown(f"**{words}**")
                st.caption(about)
                st.page_link(page, label=label, icon=":material/arrow_forward:")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Load demo data", icon=":material/science:", on_click=_do, args=(api.load_demo,), key="load demo")
        st.caption("Finished results to look at. They are labelled, count for nothing, and go with one click.")


def show_demo(api: Client, sweeps: Sequence[Sweep]) -> None:
    """What of the demo is here, and the way to be rid of it."""
    if message := st.session_state.pop(MESSAGE, None):
        st.error(literal(message), icon=":material/error:")
    if sweeps:
        with st.container(horizontal=True, vertical_alignment="center"):
            runs = sum(sweep.total for sweep in sweeps)
            what = f"{len(sweeps)} sweep{'s' if len(sweeps) != 1 else ''} with {runs} runs"
            st.markdown(f"{chips([DEMO_TAG])} {what}: results to look at, not measured here.", width="content")
            button = "Remove demo data"
            st.button(button, icon=":material/delete:", on_click=_do, args=(api.delete_demo,), key="remove demo")


def _show_lane(lane: Lane) -> None:
    with st.container(border=True, gap="small"):
        workers = f"{lane.workers} worker{'s' if lane.workers != 1 else ''}"
        sign, words = ("✔", workers) if lane.workers else ("✖", "no worker online")
        st.markdown(f"**{sign} {lane.queue}**: {words}")
        for run in lane.runs:
            st.markdown(f"[{literal(_words(run))}](run?run={run.id})")
        waiting = f"{lane.waiting} waiting" if lane.waiting else "nothing waits"
        busy = f"{lane.running} of {lane.slots} slots busy" if lane.slots else "nothing runs"
        st.caption(f"{busy}, {waiting}")


def _link(sweep: Sweep) -> None:
    """In this tab, where Back comes from; a link in a text opens another one."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link(SWEEP, label=literal(sweep.name), query_params={"sweep": str(sweep.id)})
        if sweep.tags:
            st.markdown(chips(sweep.tags), width="content")


def _words(run: Run) -> str:
    return f"{run.config.get('model', run.experiment)} {run.phase} {run.progress:.0%}"


def _plot(api: Client, sweep: Sweep, info: ExperimentInfo | None) -> Plot | None:
    if info is None or sweep.total > MOST:
        return None
    runs = _runs(api, str(sweep.id), tuple(sorted(sweep.counts.items())))
    sizes = {name: one.shape for name, one in datasets(api).items()}
    drawn = scene.plots(scene.Data(sweep, info, runs, sizes), {})
    return drawn[0] if drawn else None


@st.cache_data(ttl=600, max_entries=20, show_spinner=False, hash_funcs=BY_READER)
def _runs(api: Client, sweep_id: str, counts: tuple[tuple[str, int], ...]) -> list[Run]:  # noqa: ARG001 - a retry changes them
    return api.sweep_runs(sweep_id)


def _do(act: Callable[[], object]) -> None:
    """What the API says against it stands on the page then."""
    try:
        act()
    except (ApiError, Unreachable) as error:
        st.session_state[MESSAGE] = str(error)
