"""Choose what to compare, see what each cell costs, run it."""

import streamlit as st

from dashboard.connection import client, datasets, experiments, inputs, models
from dashboard.forms.fields import BadText, config_fields
from dashboard.new.draft import Extras, body, commands, only_possible, request
from dashboard.new.form import sweep_form
from dashboard.new.preset import chosen_recipe, say_preset, start_from_address
from dashboard.new.preview import show_cells, submit_key
from dashboard.new.recipes import show_recipes
from dashboard.pages import SWEEP, SYSTEM, nothing_yet, prose
from dashboard.words import literal
from mgic.client import ApiError
from mgic.figures.words import seconds

st.title("New sweep")
api = client()
known = experiments(api)
if not known:
    nothing_yet("This server knows no experiment.", SYSTEM, "See what it says of itself")
problem = start_from_address(known, models(api))
if problem:
    st.error(literal(problem), icon=":material/error:")

by_title = {info.title: info for info in sorted(known.values(), key=lambda one: (-len(one.recipes), one.title))}
info = by_title[st.selectbox("Experiment", list(by_title), key="experiment", persist_state="session", width=420)]
prose(info.summary)
show_recipes(api, info, models(api), datasets(api).values())
say_preset(info, models(api))
wanted = {name for one in config_fields(info) for name in one.of}
filled = sweep_form(info, models(api), datasets(api), inputs(api, tuple(sorted(wanted))))

with st.expander("Name, priority, reuse", icon=":material/label:"):
    name = st.text_input("Name of the sweep", key="sweep name", placeholder="optional", max_chars=120)
    priority = st.slider("Priority", 0, 9, 5, help="0 is served first, 9 last", key="priority")
    reuse = st.checkbox("Reuse results already in the store", help="Cells that were run before are not run again.")

if filled.grids is None:
    st.stop()
try:
    asked = request(info, filled.grids, Extras(name.strip(), priority, reuse, chosen_recipe(info)))
    preview = api.preview(asked)
    possible = only_possible(asked, preview)
except (BadText, ApiError) as error:
    unplaced = filled.show_errors(error.errors) if isinstance(error, ApiError) else [str(error)]
    if isinstance(error, ApiError) and not error.errors:
        unplaced = [error.detail]
    for words in unplaced:
        st.error(literal(words), icon=":material/error:")
    st.stop()

runnable = preview.total - preview.problems
with st.container(horizontal=True, vertical_alignment="center"):
    of = f" of {preview.total}" if preview.problems else ""
    label = f"Run {runnable}{of} cell{'s' if preview.total != 1 else ''}"
    clicked = st.button(label, type="primary", icon=":material/play_arrow:", disabled=runnable == 0, key="run")
    said = [f"**{preview.total} cell{'s' if preview.total != 1 else ''}**"]
    said += [f"{preview.problems} cannot run and are left out"] if preview.problems else []
    said += [f"{preview.duplicates} already in the store"] if preview.duplicates else []
    said += [f"about {seconds(preview.seconds)} one after another"] if preview.seconds is not None else []
    st.markdown(" · ".join(said), width="content")

if clicked:
    try:
        sweep = api.submit(possible, submit_key(possible))
    except ApiError as error:
        for words in filled.show_errors(error.errors) or ([] if error.errors else [error.detail]):
            st.error(literal(words), icon=":material/error:")
    else:
        st.switch_page(SWEEP, query_params={"sweep": str(sweep.id)})

show_cells(api, asked, preview)

with st.expander("The same as a command, or as JSON for POST /api/v1/sweeps", icon=":material/terminal:"):
    st.code(commands(possible), language="bash", wrap_lines=True)
    st.code(body(possible), language="json")
