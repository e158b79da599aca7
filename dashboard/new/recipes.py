"""The recipes of an experiment in one box: which the form starts with, what that needs and how long it takes."""

from collections.abc import Iterable, Mapping

import streamlit as st

from dashboard.new.preset import fill_from, recipe_key
from dashboard.words import literal, prose_of_scale
from mgic.records import DatasetInfo, ExperimentInfo, ModelInfo, Recipe

SCALES = {"quick": "Quick", "paper": "Paper scale"}


def choose_recipe(info: ExperimentInfo, models: Mapping[str, ModelInfo]) -> Recipe | None:
    """The box; a choice fills the form, and none empties it. Nothing is drawn for an experiment without recipes."""
    if not info.recipes:
        return None
    by_name = {one.name: one for scale in SCALES for one in info.recipes if one.scale == scale}
    box, state = f"{info.name}/recipe box", recipe_key(info)
    titles = {f"{SCALES[one.scale]}: {one.title}": name for name, one in by_name.items()}
    by_title = {name: title for title, name in titles.items()}
    chosen = by_name.get(st.session_state.get(state) or "")
    st.session_state[box] = by_title[chosen.name] if chosen else None

    def fill() -> None:
        title = st.session_state[box]
        fill_from(info, models, by_name[titles[title]] if title else None)

    words = f"none of {len(titles)} recipes"
    st.selectbox("Start from a recipe", list(titles), index=None, key=box, on_change=fill, placeholder=words)
    return chosen


def say_recipe(recipe: Recipe, changed: bool, data: Iterable[DatasetInfo]) -> None:
    """What it needs, whether the form is still what it was, and which data this server lacks."""
    st.caption(("Changed since. " if changed else "") + prose_of_scale(recipe.scale, recipe.summary))
    for one in missing(recipe, data):
        st.caption(f":material/download: {literal(f'{one.name} is not on this server: {one.how_to_get}')}")


def missing(recipe: Recipe, data: Iterable[DatasetInfo]) -> list[DatasetInfo]:
    """The data sets that it names and this server does not have, whichever field names them."""
    named = {one for grid in recipe.grids for axis in grid.values() for one in axis if isinstance(one, str)}
    return [one for one in data if one.name in named and not one.present]
