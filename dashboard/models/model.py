"""One model under the microscope: its levels, where its cost sits, what MGIC makes of it, and what its options move."""

import json

import streamlit as st

from dashboard.address import follow
from dashboard.connection import client, experiments, model_cost, models
from dashboard.models.conversion import PREFIX, WHAT, links, rule_fields, show_nothing, show_parts, show_totals
from dashboard.models.cost import times
from dashboard.models.form import INPUT, choose_model, fields_of, model_form, options_form, read, states
from dashboard.models.sections import (
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
from mgic.figures.cost_grid import X, Y

OWN = ("model", DRAWN)  # what stands in the address besides the fields

api = client()
known = models(api)
name = st.query_params.get("model")
if name is None:
    st.title("Model", anchor=False)
    nothing_yet("No model is chosen. Open one from the list.", MODELS, "All models")
try:
    info = known[name]
except KeyError as error:
    st.title("Model", anchor=False)
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

fields, further = fields_of(info), rule_fields(api, info)
start, wrong = read([*fields, *further], {key: text for key, text in st.query_params.items() if key not in OWN})
if wrong:
    for words in wrong:
        st.error(literal(words), icon=":material/error:")
    # Not a link: one to the page it stands on leaves the address as it is.
    st.button("This model with its defaults", icon=":material/undo:", on_click=st.query_params.from_dict, args=(ONLY,))
    st.page_link(MODELS, label="All models", icon=":material/arrow_back:")
    st.stop()

top = st.container(horizontal=True)
scope = f"model {name}"
follow(scope, {**states([*fields, *further], start), DRAWN: st.query_params.get(DRAWN)})
asked = model_form(info, fields, scope)
tasks = {one.name: one.config_schema.get("properties", {}).get("model", {}) for one in experiments(api).values()}
trained_by = next((one for one, model in tasks.items() if model.get("task") == info.task), None)
with top:
    st.page_link(MODELS, label="All models", icon=":material/arrow_back:")
    if trained_by:
        grid = {"model": [name]} | {option: [one] for option, one in asked.options.items() if option not in INPUT}
        sweep = {"experiment": trained_by, "grid": json.dumps(grid)}
        st.page_link(NEW_SWEEP, label="Train it", icon=":material/play_arrow:", query_params=sweep)

cost = None
try:
    cost = model_cost(api, name, asked.options, asked.size, info.fingerprint)
    show_metrics(cost, model_cost(api, name, asked.of_input, asked.size, info.fingerprint))
    show_uncounted(cost)
except ApiError as error:
    if show_nothing(error):
        st.stop()
    asked.show_error(error)

if cost is not None and not cost.levels:
    st.subheader("The same with its blocks in MGIC", anchor=False)
    if not further:
        st.info("This model has no MGIC block, so there is no hierarchy to draw.", icon=":material/info:")
        st.stop()
    prose(WHAT)
    given = asked.options | options_form(further, scope)
    try:
        with st.spinner("Converting it"):
            cost = model_cost(api, PREFIX + name, given, asked.size)
    except ApiError as error:
        if not show_nothing(error):
            st.error(literal(error.detail), icon=":material/error:")
        st.stop()
    if cost.conversion is not None:
        show_totals(cost, cost.conversion)
        links(name, given, trained_by)
        show_parts(cost.conversion, count_switch(scope))
        show_hierarchy(cost, scope)
    st.stop()
count = None
if cost is not None and cost.conversion is not None:
    st.subheader("Original and converted", anchor=False)
    prose(WHAT)
    show_totals(cost, cost.conversion)
    count = count_switch(scope)
    show_parts(cost.conversion, count)
if cost is not None:
    show_hierarchy(cost, scope)
present = {field.name: asked.options.get(field.name, field.default) for field in fields}
has_sizes = X in present and Y in present
if cost is not None or has_sizes:
    st.subheader("The whole network", anchor=False)
    count = count or count_switch(scope)
    if cost is not None:
        show_shares(cost, count)
    if has_sizes:
        show_grid(api, name, asked, (int(str(present[X])), int(str(present[Y]))), count)
if cost is not None:
    show_levels(cost)
