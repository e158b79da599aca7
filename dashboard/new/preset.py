"""What the form of a sweep starts with, a recipe, or what another run or sweep was; and its address, which fills it
again."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

import streamlit as st

from dashboard.address import turn
from dashboard.connection import client
from dashboard.forms.fields import config_fields
from dashboard.new.draft import Start, of_recipe, of_run, parse_grids
from dashboard.new.form import start_form
from dashboard.new.options import OPTIONS, fill_options, values_of_options
from dashboard.new.searching import SEARCH, address_of_search, fill_search, values_of_search
from dashboard.pages import NEW_SWEEP
from dashboard.words import literal
from mgic.client import ApiError
from mgic.records import ExperimentInfo, Grid, ModelInfo, Recipe

FORM = ("run", "from_sweep", "recipe", "experiment", "grid")
STARTED = "started from"  # the address that the form was filled from, or that it has written
FAULT = "form fault"  # what is wrong with that, in words
SAYS = "form says"  # the address that says what the form held when it was filled; None: it has just been
LAST = "last form"  # the last of these that said something
LEFT = "addresses left"  # that the form has written over; the browser may send one once more, until it knows the next
HELD = "form held"  # what the fields held when the form wrote an address

Experiments = Mapping[str, ExperimentInfo]
Models = Mapping[str, ModelInfo]


def fill_from(info: ExperimentInfo, models: Models, recipe: Recipe | None) -> None:
    """Put a recipe into the form, before it is drawn; None empties it."""
    _start_form(info, models, of_recipe(recipe) if recipe else Start(info.name, ()))


def start_from_address(known: Experiments, models: Models) -> str | None:
    """Fill the form from the address, where that is not what the form has written; returns what is wrong with the
    address, in words.

    It has `?run=`, `?from_sweep=` or `?recipe=`, or `?experiment=` with the axes as JSON in `grid`, and what the sweep
    has besides. Where it says nothing, the form is empty.
    """
    asked = {name: st.query_params[name] for name in (*FORM, *OPTIONS, *SEARCH) if name in st.query_params}
    if st.session_state.get(STARTED) == asked:
        st.session_state[LEFT] = []
    elif not _is_late(known, asked):
        st.session_state[LEFT] = []
        st.session_state[STARTED] = asked
        st.session_state[LAST] = asked or st.session_state.get(LAST)
        st.session_state[SAYS] = None
        st.session_state[FAULT] = _fill(known, models, asked)
    fault: str | None = st.session_state[FAULT]
    return fault


def keep_in_address(known: Experiments, says: Mapping[str, str] | None) -> None:
    """Call when the form has been read: the address changes as soon as the form is another one than it was filled with,
    so that the address of a recipe or a run stays as short as it was. What has to be corrected, None, does not go into
    it."""
    before = st.session_state.get(SAYS)
    st.session_state[SAYS] = before or {} if says is None else dict(says)
    if says is None or before is None or before == says:
        return
    st.session_state[LEFT] = [*st.session_state[LEFT], st.session_state[STARTED]]
    st.session_state[HELD] = _held(known)
    st.session_state[STARTED] = st.session_state[LAST] = dict(says)
    st.session_state[FAULT] = None
    turn({name: says.get(name) for name in (*FORM, *OPTIONS, *SEARCH)})


def _is_late(known: Experiments, asked: Mapping[str, str]) -> bool:
    """Whether a field was changed in a browser that had not yet heard of the address the form has written: it tells the
    one before. Back leads to that one too, and changes no field."""
    return asked in st.session_state.get(LEFT, []) and _held(known) != st.session_state[HELD]


def _held(known: Experiments) -> dict[str, object]:
    """What the fields of the form hold."""
    own = tuple(f"{name}{mark}" for name in known for mark in (":", "/json"))
    fields = {key: value for key, value in st.session_state.items() if str(key).startswith(("experiment", *own))}
    return {**values_of_options(), **values_of_search(), **{str(key): value for key, value in fields.items()}}


def address_of(info: ExperimentInfo, recipe: str | None, grids: Sequence[Grid]) -> dict[str, str]:
    """What fills the form with these grids again; a recipe by its name, where they are one."""
    if recipe:
        return {"recipe": recipe}
    text = ", ".join(json.dumps(grid, separators=(",", ":")) for grid in grids if grid)
    return {"experiment": info.name} | ({"grid": text} if text else {})


def offer_last() -> None:
    """On an empty form, the way back to what it held before."""
    last = st.session_state.get(LAST)
    if last and not st.session_state.get(STARTED):
        st.button("Fill in what was here last", icon=":material/history:", key="last", on_click=turn, args=(last,))


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


def recipe_key(info: ExperimentInfo) -> str:
    """Of the box that has the name of the recipe the form was filled with last, whatever was changed since."""
    return f"{info.name}/recipe"


def recipe_of(info: ExperimentInfo, grids: Sequence[Grid] | None) -> str | None:
    """The name of the recipe the form was filled with, if its grids are what they were then."""
    name: str | None = st.session_state.get(recipe_key(info))
    if name is None or grids is None:
        return None
    return name if st.session_state.setdefault(_recipe_grids(info), list(grids)) == list(grids) else None


def _recipe_grids(info: ExperimentInfo) -> str:
    """Of what the form made of the grids of a recipe: it leaves out what is a default."""
    return f"{info.name}/recipe grids"


def _fill(known: Experiments, models: Models, asked: Mapping[str, str]) -> str | None:
    """Returns what is wrong; the form is empty then."""
    fault, start = None, Start(default_experiment(known).name, ())
    try:
        start = _start(known, asked) if asked.keys() & set(FORM) else start
    except (ApiError, ValueError) as error:
        fault = f"The form could not be filled from the address: {error}"
    if start.experiment not in known:
        fault = f"No experiment called {start.experiment!r} is known here."
        start = Start(default_experiment(known).name, ())
    info = known[start.experiment]
    st.session_state["experiment"] = info.title
    fault = fill_options(asked) or fault
    searched = address_of_search(start.search) if start.search else {}
    fault = fill_search({**searched, **asked}) or fault
    _start_form(info, models, start)
    return fault


def default_experiment(known: Experiments) -> ExperimentInfo:
    return in_order(known)[0]


def in_order(known: Experiments) -> list[ExperimentInfo]:
    """Those with most recipes first."""
    return sorted(known.values(), key=lambda one: (-len(one.recipes), one.title))


def _start_form(info: ExperimentInfo, models: Models, start: Start) -> None:
    st.session_state[recipe_key(info)] = start.recipe if start.recipe in {one.name for one in info.recipes} else None
    st.session_state.pop(_recipe_grids(info), None)
    start_form(info, models, start)


def _start(known: Experiments, asked: Mapping[str, str]) -> Start:
    if "run" in asked:
        return of_run(client().run(UUID(asked["run"])))
    if "from_sweep" in asked:
        sweep = client().sweep(UUID(asked["from_sweep"]))
        search = sweep.search.settings if sweep.search else None
        return Start(sweep.experiment, sweep.grids, sweep.recipe, search)
    if "recipe" not in asked:
        grids = parse_grids(f"[{asked['grid']}]") if "grid" in asked else []
        return Start(asked.get("experiment", ""), tuple(grids))
    for info in known.values():
        for recipe in info.recipes:
            if recipe.name == asked["recipe"]:
                return of_recipe(recipe)
    raise ValueError(f"no recipe called {asked['recipe']!r}")
