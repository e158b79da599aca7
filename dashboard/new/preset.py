"""What the form of a sweep starts with: a recipe, or what another run or sweep was."""

import json
from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from dashboard.connection import client
from dashboard.forms.fields import config_fields
from dashboard.new.draft import Start, of_recipe, of_run, parse_grids
from dashboard.new.form import start_form
from dashboard.pages import NEW_SWEEP
from dashboard.words import literal
from mgic.client import ApiError
from mgic.records import ExperimentInfo, ModelInfo, Recipe

ADDRESS = ("run", "from_sweep", "recipe", "experiment", "grid")

Experiments = Mapping[str, ExperimentInfo]
Models = Mapping[str, ModelInfo]


def fill_from(info: ExperimentInfo, models: Models, recipe: Recipe | None) -> None:
    """Put a recipe into the form, before it is drawn; None empties it."""
    st.session_state[_key(info)] = recipe.name if recipe else None
    start_form(info, models, of_recipe(recipe) if recipe else Start(info.name, ()))


def say_preset(info: ExperimentInfo, models: Models) -> None:
    """Which recipe the form was filled with, and the way back to an empty one."""
    title = next((one.title for one in info.recipes if one.name == chosen_recipe(info)), None)
    if title:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Started from the recipe **{literal(title)}**", width="content")
            st.button("Empty the form", icon=":material/restart_alt:", on_click=fill_from, args=(info, models, None))


def start_from_address(known: Experiments, models: Models) -> str | None:
    """Fill the form from the address, once; returns what is wrong with that, in words.

    It has `?run=`, `?from_sweep=` or `?recipe=`, or `?experiment=` with the axes as JSON in `grid`.
    """
    asked = {name: st.query_params[name] for name in ADDRESS if name in st.query_params}
    if not asked:
        if st.session_state.get("started from"):
            st.session_state["started from"] = None
        return None
    if st.session_state.get("started from") == asked:
        return None
    st.session_state["started from"] = asked
    try:
        start = _start(known, asked)
    except (ApiError, ValueError) as error:
        return f"The form could not be filled from the address: {error}"
    if start.experiment not in known:
        return f"No experiment called {start.experiment!r} is known here."
    info = known[start.experiment]
    st.session_state["experiment"] = info.title
    st.session_state[_key(info)] = start.recipe
    start_form(info, models, start)
    return None


def offer_uses(of: str, named: str, known: Experiments) -> None:
    """The forms of the experiments that take such runs as their input, filled with these.

    Args:
        of: The experiment that the runs are of.
        named: How they are named: the id of one, or `sweep:` and that of a sweep.
        known: All experiments.
    """
    found = [(info, field) for info in known.values() for field in config_fields(info) if of in field.of]
    if not found:
        return
    with st.popover("Use as input", icon=":material/arrow_split:"):
        for info, field in found:
            asked = {"experiment": info.name, "grid": json.dumps({field.name: [named]})}
            st.page_link(NEW_SWEEP, label=literal(info.title), query_params=asked)


def chosen_recipe(info: ExperimentInfo) -> str | None:
    """The name of the recipe the form was filled with last, whatever was changed since."""
    name: str | None = st.session_state.get(_key(info))
    return name


def _key(info: ExperimentInfo) -> str:
    return f"{info.name}/preset"


def _start(known: Experiments, asked: Mapping[str, str]) -> Start:
    if "run" in asked:
        return of_run(client().run(UUID(asked["run"])))
    if "from_sweep" in asked:
        sweep = client().sweep(UUID(asked["from_sweep"]))
        return Start(sweep.experiment, sweep.grids, sweep.recipe)
    if "recipe" not in asked:
        grids = parse_grids(f"[{asked['grid']}]") if "grid" in asked else []
        return Start(asked.get("experiment", ""), tuple(grids))
    for info in known.values():
        for recipe in info.recipes:
            if recipe.name == asked["recipe"]:
                return of_recipe(recipe)
    raise ValueError(f"no recipe called {asked['recipe']!r}")
