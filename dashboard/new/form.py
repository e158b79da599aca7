"""The form of a sweep: its fields, or its grids as JSON, and the places where errors are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.forms import widgets
from dashboard.forms.fields import BadText, Field, config_fields, field_of, grids, is_rare, option_fields, written
from dashboard.new.draft import Start, grids_text, parse_grids
from dashboard.words import literal
from mgic.records import DatasetInfo, ExperimentInfo, Grid, ModelInfo, Value

COLUMNS = 3


@dataclass
class Filled:
    """What the form holds; `grids` is None where it cannot be read, and the form says why."""

    grids: list[Grid] | None = None
    boxes: dict[str, DeltaGenerator] = field(default_factory=dict)  # by field

    def show_errors(self, errors: Sequence[Mapping[str, str]]) -> list[str]:
        """Put each error of the API under its field; returns those that have no place, in words."""
        left = []
        for error in errors:
            grid, name = field_of(error.get("pointer", ""))
            words = f"{name}: {error.get('detail', '')}" if name else error.get("detail", "")
            if name in self.boxes:
                self.boxes[name].error(literal(words), icon=":material/error:")
            else:
                left.append(words if grid is None else f"grid {grid + 1}, {words}")
        return left


def start_form(info: ExperimentInfo, models: Mapping[str, ModelInfo], start: Start) -> None:
    """Fill the widgets, before they are drawn, with one grid; or the editor, with a union."""
    st.session_state[f"{info.name}/as_json"] = not start.fits_the_form
    st.session_state[f"{info.name}/json"] = grids_text(start.grids)
    if start.fits_the_form:
        values = start.grids[0] if start.grids else {}
        chosen = [models[str(name)] for name in values.get("model", []) if name in models]
        fields = config_fields(info)
        chosen = chosen or [models[name] for name in _default_models(fields) if name in models]
        widgets.fill(info.name, [*fields, *option_fields(info, chosen)], values)


def sweep_form(
    info: ExperimentInfo,
    models: Mapping[str, ModelInfo],
    data: Mapping[str, DatasetInfo],
    runs: Mapping[str, str],
) -> Filled:
    """The fields of an experiment.

    Args:
        info: Which one.
        models: To choose from.
        data: To choose from.
        runs: To choose from, where a field names one: ids, and what is shown for each.
    """
    if st.session_state.get(f"{info.name}/as_json"):
        return _json_form(info)
    filled = Filled()
    lists = {
        "models": {name: one.task for name, one in models.items()},
        "datasets": {name: one.task for name, one in data.items()},
        "runs": runs,
    }
    common = [one for one in config_fields(info) if not is_rare(one, info)]
    rare = [one for one in config_fields(info) if is_rare(one, info)]
    values = _draw(info.name, common, lists, filled)
    chosen, unknown = _found(values.get("model") or [], models)
    options = option_fields(info, chosen)
    usual = [one for one in options if not _is_set_by_data(one)]
    if usual:
        st.caption("Options of the chosen models. Each goes only to the models that have it.")
        values |= _draw(info.name, usual, lists, filled)
    hidden = rare + [one for one in options if _is_set_by_data(one)]
    if hidden:
        with st.expander(_more(info.name, hidden), icon=":material/tune:"):
            values |= _draw(info.name, hidden, lists, filled)
    for words in unknown:
        filled.boxes["model"].error(literal(words), icon=":material/error:")
    if unknown or any(axis is None for axis in values.values()):
        return filled
    if any(one.name == "model" for one in common) and not chosen:
        filled.boxes["model"].error("Choose at least one model.", icon=":material/error:")
        return filled
    known = {name: axis for name, axis in values.items() if axis is not None}
    filled.grids = grids(known, [*common, *rare, *options], chosen)
    if "model" in filled.boxes and any(one.of and known.get(one.name) for one in common):
        filled.boxes["model"].info(
            "Where a run is named, the model, its options and the data are those of the run, as long as their fields "
            "stand at the defaults."
        )
    _say_of_data(values.get("dataset") or [], data, filled)
    return filled


def _draw(
    experiment: str, fields: Sequence[Field], lists: widgets.Lists, filled: Filled
) -> dict[str, list[Value] | None]:
    values: dict[str, list[Value] | None] = {}
    for begin in range(0, len(fields), COLUMNS):
        for column, one in zip(st.columns(COLUMNS), fields[begin : begin + COLUMNS], strict=False):
            with column:
                filled.boxes[one.name] = st.container(gap="small")
                with filled.boxes[one.name]:
                    values[one.name] = _axis(experiment, one, lists)
    return values


def _axis(experiment: str, one: Field, lists: widgets.Lists) -> list[Value] | None:
    try:
        return widgets.draw(experiment, one, lists)
    except BadText as error:
        st.error(literal(error), icon=":material/error:")
        return None


def _json_form(info: ExperimentInfo) -> Filled:
    filled = Filled()
    st.info(
        "This preset is a union of grids: each grid is multiplied out on its own. It is submitted as it stands below; "
        "change values there if you like.",
        icon=":material/dataset:",
    )
    text = st.text_area("Grids (JSON)", key=f"{info.name}/json", height="content", persist_state="session")
    try:
        filled.grids = parse_grids(text)
    except BadText as error:
        st.error(literal(error), icon=":material/error:")
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


def _more(experiment: str, fields: Sequence[Field]) -> str:
    """How many rare fields differ from their default, so that none is changed out of sight."""
    changed = [
        one.name
        for one in fields
        if st.session_state.get(widgets.key(experiment, one.name), widgets.initial(one)) != widgets.initial(one)
    ]
    return f"More fields ({len(changed)} changed: {literal(', '.join(changed))})" if changed else "More fields"


def _default_models(fields: Sequence[Field]) -> list[str]:
    return [written(one.default) for one in fields if one.name == "model"]
