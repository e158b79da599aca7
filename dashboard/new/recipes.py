"""The recipes of an experiment: what each needs, how long it takes, and one click to fill the form or to run it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import streamlit as st

from dashboard.new.preset import fill_from
from dashboard.new.preview import submit_key
from dashboard.pages import SWEEP, prose
from dashboard.words import literal
from mgic.client import ApiError, Client, Unreachable
from mgic.records import DatasetInfo, ExperimentInfo, ModelInfo, Recipe, SweepRequest

CARD = 290  # pixels: one recipe; where there are more than fit, their row scrolls
SCALES: dict[Literal["quick", "paper"], str] = {"quick": "Quick, on this machine", "paper": "At the paper's scale"}


def show_recipes(
    api: Client, info: ExperimentInfo, models: Mapping[str, ModelInfo], data: Iterable[DatasetInfo]
) -> None:
    """Quick ones and those at the paper's scale apart; nothing for an experiment without any."""
    if message := st.session_state.pop("recipe message", None):
        st.error(literal(message), icon=":material/error:")
    if sweep_id := st.session_state.pop("recipe submitted", None):
        st.switch_page(SWEEP, query_params={"sweep": sweep_id})
    if not info.recipes:
        return
    by_scale = {scale: [one for one in info.recipes if one.scale == scale] for scale in SCALES}
    words = {"quick": "quick", "paper": "at the paper's scale"}
    counts = [f"{len(found)} {words[scale]}" for scale, found in by_scale.items() if found]
    with st.expander(f"Recipes: {', '.join(counts)}", icon=":material/menu_book:", expanded=True):
        filled = {scale: found for scale, found in by_scale.items() if found}
        for tab, (scale, found) in zip(st.tabs([SCALES[one] for one in filled]), filled.items(), strict=True):
            with tab, st.container(horizontal=True, wrap=False, key=f"recipes {scale}"):
                for recipe in found:
                    with st.container(border=True, gap="small", width=CARD if len(found) > 1 else "stretch"):
                        _show(api, info, recipe, models, missing(recipe, data))


def missing(recipe: Recipe, data: Iterable[DatasetInfo]) -> list[DatasetInfo]:
    """The data sets that it names and this server does not have, whichever field names them."""
    named = {one for grid in recipe.grids for axis in grid.values() for one in axis if isinstance(one, str)}
    return [one for one in data if one.name in named and not one.present]


def _show(
    api: Client, info: ExperimentInfo, recipe: Recipe, models: Mapping[str, ModelInfo], absent: Sequence[DatasetInfo]
) -> None:
    st.markdown(literal(recipe.title))
    prose(recipe.summary)
    for one in absent:
        st.caption(f":material/download: {literal(f'{one.name} is not on this server: {one.how_to_get}')}")
    with st.container(horizontal=True):
        st.button(
            "Fill the form",
            key=f"fill {recipe.name}",
            icon=":material/edit_note:",
            on_click=fill_from,
            args=(info, models, recipe),
        )
        if recipe.scale == "quick" and not absent:
            st.button(
                "Run it",
                key=f"submit {recipe.name}",
                icon=":material/play_arrow:",
                on_click=_submit,
                args=(api, recipe),
            )


def _submit(api: Client, recipe: Recipe) -> None:
    """Two clicks make one sweep; the page goes there, or says why not."""
    asked = SweepRequest(recipe=recipe.name)
    try:
        st.session_state["recipe submitted"] = str(api.submit(asked, submit_key(asked)).id)
    except (ApiError, Unreachable) as error:
        st.session_state["recipe message"] = str(error)
