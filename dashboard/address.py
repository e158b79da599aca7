"""The switches of a page: widgets that stand in its address, so that Back, reload and a shared address find them again.

Streamlit's own `bind="query-params"` takes all parameters of a page out of the browser's history
when the page is left: Back would then lead to a page about nothing.
"""

from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.words import literal
from mgic.figures.switches import BETWEEN, Switch, read, words
from mgic.records import Value

FEW = 5  # options that stand side by side; more go into a box
ROOM = 34  # characters of them


def key(scope: str, name: str) -> str:
    """Of the widget behind the parameter `name`; `scope` sets the same name on other pages apart."""
    return f"{scope}/{name}"


def switches(scope: str, given: Sequence[Switch]) -> dict[str, str]:
    """Draw them in a row; returns the text of each. What an address has wrong is said, and stays until it is changed.

    Args:
        scope: The page, or the part of it that these are of.
        given: In the order of the row.
    """
    asked = {one.name: st.query_params[one.name] for one in given if one.name in st.query_params}
    values, faults = read(given, asked)
    for fault in faults:
        st.warning(literal(fault), icon=":material/link_off:")
    follow(scope, {one.name: _state(one, values[one.name]) for one in given})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = {one.name: _widget(scope, one, values[one.name]) for one in given}
    wrong = {one.name for one in given if one.name in asked and one.fault(asked[one.name])}
    # A default that an address names stays: to take it away would be a step, to which Back would lead for ever.
    texts = {
        one.name: None if chosen[one.name] == one.default != asked.get(one.name) else chosen[one.name] for one in given
    }
    keep(scope, {name: asked[name] if name in wrong and text is None else text for name, text in texts.items()})
    return chosen


def follow(scope: str, values: Mapping[str, Value]) -> None:
    """Call before the widgets are drawn: fills those that are new, and all where only the address has changed.

    Args:
        scope: See `key`.
        values: What the address says of each widget, its default where it says nothing.
    """
    widgets = {key(scope, name): value for name, value in values.items()}
    address, held = st.session_state.get(_last(scope), ({}, {}))
    moved = address != _mine(values)
    touched = any(st.session_state.get(name) != value for name, value in held.items() if name in st.session_state)
    for name, value in widgets.items():
        if name not in st.session_state or (moved and not touched):
            st.session_state[name] = value


def keep(scope: str, texts: Mapping[str, str | None]) -> None:
    """Call after they are drawn: each goes into the address, or, None, out of it."""
    for name, text in texts.items():
        if text is None and name in st.query_params:
            del st.query_params[name]
        elif text is not None and st.query_params.get(name) != text:
            st.query_params[name] = text
    address, held = st.session_state.get(_last(scope), ({}, {}))
    address = {name: text for name, text in address.items() if name not in texts} | _mine(texts)
    held |= {key(scope, name): st.session_state.get(key(scope, name)) for name in texts}
    st.session_state[_last(scope)] = (address, held)


def turn(parameters: Mapping[str, str | None]) -> None:
    """For a button: the same page with these parameters, or, None, without them. A link to the page it stands on
    would leave the address as it is."""
    there = st.query_params.to_dict()
    wanted = {name: text for name, text in {**there, **parameters}.items() if text is not None}
    if wanted != there:  # all at once: each change is a step of Back
        st.query_params.from_dict(wanted)


def _last(scope: str) -> str:
    """Where the parameters at the end of the last run are kept, with what the widgets held."""
    return f"last address/{scope}"


def _mine(names: Mapping[str, object]) -> dict[str, str]:
    return {name: st.query_params[name] for name in names if name in st.query_params}


def _state(one: Switch, text: str) -> Value:
    """What the widget holds for a text."""
    if one.bounds is not None:
        return float(text)
    if one.many:
        return [one.options[word] for word in words(text) if word in one.options]
    return one.options.get(text, text) if one.options else text


def _widget(scope: str, one: Switch, text: str) -> str:
    """Drawn; returns the text of what it holds."""
    state, title, about = key(scope, one.name), literal(one.title), literal(one.help) or None
    if one.bounds is not None:
        low, high, step = one.bounds
        return f"{st.slider(title, low, high, step=step, key=state, help=about, width=220):g}"
    if not one.options:
        return str(st.text_input(title, key=state, help=about, width=44 + 8 * one.letters)).strip()
    by_words = {shown: word for word, shown in one.options.items()}
    shown = list(by_words)
    few = len(shown) <= FEW and sum(map(len, shown)) <= ROOM and shown == [literal(text) for text in shown]
    short = one.side_by_side or few  # what stands side by side is read as Markdown
    if one.many:
        st.session_state[state] = [name for name in st.session_state[state] if name in by_words]
        if short:
            found = st.pills(title, shown, selection_mode="multi", key=state, help=about)
        else:
            found = st.multiselect(title, shown, key=state, help=about, width=360)
        return BETWEEN.join(by_words[name] for name in shown if name in found)
    if st.session_state[state] not in by_words:  # what it held is no option any more
        st.session_state[state] = one.options.get(text, shown[0])
    if short:
        return by_words[st.segmented_control(title, shown, required=True, key=state, help=about) or shown[0]]
    width = min(420, 90 + 8 * max(map(len, shown)))
    return by_words[st.selectbox(title, shown, key=state, help=about, width=width)]
