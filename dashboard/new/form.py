"""The form of a sweep: its fields, or its grids as JSON, and the places where errors are shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.forms import widgets
from dashboard.forms.fields import (
    BadText,
    Field,
    config_fields,
    field_of,
    given,
    grids,
    is_rare,
    option_fields,
    written,
)
from dashboard.new.draft import Start, grids_text, parse_grids
from dashboard.words import literal
from mgic.records import DatasetInfo, ExperimentInfo, Grid, ModelInfo, Value, Worker, abilities_of

COLUMNS = 4
JSON_HEIGHT = 220  # pixels: the cells are in sight below it
JSON = "grids"  # the field of a form that is a union of grids


@dataclass
class Filled:
    """What the form holds.

    Args:
        grids: Without the fields that cannot be read; None where nothing can be asked with what is left.
        kept: The grids that fill the form again: one, unless it is a union.
        boxes: Where each field stands.
        heads: A place above each, for a link to lead to.
        wrong: The fields that have to be corrected, by name, and what is said of each.
        rare: Those behind "More fields".
    """

    grids: list[Grid] | None = None
    kept: list[Grid] = field(default_factory=list)
    boxes: dict[str, DeltaGenerator] = field(default_factory=dict)
    heads: dict[str, DeltaGenerator] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    rare: frozenset[str] = frozenset()

    def place(self, name: str, where: DeltaGenerator) -> DeltaGenerator:
        """The box of a field."""
        self.heads[name] = where.empty()
        self.boxes[name] = where.container(gap="small")
        return self.boxes[name]

    def refuse(self, name: str, words: str) -> None:
        """Say it under the field, and where a link can lead to it."""
        self.heads[name].html(f'<div id="{anchor(name)}" class="anchor"></div>')
        self.wrong.setdefault(name, words)
        self.boxes[name].error(literal(words), icon=":material/error:")

    def show_errors(self, errors: Sequence[Mapping[str, str]]) -> list[str]:
        """Put each error of the API under its field; returns those that have no place, in words."""
        left = []
        for error in errors:
            grid, name = field_of(error.get("pointer", ""))
            words = f"{name}: {error.get('detail', '')}" if name else error.get("detail", "")
            if name in self.boxes:
                self.refuse(name, words)
            else:
                left.append(words if grid is None else f"grid {grid + 1}, {words}")
        return left


def anchor(name: str) -> str:
    """Of a field that has to be corrected."""
    return f"field-{name.replace('_', '-')}"


def start_form(info: ExperimentInfo, models: Mapping[str, ModelInfo], start: Start) -> None:
    """Fill the widgets, before they are drawn, with one grid; or the editor, with a union."""
    st.session_state[f"{info.name}/as_json"] = not start.fits_the_form
    st.session_state[f"{info.name}/json"] = grids_text(start.grids)
    if start.fits_the_form:
        values = start.grids[0] if start.grids else {}
        chosen, _ = _found(values.get("model", []), models)
        fields = config_fields(info)
        chosen = chosen or [models[name] for name in _default_models(fields) if name in models]
        widgets.fill(info.name, [*fields, *option_fields(info, chosen)], values)


def sweep_form(
    info: ExperimentInfo,
    models: Mapping[str, ModelInfo],
    data: Mapping[str, DatasetInfo],
    runs: Mapping[str, str],
    online: Sequence[Worker],
) -> Filled:
    """The fields of an experiment.

    Args:
        info: Which one.
        models: To choose from.
        data: To choose from.
        runs: To choose from, where a field names one: ids, and what is shown for each.
        online: The workers, whose machines decide what some fields may be.
    """
    if st.session_state.get(f"{info.name}/as_json"):
        return _json_form(info)
    filled = Filled()
    lists = {
        "models": {name: one.task for name, one in models.items()},
        "datasets": {name: one.task for name, one in data.items()},
        "runs": runs,
    }
    fields = config_fields(info)
    of_run = widgets.leave_to_run(info.name, fields)
    common = [one for one in fields if not is_rare(one, info)]
    rare = [one for one in fields if is_rare(one, info)]
    places = _places()
    values = _draw(info.name, common, places, lists, filled, of_run)
    chosen, unknown = _found(values.get("model") or [], models)
    options = option_fields(info, chosen)
    values |= _draw(info.name, [one for one in options if not _is_set_by_data(one)], places, lists, filled)
    hidden = rare + [one for one in options if _is_set_by_data(one)]
    filled.rare = frozenset(one.name for one in hidden)
    if hidden:
        with _more(info.name, hidden):
            values |= _draw(info.name, hidden, _places(), lists, filled)
    for words in unknown:
        filled.refuse("model", words)
    if not (unknown or chosen or of_run) and "model" in filled.boxes:
        filled.refuse("model", "Choose at least one model.")
    filled.kept = [given(values, [*fields, *options])]
    if "model" not in filled.wrong:
        filled.grids = grids(values, [*fields, *options], chosen)
    _say_of_data(values.get("dataset") or [], data, filled)
    _say_of_workers(info, values, online, filled)
    return filled


def open_if_wrong(info: ExperimentInfo, filled: Filled) -> None:
    """A field that has to be corrected is not out of sight."""
    if filled.rare & filled.wrong.keys() and not st.session_state.get(_more_key(info.name)):
        st.session_state[f"{info.name}/open more"] = True
        st.rerun()


def _places() -> Iterator[DeltaGenerator]:
    """One beside the other, in as many rows as are asked for."""
    while True:
        yield from st.columns(COLUMNS)


def _draw(
    experiment: str,
    fields: Sequence[Field],
    places: Iterator[DeltaGenerator],
    lists: widgets.Lists,
    filled: Filled,
    of_run: bool = False,
) -> dict[str, list[Value]]:
    """What each holds; one that cannot be read is refused, and is not among them."""
    values: dict[str, list[Value]] = {}
    for one in fields:
        box = filled.place(one.name, next(places).container(gap=None))
        try:
            with box:
                values[one.name] = widgets.draw(experiment, one, lists, of_run)
        except BadText as error:
            filled.refuse(one.name, str(error))
    return values


def _json_form(info: ExperimentInfo) -> Filled:
    filled = Filled()
    st.caption("A union of grids: each is multiplied out on its own. It is run as it stands; values may be changed.")
    with filled.place(JSON, st.container(gap=None)):
        text = st.text_area("Grids (JSON)", key=f"{info.name}/json", height=JSON_HEIGHT, persist_state="session")
    try:
        filled.grids = filled.kept = parse_grids(text)
    except BadText as error:
        filled.refuse(JSON, str(error))
    return filled


def _say_of_data(names: Sequence[Value], data: Mapping[str, DatasetInfo], filled: Filled) -> None:
    """What is not there or cannot be read, and what may not be used for everything."""
    for one in [data[str(name)] for name in names if str(name) in data and "dataset" in filled.boxes]:
        if not one.present:
            what = "cannot be read" if one.problem else "is not on the server"
            words = literal(f"{one.name} {what}. {one.how_to_get}")
            filled.boxes["dataset"].warning(words, icon=":material/download:")
        if one.licence:
            filled.boxes["dataset"].caption(literal(f"{one.name}: {one.licence}"))


def _say_of_workers(
    info: ExperimentInfo, values: Mapping[str, Sequence[Value]], online: Sequence[Worker], filled: Filled
) -> None:
    """What none of those that would take the runs can do; nothing while one of them has not told."""
    takers = [worker for worker in online if worker.queue == info.queue]
    able = [worker.able for worker in takers if worker.able]
    for name, ability in abilities_of(info.config_schema).items() if able and len(able) == len(takers) else ():
        for value in values.get(name) or ():
            if all(reasons := [one.why_not(ability, value) for one in able]):
                words = f"{value}: no worker of the queue {info.queue} that is online has it. {reasons[0]}"
                filled.boxes[name].warning(literal(words), icon=":material/memory:")


def _found(names: Sequence[Value], models: Mapping[str, ModelInfo]) -> tuple[list[ModelInfo], list[str]]:
    """The models, and of each name that is none what is said of it."""
    chosen, unknown = [], []
    for name in names:
        try:
            chosen.append(models[str(name)])
        except KeyError as error:
            unknown.append(str(error.args[0]))
    return chosen, unknown


def _is_set_by_data(one: Field) -> bool:
    return one.name in ("num_classes", "in_channels", "out_channels")


def _more(experiment: str, fields: Sequence[Field]) -> DeltaGenerator:
    """Its title tells which rare fields differ from their default, so that none is changed out of sight."""
    if st.session_state.pop(f"{experiment}/open more", False):
        st.session_state[_more_key(experiment)] = True
    changed = [
        one.name
        for one in fields
        if st.session_state.get(widgets.key(experiment, one.name), widgets.initial(one)) != widgets.initial(one)
    ]
    title = f"More fields ({len(changed)} changed: {literal(', '.join(changed))})" if changed else "More fields"
    return st.expander(title, key=_more_key(experiment), icon=":material/tune:", on_change="rerun")


def _more_key(experiment: str) -> str:
    return f"{experiment}/more"


def _default_models(fields: Sequence[Field]) -> list[str]:
    return [written(one.default) for one in fields if one.name == "model"]
