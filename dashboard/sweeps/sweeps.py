"""Sweeps, newest first: found by words, tag and experiment; those that are chosen are named, tagged or deleted."""

import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.connection import client, experiments, last_seen, tells_what_fails
from dashboard.pages import COMPARE, NEW_SWEEP, nothing_yet, show_turns
from dashboard.tables.actions import offer_deletion, offer_labels, show_told
from dashboard.tables.frames import link, tags_text
from dashboard.words import literal
from mgic.client import ApiError
from mgic.figures.sides import MOST_SIDES
from mgic.figures.switches import Switch
from mgic.figures.switches import read as read_switches
from mgic.figures.words import counts, seconds
from mgic.records import Page, Sweep

ANY = "any"

st.title("Sweeps", anchor=False)
api = client()
BOXES = (
    Switch("experiment", "Experiment", {ANY: ANY} | {name: name for name in experiments(api)}, ANY),
    Switch("q", "Search", {}, help="Words of which each is in the id, name, notes or tags"),
    *([Switch("tag", "Tag", {})] if "tag" in st.query_params else []),
)
before, _ = read_switches(BOXES, dict(st.query_params))
chosen = address.switches("sweeps", BOXES)
if chosen != before:
    address.turn({"older": None})
filters = {name: text for name, text in chosen.items() if text not in (ANY, "")}
show_told()


def ask(cursor: str | None) -> Page[Sweep]:
    try:
        return api.sweeps(50, cursor, **filters)
    except ApiError as error:
        st.error(literal(error), icon=":material/filter_alt:")
        st.stop()


def show_bar(rows: list[Sweep]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(rows)} chosen**" if rows else "Choose sweeps by the boxes at their left.", width="content")
        if 0 < len(rows) <= MOST_SIDES:
            to = {"sweep": ",".join(str(one.id) for one in rows)}
            st.page_link(COMPARE, label="Compare their configs", icon=":material/balance:", query_params=to)
        if rows:
            offer_labels("sweep", rows, api.update_sweep)
            offer_deletion("sweep", rows, api.delete_sweep, list)


@st.fragment(run_every=5)
@tells_what_fails()
def listed() -> None:
    cursor = st.query_params.get("older")  # a button below turns it without the rest of the page
    page, _ = last_seen(f"sweeps {cursor} {filters}", lambda: ask(cursor))
    if not page.items and not filters:
        nothing_yet("No sweep has been run on this server yet.", NEW_SWEEP, "Make the first one")
    if not page.items:
        st.info("No sweep matches. Take a filter away.", icon=":material/filter_alt_off:")
        return
    # Rows of another page, or that moved, must not be taken for those that were chosen.
    key = f"sweeps {hash(tuple(sweep.id for sweep in page.items))}"
    marked = st.session_state.get(key, {}).get("selection", {}).get("rows", [])
    show_bar([page.items[place] for place in marked if place < len(page.items)])
    rows = [
        {
            "sweep": link("sweep", str(sweep.id)),
            "name": sweep.name,
            "tags": tags_text(sweep.tags),
            "experiment": sweep.experiment,
            "progress": sweep.progress,
            "runs": counts(sweep.counts),
            "notes": sweep.notes,
            "left": "" if sweep.finished else seconds(sweep.eta_seconds),
            "created": sweep.created_at,
        }
        for sweep in page.items
    ]
    table = pd.DataFrame(rows)
    empty = [name for name in ("tags", "notes", "left") if not table[name].any()]
    st.dataframe(
        table.drop(columns=empty),
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        alt="Sweeps, newest first",
        column_config={
            "sweep": st.column_config.LinkColumn("open", display_text=r"sweep=(.{8})", help="Opens the sweep"),
            "progress": st.column_config.ProgressColumn("progress", format="percent", min_value=0, max_value=1),
            "created": st.column_config.DatetimeColumn("created (UTC)", format="YYYY-MM-DD HH:mm:ss", timezone="UTC"),
        },
    )
    show_turns(page.next_cursor)


listed()
