"""The pages by name, and what several of them say in one way: an id in the address, nothing yet, no worker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.address import turn
from dashboard.words import literal
from mgic.figures.provenance import is_demo, runs_of
from mgic.figures.words import decimals
from mgic.records import DEMO_TAG, Run, RunStatus, Worker

ABLATION = "ablation/ablation.py"
OVERVIEW = "overview/overview.py"
NEW_SWEEP = "new/new.py"
SWEEP = "sweeps/sweep.py"
SWEEPS = "sweeps/sweeps.py"
RUN = "runs/run.py"
RUNS = "runs/runs.py"
COMPARE = "compare/compare.py"
TRADEOFF = "tradeoff/tradeoff.py"
LATENCY = "latency/latency.py"
REGRESSIONS = "regressions/regressions.py"
MODELS = "models/models.py"
PAPER = "paper/paper.py"
SYSTEM = "service/system.py"


@dataclass(frozen=True)
class Place:
    """A page in the navigation; a hidden one is about one thing, which its address names. Its file has the name of its
    address."""

    script: str
    url: str
    title: str
    icon: str
    hidden: bool = False


PLACES = {
    "": (Place(OVERVIEW, "", "Overview", "home"),),
    "Experiments": (
        Place(NEW_SWEEP, "new", "New sweep", "add"),
        Place(SWEEPS, "sweeps", "Sweeps", "view_list"),
        Place(SWEEP, "sweep", "Sweep", "scatter_plot", hidden=True),
        Place(RUNS, "runs", "Runs", "table_rows"),
        Place(RUN, "run", "Run", "show_chart", hidden=True),
        Place("runs/picture.py", "picture", "Picture", "image", hidden=True),
    ),
    "Results": (
        Place(COMPARE, "compare", "Compare", "balance"),
        Place(TRADEOFF, "tradeoff", "Trade-off", "scatter_plot"),
        Place(ABLATION, "ablation", "Ablation", "grid_on"),
        Place(LATENCY, "latency", "Latency", "timer"),
        Place(REGRESSIONS, "regressions", "Regressions", "troubleshoot"),
        Place("reconstructions/reconstructions.py", "reconstructions", "Reconstructions", "compare"),
    ),
    "Networks": (
        Place(MODELS, "models", "Models", "hub"),
        Place("models/model.py", "model", "Model", "layers", hidden=True),
        Place(PAPER, "paper", "Paper", "menu_book"),
    ),
    "Service": (
        Place(SYSTEM, "system", "System", "dns"),
        Place("service/help.py", "help", "Help", "help"),
    ),
}
SCRIPTS = {place.url: place.script for places in PLACES.values() for place in places}


def id_in_address(kind: str, list_page: str, list_title: str) -> str:
    """The id in `?kind=`; without one, or with a bad one, a message, a way on, and the page ends here."""
    given = st.query_params.get(kind)
    if given is None:
        st.title(kind.capitalize(), anchor=False)
        nothing_yet(f"No {kind} is chosen. Open one from the list.", list_page, list_title)
    try:
        return str(UUID(given))
    except ValueError:
        words = f"“{given[:60]}” is not the id of a {kind}: an id has 32 hexadecimal digits."
        leads_nowhere(kind, words, list_page, list_title)


def leads_nowhere(kind: str, why: object, list_page: str, list_title: str) -> NoReturn:
    """An address of nothing: what is wrong with it, and the way back."""
    st.title(kind.capitalize(), anchor=False)
    st.error(literal(why), icon=":material/error:")
    st.page_link(list_page, label=list_title, icon=":material/arrow_back:")
    st.stop()


def nothing_yet(words: str, page: str, label: str, address: dict[str, str] | None = None) -> NoReturn:
    """An empty page says what would be here, and offers the one thing to do."""
    st.info(words, icon=":material/info:")
    st.page_link(page, label=label, icon=":material/arrow_forward:", query_params=address)
    st.stop()


def show_table(table: pd.DataFrame, key: str, alt: str, height: int | None = None, pick: bool = False) -> Sequence[int]:
    """A table that scrolls inside itself; `open` and `sweep` are links. Returns the places of the rows that are ticked,
    where they can be."""
    config = {
        "open": st.column_config.LinkColumn("Open", display_text=r"run=(.{8})", help="Opens the page of the run"),
        "sweep": st.column_config.LinkColumn("Sweep", display_text=r"sweep=(.{8})", help="Opens its sweep"),
        "created": st.column_config.DatetimeColumn("Created (UTC)", format="YYYY-MM-DD HH:mm:ss", timezone="UTC"),
    }
    config |= {
        name: st.column_config.NumberColumn(_headed(name), format=f"%.{decimals(table[name].dropna())}f")
        for name in table.columns
        if pd.api.types.is_float_dtype(table[name]) and table[name].notna().any()
    }
    config |= {
        name: st.column_config.NumberColumn(_headed(name), format="localized")
        for name in table.columns
        if pd.api.types.is_numeric_dtype(table[name]) and table[name].abs().max() >= 10_000
    }
    config |= {
        "config": st.column_config.TextColumn("Config", width=260),
        "result": st.column_config.TextColumn("Result", width=150),
    }
    used = {name: config.get(name) or st.column_config.Column(_headed(name)) for name in table.columns}
    shown = st.dataframe(
        table,
        hide_index=True,
        column_config=used,
        key=key,
        alt=alt,
        height=height or "auto",
        placeholder="-",
        on_select="rerun" if pick else "ignore",
        selection_mode="multi-row",
    )
    return () if isinstance(shown, DeltaGenerator) else sorted(shown.selection.rows)


def _headed(name: str) -> str:
    return name[:1].upper() + name[1:]


def show_turns(next_cursor: str | None) -> None:
    """Under a list that comes page by page, newest first: `?older=` is where this page begins."""
    with st.container(horizontal=True):
        if "older" in st.query_params:
            st.button("Newest", icon=":material/first_page:", on_click=turn, args=({"older": None},), key="newest")
        if next_cursor:
            to = {"older": next_cursor}
            st.button("Older", icon=":material/arrow_forward:", on_click=turn, args=(to,), key="older")


def say_if_no_worker(runs: Sequence[Run], workers: Sequence[Worker]) -> None:
    """Queued runs that nobody will take are not left to an endless wait."""
    alive = {worker.queue for worker in workers if worker.alive}
    for queue in sorted({run.queue for run in runs if run.status is RunStatus.QUEUED} - alive):
        st.warning(
            f"Queued - no worker online for the queue “{queue}”. It starts as soon as one is.",
            icon=":material/schedule:",
        )
    say_what_holds(runs, workers)


def say_what_holds(runs: Sequence[Run], workers: Sequence[Worker]) -> None:
    """A timing run has its host to itself: what is queued meanwhile waits for it, and it waits until nothing runs."""
    for queue in sorted({run.queue for run in runs if run.status is RunStatus.QUEUED}):
        alive = [worker for worker in workers if worker.alive and worker.queue == queue]
        if not alive or not all(worker.held_by for worker in alive):
            continue
        holding = list(dict.fromkeys(run for worker in alive for run in worker.held_by))
        what = "the runs on its host to end, since it has that to itself" if queue == "timing" else "a timing run"
        st.info(f"Queued - waits for {what}: nothing else runs where time is measured.", icon=":material/timer:")
        with st.container(horizontal=True):
            for run in holding[:5]:
                st.page_link(RUN, label=f"run {str(run)[:8]}", icon=":material/link:", query_params={"run": str(run)})


def chips(tags: Iterable[str]) -> str:
    """Markdown: the tags behind a name, such as that of demo data."""
    return "".join(f" :gray-badge[{literal(tag)}]" for tag in dict.fromkeys(tags))


def demo_chip(of: object) -> str:
    """Markdown: the tag, where some of the runs in what a page has loaded are demo data."""
    return chips([DEMO_TAG]) if is_demo(runs_of(of)) else ""


def prose(text: str) -> None:
    """A caption with what somebody else wrote, shown as written."""
    st.caption(literal(text))
