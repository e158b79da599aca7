"""The options of one model as widgets that stand in the address, and what is wrong with an address."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import inf
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.address import keep, key
from dashboard.connection import models_of
from dashboard.forms.fields import BadText, Field, model_fields, parse, written
from dashboard.words import literal
from mgic.client import ApiError, Client, Unreachable
from mgic.records import Config, ModelInfo, Value

COLUMNS = 4
INPUT = ("in_channels", "num_classes", "out_channels")  # of the input and the task, not of the structure
SIDE = "side"
COUNTED = "counted"
COUNTS = ("MACs", "parameters")
MAX_SIDE = 4096  # of the experiment `cost`


@dataclass(frozen=True)
class Asked:
    """What the widgets hold: the options that differ from the model's defaults, and the side of the input."""

    options: Config
    side: int | None
    size: tuple[int, ...] | None  # of the input; None: what the model is made for
    boxes: dict[str, DeltaGenerator] = field(default_factory=dict)  # by option

    @property
    def of_input(self) -> Config:
        """Those options that say nothing of the structure."""
        return {name: value for name, value in self.options.items() if name in INPUT}

    def show_error(self, error: ApiError) -> None:
        """Each fault under its widget; one without a place where the page is."""
        for fault in error.errors or [{"detail": error.detail}]:
            box = self.boxes.get(fault.get("pointer", ""))
            (box or st).error(literal(fault.get("detail", "")), icon=":material/error:")


def choose_model(api: Client, registered: Iterable[str], name: str | None) -> None:
    """A box that finds every name as one types, those of packages too, takes any other, and opens the model."""
    state = f"model chosen/{name}"  # of the page it stands on: another page starts with its own name
    try:
        names = [info.name for info in models_of(api, "any")]
    except (ApiError, Unreachable):
        names = list(registered)
    names = list(dict.fromkeys([*([name] if name else []), *names]))
    st.selectbox(
        "Model",
        names,
        index=0 if name else None,
        key=state,
        accept_new_options=True,
        placeholder="A name, such as timm/convnext_atto",
        help="Type a part of a name, or a whole one: timm/NAME, torchvision/NAME, mgic/NAME or module:function.",
        on_change=_open,
        args=(state,),
        width=420,
    )


def _open(state: str) -> None:
    if chosen := st.session_state[state]:
        st.query_params.from_dict({"model": chosen})


def fields_of(info: ModelInfo) -> list[Field]:
    """What the page has widgets for: the model's options, the side of its input where that has one, the count."""
    found = [one for one in model_fields(info) if one.kind != "array"]
    sides = [_side(info)] if len(info.input_size) > 1 else []
    return [*found, *sides, Field(COUNTED, "string", "What the plots show", COUNTS[0], has_default=True, enum=COUNTS)]


def read(fields: Sequence[Field], given: Mapping[str, str]) -> tuple[dict[str, Value], list[str]]:
    """The value of each field, as the address has it or by default; and what cannot be read, in words."""
    values = {one.name: one.default for one in fields}
    by_name = {one.name: one for one in fields}
    faults = []
    for name, text in given.items():
        try:
            if name not in by_name:
                near = get_close_matches(name, by_name, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(by_name)}"
                raise BadText(f"This model has no option {name[:60]}: {hint}")
            values[name] = _read_one(by_name[name], text)
        except BadText as error:
            faults.append(str(error))
    return values, faults


def states(fields: Sequence[Field], values: Mapping[str, Value]) -> dict[str, Value]:
    """What each widget holds for its value: a choice holds its text."""
    return {one.name: written(values[one.name]) if one.enum else values[one.name] for one in fields}


def model_form(info: ModelInfo, fields: Sequence[Field], scope: str) -> Asked:
    """Draw the widgets, which `follow` has filled; options of the input are tucked away.

    What differs from its default then stands in the address. `scope`: see `dashboard.address`.
    """
    boxes: dict[str, DeltaGenerator] = {}
    usual = [one for one in fields if one.name not in (*INPUT, SIDE, COUNTED)]
    values = _draw(scope, usual, boxes)
    with st.expander("Input and classes", icon=":material/tune:"):
        values |= _draw(scope, [one for one in fields if one.name in (*INPUT, SIDE)], boxes)
    changed = {one.name: values[one.name] for one in fields if one.name in values and values[one.name] != one.default}
    keep(scope, {name: written(changed[name]) if name in changed else None for name in values})
    side = changed.pop(SIDE, None)
    options: Config = {name: value for name, value in changed.items() if value is not None}
    if not isinstance(side, int):
        return Asked(options, None, None, boxes)
    return Asked(options, side, (int(str(values["in_channels"])), *(side for _ in info.input_size[1:])), boxes)


def options_form(fields: Sequence[Field], scope: str) -> Config:
    """Draw further options, with those that differ from their defaults in the address; returns these."""
    values = _draw(scope, fields, {})
    changed = {one.name: values[one.name] for one in fields if values[one.name] != one.default}
    keep(scope, {name: written(changed[name]) if name in changed else None for name in values})
    return changed


def _side(info: ModelInfo) -> Field:
    what, unit = ("Points of a cloud", "points") if info.task == "point cloud" else ("Height and width", "pixels")
    made_for = " x ".join(map(str, info.input_size[1:]))
    about = f"{what} of the input; empty for what the model is made for, {made_for}"
    return Field(SIDE, "integer", about, None, nullable=True, unit=unit, low=1, high=MAX_SIDE)


def _read_one(one: Field, text: str) -> Value:
    if one.nullable and not text:
        return None
    if one.enum:
        by_text = {written(value): value for value in one.enum}
        if text not in by_text:
            raise BadText(f"{one.name}={text[:60]} should be {' or '.join(by_text)}")
        return by_text[text]
    found = parse(one, text)
    value = found[0] if len(found) == 1 else None
    low, high = one.low if one.low is not None else -inf, one.high if one.high is not None else inf
    if one.kind == "boolean" and not isinstance(value, bool):
        raise BadText(f"{one.name}={text[:60]} should be true or false")
    if one.kind in ("integer", "number") and not (isinstance(value, (int, float)) and low <= value <= high):
        raise BadText(f"{one.name}={text[:60]} should be a number from {low:g} to {high:g}")
    return value


def _draw(scope: str, fields: Sequence[Field], boxes: dict[str, DeltaGenerator]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for begin in range(0, len(fields), COLUMNS):
        for column, one in zip(st.columns(COLUMNS), fields[begin : begin + COLUMNS], strict=False):
            with column:
                boxes[one.name] = st.container(gap="small")
                with boxes[one.name]:
                    values[one.name] = _widget(one, key(scope, one.name))
    return values


def _widget(one: Field, state: str) -> Value:
    label, about = literal(one.label), literal(one.help)
    if one.enum:
        by_text = {written(value): value for value in one.enum}
        return by_text[st.selectbox(label, list(by_text), key=state, help=about)]
    if one.kind == "boolean":
        return st.toggle(label, key=state, help=about)
    if one.kind in ("integer", "number"):
        return _number(one, label, state, about)
    return st.text_input(label, key=state, help=about)


def _number(one: Field, label: str, state: str, about: str) -> Value:
    kind = int if one.kind == "integer" else float
    numbers = {"min_value": one.low, "max_value": one.high, "step": one.step or (1 if kind is int else 0.05)}
    given: dict[str, Any] = {name: None if number is None else kind(number) for name, number in numbers.items()}
    given |= {"value": None} if one.nullable else {}
    if st.session_state[state] is not None:
        st.session_state[state] = kind(st.session_state[state])  # all of one kind, as the widget wants it
    empty = "as made for" if one.name == SIDE else "default"
    value: int | float | None = st.number_input(label, key=state, help=about, placeholder=empty, **given)
    return value
