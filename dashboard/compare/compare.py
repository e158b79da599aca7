"""Runs, or configs over their seeds, side by side: what they were asked, what came of it, where."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.connection import client, tells_what_fails
from dashboard.pages import RUNS, demo_chip, nothing_yet, prose
from dashboard.plots.shown import as_csv, show_plots
from dashboard.tables.frames import link
from dashboard.words import literal
from mgic.client import ApiError
from mgic.errors import BadConfig
from mgic.figures.differences import NOTE, compared, how_note, long_rows, metric_rows
from mgic.figures.scenes.compare import EVERY, PARAMETERS, Data, load, metrics_of, plots, sides_of, switches
from mgic.figures.sides import MOST_SIDES, Side, config_rows, environment_rows, worst_grade
from mgic.figures.words import status

KEPT = "compared"
BESIDE = 3  # sides of which both tables stand beside each other

title = st.empty()
title.title("Compare", anchor=False)
api = client()
asked = {name: st.query_params[name] for name in PARAMETERS if st.query_params.get(name)}
if not asked:
    nothing_yet("Choose two runs or more in the list, then Compare.", RUNS, "Choose runs")


def loaded() -> Data:
    """What has ended is fetched once; what goes on is fetched again."""
    kept = st.session_state.get(KEPT)
    if kept and kept[0] == asked and not kept[1].live:
        return kept[1]  # type: ignore[no-any-return]
    with st.spinner("Fetching runs and curves", show_time=False):
        data = load(api, asked)
    st.session_state[KEPT] = (asked, data)
    return data


try:
    data = loaded()
except (BadConfig, ApiError) as error:
    st.error(literal(error), icon=":material/error:")
    st.page_link(RUNS, label="Choose runs", icon=":material/arrow_back:")
    st.stop()
title.title(f"Compare{demo_chip(data)}", anchor=False)
values = address.switches("compare", switches(data))


def show_sides(given: Sequence[Side], total: int) -> None:
    """Which letter is what, each with links to its runs."""
    rows = [
        {"side": side.letter, "what sets it apart": side.label, "seeds": ", ".join(side.seeds), "n": len(side.runs)}
        | ({"grade": grade} if (grade := worst_grade([side])) else {})
        | {"status": ", ".join(dict.fromkeys(status(run.status) for run in side.runs))}
        | {f"run {number}": link("run", str(run.id)) for number, run in enumerate(side.runs[:8], 1)}
        for side in given
    ]
    opens = st.column_config.LinkColumn(display_text=r"run=(.{8})", help="Opens the page of the run")
    config = {name: opens for row in rows for name in row if name.startswith("run ")}
    st.dataframe(rows, hide_index=True, column_config=config, key="sides", alt="The sides that are compared")
    if data.chosen:
        prose(f"Shown are {data.chosen}.")
    shown = sum(len(side.runs) for side in given)
    if shown < total:
        prose(f"The first {MOST_SIDES} sides are shown, {shown} of {total} runs.")


def show_rows(title: str, rows: Sequence[dict[str, str]], none: str, key: str) -> None:
    st.subheader(title, anchor=False)
    if not rows:
        prose(none)
        return
    height = 38 + 35 * min(len(rows), 10)
    st.dataframe(pd.DataFrame(rows).astype(str), hide_index=True, key=key, alt=title, height=height)


def show_numbers(data: Data, given: Sequence[Side]) -> None:
    found = metrics_of(data, values)
    rows = metric_rows(given, found, data.own_infos)
    show_rows("Results", rows, "No run has a result yet.", "metrics")
    if not found:
        return
    if len(given) > 1:
        notes = dict.fromkeys(how_note(compared(given, one, data.own_infos)) for one in found)
        prose(f"{' '.join(list(notes)[:3])} ± is half of a mean's 95 % t-interval. {NOTE}")
    text = as_csv(long_rows(given, found, data.own_infos))
    st.download_button(
        "Results as CSV", text, "compared.csv", "text/csv", icon=":material/download:", on_click="ignore"
    )


@st.fragment(run_every=3 if data.live else None)
@tells_what_fails()
def live() -> None:
    now = loaded()
    if now.live != data.live:
        st.rerun()
    given, every = sides_of(now, values), values.get("fields") == EVERY
    show_sides(given, len(now.runs))
    narrow = len(given) <= BESIDE
    results, config = st.columns([3, 2]) if narrow else (st.container(), st.container())
    with results:
        show_numbers(now, given)
    with config:
        show_rows("Config" if every else "Config: what differs", config_rows(given, every), "Nothing.", "fields")
    show_plots(plots(now, values), "compare")
    title = "Environment" if every else "Environment: what differs"
    show_rows(title, environment_rows(given, every), "All ran with the same, or have not ended.", "environments")


live()
