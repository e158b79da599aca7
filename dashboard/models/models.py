"""All models with what they cost; the filters stand in the address."""

from itertools import count
from typing import get_args

import streamlit as st

from dashboard import address
from dashboard.connection import client, last_seen, models, models_of, tells_what_fails
from dashboard.models.cost import ask_costs, known_costs, matching, models_table
from dashboard.pages import SYSTEM, nothing_yet
from mgic.figures.switches import Switch
from mgic.records import ModelsOf

ANY = "any"
SOURCES: tuple[ModelsOf, ...] = get_args(ModelsOf)
ROWS = 18  # seen at once; the table scrolls
COLUMNS = {
    "model": st.column_config.LinkColumn("model", display_text=r"model=(.+)", help="Opens the model", width=190),
    "task": st.column_config.TextColumn(width=140),
    "source": st.column_config.TextColumn(width=90),
    "parameters": st.column_config.NumberColumn("parameters", format="localized", width=105),
    "MACs": st.column_config.NumberColumn("MACs", format="localized", width=125),
    "at": st.column_config.TextColumn("at", width=125, help="Size of the sample the MACs are of"),
    "summary": st.column_config.TextColumn(width=600),
}

st.title("Models", anchor=False)
api = client()
known = models(api)
if not known:
    nothing_yet("This server knows no model.", SYSTEM, "See what it says of itself")
tasks = list(dict.fromkeys(info.task for info in known.values()))
chosen = address.switches(
    "models",
    (
        Switch("find", "Find", {}, help="Words of the name or the summary"),
        Switch("task", "Task", {ANY: ANY} | {task: task for task in tasks}, ANY),
        Switch("source", "Source", {one: one for one in SOURCES}, SOURCES[0]),
    ),
)
text, task = chosen["find"], chosen["task"]
source = next(one for one in SOURCES if one == chosen["source"])
listed_here = source == SOURCES[0]
every = list(known.values()) if listed_here else models_of(api, source)
shown = matching(every, text, None if task == ANY else task)
if not shown:
    st.info("No model matches these filters.", icon=":material/filter_alt_off:")
    st.stop()
if not listed_here:
    st.dataframe(
        models_table(shown, {}).drop(columns=["parameters", "MACs"]),
        hide_index=True,
        key="names",
        alt="Models by name",
        height=38 + 35 * min(len(shown), ROWS),
        column_config=COLUMNS,
    )
    st.caption(f"{len(shown)} of {len(every)} models. Open one to see what it costs.")
    st.stop()
names = [info.name for info in shown]
counted = known_costs(shown)
complete = len(counted) == len(names)
turns = count()


@st.fragment(run_every=None if complete else 1)
@tells_what_fails()
def listed() -> None:
    """The names at once, their costs as they are counted: what is known is drawn before more is asked for."""
    costs = known_costs(shown)
    if not complete:
        st.progress(len(costs) / len(names), f"Counting costs: {len(costs)} of {len(names)} models")
    st.dataframe(
        models_table(shown, costs),
        hide_index=True,
        key="models",
        alt="Models with their parameters and MACs",
        height=38 + 35 * min(len(shown), ROWS),
        placeholder="…",
        column_config=COLUMNS,
    )
    if not complete and next(turns) > 0:
        last_seen("model costs", lambda: ask_costs(api, shown))
        if len(known_costs(shown)) == len(names):
            st.rerun()


listed()
st.caption(
    f"{len(shown)} of {len(known)} models, each with its default options. MACs of one sample at the input size the "
    "model is made for, batch 1; one multiply-accumulate counts 1, FLOPs are twice as many."
)
