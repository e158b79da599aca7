"""One model under the microscope: its levels, where its cost sits, and how that moves with its options."""

import json

import streamlit as st

from dashboard.address import follow
from dashboard.charts.cost_grid import X, Y
from dashboard.connection import client, experiments, model_cost, models
from dashboard.model_cost import times
from dashboard.model_form import INPUT, choose_model, fields_of, model_form, read, states
from dashboard.model_sections import (
    DRAWN,
    count_switch,
    show_grid,
    show_hierarchy,
    show_levels,
    show_metrics,
    show_shares,
    show_uncounted,
)
from dashboard.pages import MODELS, NEW_SWEEP, nothing_yet, prose
from dashboard.words import literal
from mgic.client import ApiError

OWN = ("model", DRAWN)  # what stands in the address besides the fields

api = client()
known = models(api)
name = st.query_params.get("model")
if name is None:
    nothing_yet("No model is chosen. Open one from the list.", MODELS, "All models")
try:
    info = known[name]
except KeyError as error:
    st.error(literal(error.args[0]), icon=":material/error:")
    choose_model(api, known, None)
    st.page_link(MODELS, label="All models", icon=":material/arrow_back:")
    st.stop()
name = info.name
ONLY = {"model": name}
st.title(literal(name), anchor=False)
choose_model(api, known, name)
prose(info.summary)
prose(f"{info.task} · source: {info.package} · made for an input of {times(info.input_size)}")

fields = fields_of(info)
start, wrong = read(fields, {key: text for key, text in st.query_params.items() if key not in OWN})
if wrong:
    for words in wrong:
        st.error(literal(words), icon=":material/error:")
    # Not a link: one to the page it stands on leaves the address as it is.
    st.button("This model with its defaults", icon=":material/undo:", on_click=st.query_params.from_dict, args=(ONLY,))
    st.page_link(MODELS, label="All models", icon=":material/arrow_back:")
    st.stop()

links = st.container(horizontal=True)
scope = f"model {name}"
follow(scope, {**states(fields, start), DRAWN: st.query_params.get(DRAWN)})
asked = model_form(info, fields, scope)
with links:
    st.page_link(MODELS, label="All models", icon=":material/arrow_back:")
    fits = lambda one: one.config_schema.get("properties", {}).get("model", {}).get("task") == info.task  # noqa: E731
    if trained_by := next(filter(fits, experiments(api).values()), None):
        grid = {"model": [name]} | {option: [one] for option, one in asked.options.items() if option not in INPUT}
        sweep = {"experiment": trained_by.name, "grid": json.dumps(grid)}
        st.page_link(NEW_SWEEP, label="Train it", icon=":material/play_arrow:", query_params=sweep)

cost = None
try:
    cost = model_cost(api, name, asked.options, asked.size, info.fingerprint)
    show_metrics(cost, model_cost(api, name, asked.of_input, asked.size, info.fingerprint))
    show_uncounted(cost)
except ApiError as error:
    asked.show_error(error)

if cost is not None and not cost.levels:
    st.info("This model has no MGIC block, so there is no hierarchy to draw.", icon=":material/info:")
    spread = {"model": f"mgic/{name}"}
    st.button(
        "Spread its blocks over one", icon=":material/layers:", on_click=st.query_params.from_dict, args=(spread,)
    )
    st.page_link(MODELS, label="Models with one", icon=":material/arrow_forward:", query_params={"find": "mgic_"})
    st.stop()
if cost is not None:
    show_hierarchy(cost, scope)
given = {field.name: asked.options.get(field.name, field.default) for field in fields}
has_sizes = X in given and Y in given
if cost is not None or has_sizes:
    st.subheader("The whole network", anchor=False)
    count = count_switch(scope)
    if cost is not None:
        show_shares(cost, count)
    if has_sizes:
        show_grid(api, name, asked, (int(str(given[X])), int(str(given[Y]))), count)
if cost is not None:
    show_levels(cost)
