"""The pages by name, and what several of them say in one way: an id in the address, nothing yet, no worker."""

from collections.abc import Sequence
from typing import NoReturn
from uuid import UUID

import pandas as pd
import streamlit as st

from dashboard.words import literal
from mgic.records import Run, RunStatus, Worker

NEW_SWEEP = "app_pages/new_sweep.py"
SWEEP = "app_pages/sweep.py"
SWEEPS = "app_pages/sweeps.py"
RUN = "app_pages/run.py"
RUNS = "app_pages/runs.py"
MODELS = "app_pages/models.py"
SYSTEM = "app_pages/system.py"


def id_in_address(kind: str, list_page: str, list_title: str) -> str:
    """The id in `?kind=`; without one, or with a bad one, a message, a way on, and the page ends here."""
    given = st.query_params.get(kind)
    if given is None:
        nothing_yet(f"No {kind} is chosen. Open one from the list.", list_page, list_title)
    try:
        return str(UUID(given))
    except ValueError:
        st.error(f"“{literal(given[:60])}” is not the id of a {kind}: an id has 32 hexadecimal digits.")
        st.page_link(list_page, label=list_title, icon=":material/arrow_back:")
    st.stop()


def nothing_yet(words: str, page: str, label: str, address: dict[str, str] | None = None) -> NoReturn:
    """An empty page says what would be here, and offers the one thing to do."""
    st.info(words, icon=":material/info:")
    st.page_link(page, label=label, icon=":material/arrow_forward:", query_params=address)
    st.stop()


def show_table(table: pd.DataFrame, key: str, alt: str, height: int | None = None) -> None:
    """A table that scrolls inside itself; `open` and `sweep` are links."""
    config = {
        "open": st.column_config.LinkColumn("open", display_text=r"run=(.{8})", help="Opens the page of the run"),
        "sweep": st.column_config.LinkColumn("sweep", display_text=r"sweep=(.{8})", help="Opens its sweep"),
        "created": st.column_config.DatetimeColumn("created (UTC)", format="YYYY-MM-DD HH:mm:ss", timezone="UTC"),
    }
    config |= {
        name: st.column_config.NumberColumn(name, format="localized")
        for name in table.columns
        if pd.api.types.is_numeric_dtype(table[name]) and table[name].abs().max() >= 10_000
    }
    config |= {"config": st.column_config.TextColumn(width=260), "result": st.column_config.TextColumn(width=150)}
    used = {name: column for name, column in config.items() if name in table.columns}
    st.dataframe(table, hide_index=True, column_config=used, key=key, alt=alt, height=height or "auto", placeholder="-")


def say_if_no_worker(runs: Sequence[Run], workers: Sequence[Worker]) -> None:
    """Queued runs that nobody will take are not left to an endless wait."""
    alive = {worker.queue for worker in workers if worker.alive}
    for queue in sorted({run.queue for run in runs if run.status is RunStatus.QUEUED} - alive):
        st.warning(
            f"Queued - no worker online for the queue “{queue}”. It starts as soon as one is.",
            icon=":material/schedule:",
        )


def prose(text: str) -> None:
    """A caption with what somebody else wrote, shown as written."""
    st.caption(literal(text))
