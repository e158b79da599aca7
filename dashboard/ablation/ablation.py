"""An ablation: does a value suffice, what does each field do, and which runs would tell most."""

import json
from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.connection import BY_READER, client
from dashboard.pages import NEW_SWEEP, SWEEPS, demo_chip, nothing_yet, prose, show_table
from dashboard.plots.chosen import choose
from dashboard.plots.shown import show_plots
from dashboard.words import literal
from mgic.client import ApiError, Client
from mgic.errors import BadConfig
from mgic.figures.ablation.answer import Answer, Runs
from mgic.figures.ablation.choices import Chosen, field_switches, part_of, part_switches, question_switches
from mgic.figures.ablation.fields import Data
from mgic.figures.ablation.many import settings
from mgic.figures.columns import short_title
from mgic.figures.scenes.ablation import load, plots, shown_results
from mgic.records import Sweep

FRONT = ("cells", "margin")  # of the questions, what is changed most
OFFERED = 30  # sweeps to choose from, the newest
KEPT_S = 5  # runs of the same address are not asked for again within so many seconds
ICONS = {"suffices": "check_circle", "does not suffice": "cancel", "not settled": "pending"}


@st.cache_data(ttl=KEPT_S, max_entries=20, show_spinner=False, hash_funcs=BY_READER)
def loaded(api: Client, sweep: str) -> Data:
    return load(api, {"sweep": sweep})


def runs_link(label: str, data: Data, runs: Runs) -> None:
    """To the form of a new sweep, filled with these runs."""
    grid = ", ".join(json.dumps(one) for one in runs.grids)
    asked = {"experiment": data.info.name, "grid": grid}
    st.page_link(NEW_SWEEP, label=f"{label}: {runs.cost}", icon=":material/add:", query_params=asked)


def show_answer(one: Answer, data: Data) -> None:
    with st.container(border=True):
        icon = f":material/{ICONS[one.verdict]}:"
        st.markdown(f"{icon} **{literal(one.sentence)}** {literal(one.numbers)}")
        if one.next is not None:
            st.markdown(f"Next: {literal(one.next.why)}.")
            with st.container(horizontal=True):
                runs_link("Submit these", data, one.next)
                if one.all is not None:
                    runs_link(one.all.why.capitalize(), data, one.all)


def show_answers(chosen: Chosen, data: Data) -> None:
    if not chosen.answers:
        why = (
            f"neither end of {chosen.part.metric} is good"
            if chosen.part.goal is None
            else "neither field has a few numbers as its values"
        )
        prose(f"Whether a value suffices is not asked here: {why}.")
        return
    for column, one in zip(st.columns(len(chosen.answers)), chosen.answers, strict=True):
        with column:
            show_answer(one, data)
    if chosen.caution:
        prose(chosen.caution)
    with st.expander("Every step and its tests", icon=":material/table:"):
        steps = pd.DataFrame([step for one in chosen.answers for step in one.steps])
        show_table(steps, "steps", "Every step past a value in question")


def varies(sweep: Sweep) -> bool:
    """Whether a field besides the seed and the model has several values in one of its grids."""
    fields = (name for grid in sweep.grids for name, axis in grid.items() if len(axis) > 1)
    return bool(set(fields) - {"seed", "model", "models"})


api = client()
st.space("small")  # the head of the window lies over the first pixels
head = st.container(horizontal=True, vertical_alignment="bottom")
title = head.empty()
title.title("Ablation", anchor=False, width="content")
offered = {str(one.id): one for one in api.sweeps(limit=OFFERED).items if varies(one)}
asked_for = st.query_params.get("sweep") or next(iter(offered), "")
if not asked_for:
    nothing_yet("No sweep over a field is here yet: vary a group size, or any other field.", NEW_SWEEP, "Make one")
with head:
    shown = {one: f"{sweep.name} ({sweep.experiment}, {one[:8]})" for one, sweep in offered.items()}
    choose("sweep", "Sweeps", shown, [one for one in asked_for.split(",") if one in shown])
try:
    data = replace(loaded(api, asked_for), asked=dict(st.query_params))
except (ApiError, BadConfig) as error:
    st.error(literal(error), icon=":material/error:")
    st.page_link(SWEEPS, label="All sweeps", icon=":material/arrow_back:")
    st.stop()
title.title(f"Ablation{demo_chip(data)}", anchor=False, width="content")
names = " · ".join(f"[{literal(sweep.name)}](sweep?sweep={sweep.id})" for sweep in data.sweeps)
took = "Times are of one worker, by what such runs took."
with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.markdown(f"{literal(data.info.title)} · {names} · {len(data.runs)} runs. {took}", width="content")
    behind = st.popover("Fields and limits", icon=":material/tune:")

first = field_switches(data)
if not first:
    nothing_yet("No run has ended with a number in two fields yet.", SWEEPS, "All sweeps")
result, question_room = st.columns(2, vertical_alignment="bottom")
with behind:
    fields = address.switches("ablation", [one for one in first if one.name != "metric"])
    rest = st.container()
with result:
    metric = address.switches("ablation-metric", [one for one in first if one.name == "metric"])
    fields |= metric
    parts = part_switches(data, fields)
    held = address.switches("ablation-part", [one for one in parts if one.name != "facet"])
part = part_of(data, fields | held)
question = question_switches(part)
with question_room:
    asked = address.switches("ablation-front", [one for one in question if one.name in FRONT])
with rest:
    more = [one for one in (*parts, *question) if one.name == "facet" or (one in question and one.name not in FRONT)]
    asked |= address.switches("ablation-rest", more)
values = fields | held | asked
if fields["x"] == fields["y"]:
    st.info("Columns and rows are the same field: choose another for one of them.", icon=":material/info:")
elif part.grid:
    show_answers(Chosen(part, values), data)
else:
    words = short_title(data.info, part.metric)
    if any(map(varies, data.sweeps)):
        prose(f"No run with a number of {words} has these values of the other fields.")
    else:
        prose("These runs differ in their seed or model only: there is no field whose values could be compared.")
show_plots(plots(data, values), "ablation", data)
with st.expander("All settings and their results"):
    show_table(pd.DataFrame(settings(data, shown_results(data, part.metric))), "settings", "A row a setting")
