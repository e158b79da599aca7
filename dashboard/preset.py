"""What the form of a sweep starts with: a recipe, or what another run or sweep was."""

from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from dashboard.connection import client
from dashboard.draft import Start, of_recipe, of_run, parse_grids
from dashboard.sweep_form import start_form
from dashboard.words import prose_of_scale
from mgic.client import ApiError
from mgic.records import ExperimentInfo, ModelInfo

OWN = "My own grid"
ADDRESS = ("run", "from_sweep", "recipe", "experiment", "grid")

Experiments = Mapping[str, ExperimentInfo]
Models = Mapping[str, ModelInfo]


def choose_preset(info: ExperimentInfo, models: Models) -> None:
    """A choice of recipes; choosing one fills the form."""
    recipes = {recipe.title: recipe for recipe in info.recipes}
    state = f"{info.name}/preset"

    def chosen() -> None:
        recipe = recipes.get(st.session_state[state])
        start_form(info, models, of_recipe(recipe) if recipe else Start(info.name, ()))

    title = st.selectbox("Start from", [OWN, *recipes], key=state, on_change=chosen, persist_state="session")
    if title in recipes:
        st.caption(prose_of_scale(recipes[title].scale, recipes[title].summary))


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
    recipe = next((one.title for one in info.recipes if one.name == start.recipe), OWN)
    st.session_state[f"{info.name}/preset"] = recipe
    start_form(info, models, start)
    return None


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
