"""All runs: found, filtered and sorted by the service; those that are chosen are compared, tagged or deleted."""

import json
from collections.abc import Sequence
from uuid import UUID

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard import address
from dashboard.connection import client, experiments, last_seen, models, tells_what_fails
from dashboard.pages import COMPARE, NEW_SWEEP, nothing_yet, say_if_no_worker
from dashboard.runs.asked import EXAMPLE, NEWEST, conditions, config_fields, scalar_results, sortable
from dashboard.runs.columns import column_titles, frame, order_of, own_columns, possible_columns
from dashboard.runs.download import as_csv
from dashboard.runs.listing import Listing, brought_up, places, read
from dashboard.tables.actions import offer_deletion, offer_labels, show_told
from dashboard.words import literal
from mgic.client import ApiError, Filter
from mgic.errors import BadConfig
from mgic.figures.scenes.asked import ids
from mgic.figures.scenes.compare import MOST_RUNS
from mgic.figures.switches import BETWEEN, Switch, words
from mgic.figures.switches import read as read_switches
from mgic.records import Run, RunStatus, Worker

ANY = "any"
HELD, PICKED, TABLE, WORKERS = "runs held", "runs picked", "runs table", "runs workers"

st.title("Runs", anchor=False)
api = client()
infos = experiments(api)
experiment = st.query_params.get("experiment", ANY)
of = [infos[experiment]] if experiment in infos else list(infos.values())
configs, results = config_fields(of, models(api).values()), scalar_results(of)
orders = sortable(configs, results)
if (sort := st.query_params.get("sort", NEWEST)) not in orders and "." in sort:
    orders[sort] = sort  # a field that only runs have, such as an option of a converted network
BOXES = (
    Switch("experiment", "Experiment", {ANY: ANY} | {name: name for name in infos}, ANY),
    Switch("status", "Status", {ANY: ANY} | {str(one): str(one) for one in RunStatus}, ANY),
    Switch("q", "Search", {}, help="Words of which each is in the id, model, tags, notes or the name of the sweep"),
    Switch("where", "Filter", {}, help=f"Fields of config or result, commas between them: {EXAMPLE}"),
    Switch("sort", "Sort by", orders, NEWEST),
    *(
        Switch(name, title, {})
        for name, title in {"of": "Sweep (its id)", "model": "Model", "tag": "Tag"}.items()
        if name in st.query_params
    ),
)
before, _ = read_switches(BOXES, dict(st.query_params))
chosen = address.switches("runs", BOXES)
if chosen != before:  # another list begins at its beginning
    address.turn({"older": None})
show_told()
try:
    filters: dict[str, Filter] = {
        "sweep_id" if name == "of" else name: text
        for name, text in chosen.items()
        if text not in (ANY, "") and name != "where"
    }
    filters["where"] = conditions(chosen["where"], results, config_fields(of, ()))
except BadConfig as error:
    st.error(literal(error), icon=":material/filter_alt:")
    st.stop()
cursor = st.query_params.get("older")
query = json.dumps([filters, cursor])
if "with" in st.query_params and PICKED not in st.session_state:
    try:
        asked = ids(dict(st.query_params), "with", MOST_RUNS)
        st.session_state[PICKED] = {run.id: run for run in map(api.run, asked)}
    except (BadConfig, ApiError) as error:
        st.warning(literal(error), icon=":material/link_off:")
picked: dict[UUID, Run] = st.session_state.setdefault(PICKED, {})


def bring_up(stay: bool) -> Listing:
    """The list as it is now, or was last where nobody answers; what is wrong with a filter is said at the boxes."""

    def ask() -> tuple[Listing, Sequence[Worker]]:
        found = brought_up(st.session_state.get(HELD), read(api, filters, cursor, query), api, stay)
        return found, api.workers() if found.live else ()

    try:
        (found, st.session_state[WORKERS]), _ = last_seen(f"runs {query}", ask)
    except ApiError as error:
        st.error(literal(error), icon=":material/filter_alt:")
        st.stop()
    st.session_state[HELD] = found
    picked.update({run.id: run for run in found.runs if run.id in picked})
    return found


def pick() -> None:
    """Of the rows of this page those that are marked now; those of other pages stay. A title sorts all pages."""
    held: Listing = st.session_state[HELD]
    state = st.session_state[f"{TABLE} {held.generation}"].selection
    here = {run.id for run in held.runs}
    for one in here & picked.keys():
        del picked[one]
    picked.update({held.runs[place].id: held.runs[place] for place in state.rows if place < len(held.runs)})
    clicked = list(state.columns)
    before = st.session_state.get("runs title")
    if clicked != before:
        st.session_state["runs title"] = clicked
        st.session_state["runs sort by"] = (clicked or before or [None])[0]


def sort_by(title: str, titles: dict[str, str]) -> None:
    order = order_of(titles.get(title, ""), sort, infos)
    if order is not None:
        address.turn({"sort": None if order == NEWEST else order, "older": None})
        st.session_state.pop("runs title", None)
        start_anew()
        st.rerun()


def show_bar(held: Listing) -> list[str]:
    """How many there are, and what can be done with those that are chosen; returns the columns."""
    rows = list(picked.values())
    with st.container(horizontal=True, vertical_alignment="center", key="runs bar"):
        elsewhere = len(rows) - len(places(held.runs, list(picked)))
        told = f"**{len(held.runs)} of {held.total:,} runs**"
        told += f" · {len(rows)} chosen" if rows else ""
        told += f" ({elsewhere} on other pages)" if elsewhere else ""
        st.markdown(told, width="content")
        together = ",".join(str(one) for one in picked)
        ready = 2 <= len(rows) <= MOST_RUNS
        label, icon = f"Compare {len(rows)}" if rows else "Compare", ":material/balance:"
        if ready:
            st.page_link(COMPARE, label=label, icon=icon, query_params={"run": together})
        else:  # not a link that is disabled: Streamlit writes it too faint to be read
            why = f"Choose 2 to {MOST_RUNS} runs by the boxes at their left"
            st.button(label, icon=icon, disabled=True, help=why, key="cannot compare")
        if rows:
            offer_labels("run", rows, api.update_run)
            offer_deletion("run", rows, api.delete_run, forget)
            st.button("Choose none", icon=":material/close:", on_click=forget, args=(list(picked),), key="none")
        st.download_button(
            "CSV", lambda: as_csv(api.every_run(tables=False, **filters)), "runs.csv", "text/csv",
            icon=":material/download:", on_click="ignore", help=f"All {held.total:,} runs of these filters",
        )  # fmt: skip
        columns = show_columns(held)
        if held.waiting:
            words = f"Show {held.waiting} new"
            st.button(words, icon=":material/refresh:", on_click=start_anew, key="new")
    return columns


def forget(which: Sequence[UUID]) -> None:
    """They are not chosen any more; the rows are read anew."""
    for one in which:
        picked.pop(one, None)
    address.turn({"with": None})
    start_anew()


def start_anew() -> None:
    held: Listing = st.session_state[HELD]
    st.session_state[HELD] = Listing("", (), None, 0, held.generation)


def show_columns(held: Listing) -> list[str]:
    """Those that the address names, else those that fit the runs."""
    own = own_columns(held.runs, infos, experiment if experiment in infos else "")
    with st.popover("Columns", icon=":material/view_column:"):
        options = possible_columns(configs, results)
        options |= {word: word for word in own if word not in options}
        help = "None chosen: those that fit the runs"
        text = address.switches("run columns", [Switch("columns", "Columns", options, many=True, help=help)])["columns"]
        to = {"columns": BETWEEN.join(own)}
        st.button("Begin with those shown", on_click=address.turn, args=(to,), disabled=bool(text), key="begin")
        st.button("As it fits", on_click=address.turn, args=({"columns": None},), disabled=not text, key="fits")
    return words(text) or own


first = bring_up(stay=bool(picked))
filtered = any(given for name, given in filters.items() if name != "sort")
if not first.runs and not filtered and cursor is None:
    nothing_yet("No run has been queued on this server yet.", NEW_SWEEP, "Make the first sweep")
if not first.runs:
    where = filters["where"]
    asked_for = f" Asked was for {', '.join(where)}." if isinstance(where, list) and where else ""
    none = f"No run matches these filters. Take one of them away.{asked_for}"
    st.info(literal(none), icon=":material/filter_alt_off:")
    st.stop()


@st.fragment(run_every=3 if first.live else 15)
@tells_what_fails()
def listed() -> None:
    held: Listing = st.session_state[HELD] if st.session_state.pop("runs whole", False) else bring_up(stay=True)
    columns = show_bar(held)
    titles = column_titles(held.runs, columns, infos, sort)
    if title := st.session_state.pop("runs sort by", None):
        sort_by(title, titles)
    if held.live != first.live:
        st.rerun()
    say_if_no_worker(held.runs, st.session_state[WORKERS])
    table = frame(held.runs, columns, infos, sort)
    st.dataframe(
        table,
        hide_index=True,
        column_config=column_config(table, titles),
        key=f"{TABLE} {held.generation}",
        on_select=pick,
        selection_mode=["multi-row", "single-column"],
        selection_default={"selection": {"rows": places(held.runs, list(picked)), "columns": []}},
        height=38 + 35 * min(len(held.runs), 16),
        alt="Runs; a click on a title sorts all of them",
        placeholder="-",
    )
    with st.container(horizontal=True):
        if cursor:
            st.button("First page", icon=":material/first_page:", on_click=turn_to, args=(None,), key="newest")
        if held.next_cursor:
            st.button("More", icon=":material/arrow_forward:", on_click=turn_to, args=(held.next_cursor,), key="older")
    if "runs turned" in st.session_state:
        del st.session_state["runs turned"]
        st.rerun()


def turn_to(where: str | None) -> None:
    address.turn({"older": where})
    st.session_state["runs turned"] = True


def column_config(table: pd.DataFrame, titles: dict[str, str]) -> dict[str, ColumnConfig | str | None]:
    config: dict[str, ColumnConfig | str | None] = {
        "open": st.column_config.LinkColumn("open", display_text=r"run=(.{8})", help="Opens the page of the run")
    }
    for title, word in titles.items():
        if "." in word:
            config[title] = st.column_config.Column(title, help=f"The field {literal(word)}")
        if word == "age":
            config[title] = st.column_config.DatetimeColumn(title, format="distance", help="Since it was queued")
        elif word == "seconds":
            config[title] = st.column_config.NumberColumn(title, format="%.1f s")
        elif word in ("result.params", "result.macs"):
            config[title] = st.column_config.NumberColumn(title, format="compact", help=f"The field {literal(word)}")
        elif word.startswith("result.") and pd.api.types.is_float_dtype(table[title]):
            config[title] = st.column_config.NumberColumn(title, format="%.4g", help=f"The field {literal(word)}")
        elif word == "note":
            config[title] = st.column_config.TextColumn(title, width=260)
    return config


st.session_state["runs whole"] = True
listed()
