"""What a sweep has besides its grids: a name, a priority, whether it reuses results, and what follows each run."""

import json
import re
from collections.abc import Mapping

import streamlit as st

from dashboard.forms.fields import BadText, config_fields
from dashboard.new.draft import Extras, parse_grids
from dashboard.new.form import Filled
from dashboard.words import literal
from mgic.records import NAME_PATTERN, ExperimentInfo, Grid, SweepRequest, ThenRequest

OPTIONS = ("name", "priority", "reuse", "then", "then_grid")  # in the address; the keys of the widgets too
PRIORITY: int = SweepRequest.model_fields["priority"].default
BAD_NAME = "A name has letters, digits, spaces and . _ - , begins with a letter or digit, and has at most 120 of them."


def fill_options(asked: Mapping[str, str]) -> str | None:
    """Put what an address says into the widgets, before they are drawn; returns what is wrong with it, in words."""
    priority = asked.get("priority", str(PRIORITY))
    known = priority in set("0123456789")
    filled = {
        "name": asked.get("name", ""),
        "priority": int(priority) if known else PRIORITY,
        "reuse": "reuse" in asked,
        "then": asked.get("then"),
        "then_grid": asked.get("then_grid", ""),
    }
    st.session_state.update({_key(name): value for name, value in filled.items()})
    return None if known else f"priority={priority} is no number from 0 to 9"


def options_form(info: ExperimentInfo, known: Mapping[str, ExperimentInfo], filled: Filled) -> Extras:
    """Draw them, closed until one is wanted; what cannot be read is refused in `filled`."""
    uses = uses_of(info, known)
    if st.session_state.get(_key("then")) not in uses:
        st.session_state[_key("then")] = None
    changed = [name for name, value in values_of_options().items() if value not in ("", None, False, PRIORITY)]
    title = "Name, priority, reuse, what follows" + (f" ({', '.join(changed)} set)" if changed else "")
    with st.expander(title, icon=":material/label:", key="options"):
        first, second, third = st.columns([2, 1, 1], vertical_alignment="bottom")
        with filled.place("name", first.container(gap=None)):
            name = st.text_input("Name of the sweep", key=_key("name"), placeholder="optional", persist_state="session")
        about = "0 is served first, 9 last"
        priority = second.slider("Priority", 0, 9, key=_key("priority"), help=about, persist_state="session")
        about = "Cells that were run before are not run again."
        reuse = third.checkbox("Reuse results already there", key=_key("reuse"), help=about, persist_state="session")
        then = _then(uses, filled) if uses else None
    if name.strip() and not re.fullmatch(NAME_PATTERN, name.strip()):
        filled.refuse("name", BAD_NAME)
        name = ""
    return Extras(name.strip(), priority, reuse, then=then)


def options_address() -> dict[str, str]:
    """What the address has to say of them."""
    told = {name: value for name, value in values_of_options().items() if value not in ("", None, False, PRIORITY)}
    told.pop("then_grid" if "then" not in told else "", None)
    return {name: "yes" if value is True else str(value).strip() for name, value in told.items()}


def uses_of(info: ExperimentInfo, known: Mapping[str, ExperimentInfo]) -> dict[str, tuple[ExperimentInfo, str]]:
    """The experiments that take such runs as their input, and the field that names the run, by what a box shows."""
    found = [(one, field.name) for one in known.values() for field in config_fields(one) if info.name in field.of]
    several = {one.name for one, _ in found if sum(one is other for other, _ in found) > 1}
    return {one.title + (f" ({field})" if one.name in several else ""): (one, field) for one, field in found}


def _then(uses: Mapping[str, tuple[ExperimentInfo, str]], filled: Filled) -> ThenRequest | None:
    first, second = st.columns(2)
    about = "As soon as a run has ended, it is the input of a run of this experiment, in a second sweep."
    with first:
        chosen = st.selectbox(
            "When a run has ended",
            list(uses),
            index=None,
            key=_key("then"),
            help=about,
            placeholder="nothing follows",
            persist_state="session",
        )
    box = filled.place("then", second.container(gap=None))
    if chosen is None:
        return None
    experiment, field = uses[chosen]
    with box:
        text = st.text_input(
            f"Its fields, as JSON: {literal(_example(experiment, field))}",
            key=_key("then_grid"),
            placeholder="its defaults",
            persist_state="session",
        )
    try:
        grids = parse_grids(f"[{text}]")
    except BadText as error:
        filled.refuse("then", str(error))
        return None
    return _request(experiment, field if len(_inputs(experiment)) > 1 else None, grids)


def _request(experiment: ExperimentInfo, field: str | None, grids: list[Grid]) -> ThenRequest:
    given: dict[str, object] = {"experiment": experiment.name}
    given |= {"input": field} if field else {}
    given |= {"axes": grids[0]} if len(grids) == 1 else {"grids": grids} if grids else {}
    return ThenRequest.model_validate(given)


def _inputs(experiment: ExperimentInfo) -> list[str]:
    return [one.name for one in config_fields(experiment) if one.of]


def _example(experiment: ExperimentInfo, field: str) -> str:
    """Of the first field that may be varied."""
    name = next(one.name for one in config_fields(experiment) if one.name != field and one.has_default and not one.of)
    default = next(one.default for one in config_fields(experiment) if one.name == name)
    return json.dumps({name: [default]})


def values_of_options() -> dict[str, object]:
    """What their widgets hold."""
    return {name: st.session_state.get(_key(name)) for name in OPTIONS}


def _key(name: str) -> str:
    return f"sweep {name}"
