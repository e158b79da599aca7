"""Widgets that stand in the address, on a page that the Back button finds again.

Streamlit's own `bind="query-params"` takes all parameters of a page out of the browser's history
when the page is left: Back would then lead to a page about nothing.
"""

from collections.abc import Mapping

import streamlit as st

from mgic.records import Value

LAST = "last address"  # the parameters at the end of the last run, and what the widgets held


def key(scope: str, name: str) -> str:
    """Of the widget behind the parameter `name`; `scope` sets the same name on other pages apart."""
    return f"{scope}/{name}"


def follow(scope: str, values: Mapping[str, Value]) -> None:
    """Call before the widgets are drawn: fills those that are new, and all where only the address has changed.

    Args:
        scope: See `key`.
        values: What the address says of each widget, its default where it says nothing.
    """
    widgets = {key(scope, name): value for name, value in values.items()}
    address, held = st.session_state.get(LAST, ({}, {}))
    moved = address != dict(st.query_params)
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
    _, held = st.session_state.get(LAST, ({}, {}))
    mine = {one: value for one, value in held.items() if one.startswith(f"{scope}/")}
    mine |= {key(scope, name): st.session_state.get(key(scope, name)) for name in texts}
    st.session_state[LAST] = (dict(st.query_params), mine)
