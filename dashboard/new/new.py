"""Choose what to compare, see what each cell costs, run it."""

from dataclasses import replace

import streamlit as st

from dashboard.connection import client, datasets, experiments, inputs, models, workers
from dashboard.forms.fields import BadText, config_fields
from dashboard.new.bar import run_bar, show_bar
from dashboard.new.draft import body, commands, following, only, request, runnable, total
from dashboard.new.form import open_if_wrong, sweep_form
from dashboard.new.options import options_address, options_form
from dashboard.new.preset import (
    address_of,
    fill_from,
    in_order,
    keep_in_address,
    offer_last,
    recipe_of,
    start_from_address,
)
from dashboard.new.preview import costs, costs_of_search, label_of_run, show_cells, show_old_cells, submit_key
from dashboard.new.recipes import choose_recipe, say_recipe
from dashboard.new.searching import search_address, search_form
from dashboard.pages import SWEEP, SYSTEM, nothing_yet, prose
from dashboard.words import literal
from mgic.client import ApiError
from mgic.records import Preview, SweepRequest

st.title("New sweep", anchor=False)
api = client()
known = experiments(api)
if not known:
    nothing_yet("This server knows no experiment.", SYSTEM, "See what it says of itself")
bar = run_bar()
if problem := start_from_address(known, models(api)):
    st.error(literal(problem), icon=":material/error:")

by_title = {info.title: info for info in in_order(known)}
info = by_title[st.session_state["experiment"]]
first, second, third = st.columns([4, 6, 3], vertical_alignment="bottom")
with first:
    title = st.selectbox(
        "Experiment", list(by_title), key="experiment", persist_state="session", help=literal(info.summary)
    )
with second:
    recipe = choose_recipe(info, models(api))
with third:
    st.button("Empty the form", icon=":material/restart_alt:", on_click=fill_from, args=(info, models(api), None))
    offer_last()
prose(info.summary.partition(". ")[0].rstrip(".") + ".")
about_recipe = st.container()

wanted = {name for one in config_fields(info) for name in one.of}
filled = sweep_form(info, models(api), datasets(api), inputs(api, tuple(sorted(wanted))), workers(api))
extras = options_form(info, known, filled)
extras = replace(extras, search=search_form(info, filled), recipe=recipe_of(info, filled.grids))
if recipe:
    with about_recipe:
        say_recipe(recipe, extras.recipe is None, datasets(api).values())

problems: list[str] = []  # that belong to no field


def refuse(error: BadText | ApiError) -> None:
    if isinstance(error, BadText):
        problems.append(str(error))
    else:
        problems.extend(filled.show_errors(error.errors) if error.errors else [error.detail])


def previewed() -> tuple[SweepRequest, Preview] | None:
    """What is asked for, and what it would be; None where something has to be corrected first."""
    if filled.grids is None:
        return None
    try:
        asked = request(info, filled.grids, extras)
        found = asked, api.preview(asked)
    except (BadText, ApiError) as error:
        refuse(error)
        return None
    return None if filled.wrong else found


valid: dict[str, Preview] = st.session_state.setdefault("valid previews", {})  # the last one of each experiment
found = previewed()
if found is None:
    open_if_wrong(info, filled)
    keep_in_address(known, None)
    if info.name in valid:
        show_old_cells(valid[info.name])
    show_bar(bar, "Run", "", filled, problems)
    st.stop()

asked, preview = found
valid[info.name] = preview
keep_in_address(known, address_of(info, extras.recipe, filled.kept) | options_address() | search_address())
picked = show_cells(api, asked, preview)
numbers = runnable(preview, picked)
together = total([preview.points[number] for number in numbers], extras.reuse)
said = [costs_of_search(preview, together) if asked.search else costs(together)]
said += [f"{len(picked)} of {preview.total} picked"] if picked else []
said += [f"{preview.problems} cannot run and are left out"] if preview.problems else []
if preview.then:
    said.append(f"then {costs(total(following(preview.then, numbers)))}")
possible = asked
try:
    possible = only(asked, preview, picked)
except BadText as error:
    refuse(error)
label = label_of_run(len(numbers), preview.total if asked.search else None)
if show_bar(bar, label, " · ".join(said) if numbers else "", filled, problems):
    try:
        sweep = api.submit(possible, submit_key(possible))
    except ApiError as error:
        refuse(error)
        with bar:
            st.error(literal("; ".join([*filled.wrong.values(), *problems])), icon=":material/error:")
    else:
        st.switch_page(SWEEP, query_params={"sweep": str(sweep.id)})

with st.expander("The same as a command, or as JSON for POST /api/v1/sweeps", icon=":material/terminal:"):
    st.code(commands(possible), language="bash", wrap_lines=True)
    st.code(body(possible), language="json")
