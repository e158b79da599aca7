"""One widget for each field of a form; what is in them survives in the session."""

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.forms.fields import Field, parse, written
from dashboard.words import literal
from mgic.records import Axis, Value

# Behind "models" and "datasets": each name with the task it is for; behind "runs": each id with what is shown for it.
Lists = Mapping[str, Mapping[str, str]]


OTHER_NAMES = " Any other name may be typed, such as timm/convnext_atto."


def key(experiment: str, name: str) -> str:
    return f"{experiment}:{name}"


def fill(experiment: str, fields: Sequence[Field], values: Mapping[str, Axis]) -> None:
    """Put values into the widgets before they are drawn; fields not named get their default, or, a choice beside a
    named run, nothing: it is the run's then."""
    named = any(values.get(field.name) for field in fields if field.of)
    st.session_state[_names_run(experiment)] = named
    for field in fields:
        axis = values.get(field.name)
        empty = [] if named and field.choices else initial(field)
        st.session_state[key(experiment, field.name)] = _state(field, axis) if axis else empty


def leave_to_run(experiment: str, fields: Sequence[Field]) -> bool:
    """Call before the widgets are drawn; returns whether a run is named. As soon as one is, the choices that were left
    at their default are emptied, so that what is chosen after that is asked for, the default too."""
    named = any(st.session_state.get(key(experiment, field.name)) for field in fields if field.of)
    if named != st.session_state.get(_names_run(experiment), False):
        st.session_state[_names_run(experiment)] = named
        for field in [one for one in fields if one.choices]:
            before, after = (initial(field), []) if named else ([], initial(field))
            if st.session_state.get(key(experiment, field.name), before) == before:
                st.session_state[key(experiment, field.name)] = after
    return named


def _names_run(experiment: str) -> str:
    return f"{experiment}/names a run"


def initial(field: Field) -> str | list[str]:
    """What the widget holds before anybody touches it."""
    return _state(field, [field.default] if field.has_default else [])


def draw(experiment: str, field: Field, lists: Lists, of_run: bool = False) -> list[Value]:
    """The widget; returns its axis, empty for the default, or, `of_run`, for what the run has that is named. Raises
    `BadText` after drawing it."""
    state = key(experiment, field.name)
    st.session_state.setdefault(state, initial(field))
    label = literal(field.label)
    about = literal(field.help)
    options = _options(field, lists)
    if options is not None:
        hint = "that of the run" if of_run and field.choices else _placeholder(field)
        return _multiselect(label, field, options, state, about, hint, lists["runs"] if field.of else {})
    hint = " Lists are separated by semicolons." if field.kind == "array" else " Values are separated by commas."
    text = st.text_input(
        label, key=state, help=about + literal(hint), placeholder=_placeholder(field), persist_state="session"
    )
    return parse(field, text)


def _multiselect(
    label: str, field: Field, options: Sequence[str], state: str, about: str, hint: str, shown: Mapping[str, str]
) -> list[Value]:
    free = field.choices == "models" or bool(field.of)  # of another package, converted, with options; an older run
    if free:
        about += " The id of any other run may be typed." if field.of else literal(OTHER_NAMES)
    chosen = st.multiselect(
        label,
        options,
        key=state,
        help=about,
        accept_new_options=free,
        format_func=lambda one: shown.get(one, one),
        placeholder=hint,
        persist_state="session",
    )
    if field.kind == "array":
        return [list(chosen)] if chosen else []
    by_text: dict[str, Value] = {written(one): one for one in field.enum}
    if field.kind == "boolean":
        by_text = {"false": False, "true": True}
    return [by_text.get(one, one) for one in chosen]


def _options(field: Field, lists: Lists) -> list[str] | None:
    if field.of:
        return list(lists["runs"])
    if field.choices:
        return [name for name, task in lists[field.choices].items() if field.task in ("", task)]
    if field.kind == "boolean":
        return ["false", "true"]
    return [written(one) for one in field.enum if one is not None] or None


def _state(field: Field, axis: Sequence[Value]) -> str | list[str]:
    if field.kind == "array" and field.choices:
        return [str(one) for values in axis for one in (values if isinstance(values, list) else [values])]
    if field.choices or field.enum or field.of or field.kind == "boolean":
        return [written(one) for one in axis if one is not None]
    if field.kind == "array":
        return "; ".join(written(one) for one in axis)
    texts = ["none" if one is None else written(one) for one in axis]
    return "" if texts == ["none"] else ", ".join(texts)


def _placeholder(field: Field) -> str:
    if field.has_default:
        return f"default: {written(field.default) or 'none'}"
    return "default of each model"
