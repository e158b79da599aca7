"""The bar that stays in sight: Run, how many cells and at what cost, and what keeps them from running."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.new.form import Filled, anchor
from dashboard.words import literal


def run_bar() -> DeltaGenerator:
    """Before everything else of the page, so that a few keys lead to it; `show_bar` fills it when all is known."""
    return st.container(key="run-bar", horizontal=True, vertical_alignment="center", gap="small")


def show_bar(bar: DeltaGenerator, label: str, said: str, filled: Filled, problems: Sequence[str]) -> bool:
    """Whether Run was clicked. It cannot be while there is something to correct.

    Args:
        bar: See `run_bar`.
        label: Of the button.
        said: Count and cost, as Markdown.
        filled: Its wrong fields are counted, and the first one is linked.
        problems: What is wrong and belongs to no field.
    """
    stuck = bool(filled.wrong or problems)
    with bar:
        clicked = st.button(label, type="primary", icon=":material/play_arrow:", disabled=stuck or not said, key="run")
        if filled.wrong:
            first = next(name for name in filled.boxes if name in filled.wrong)
            count = len(filled.wrong)
            st.markdown(f"[**{count} field{'s' if count > 1 else ''} to correct**](#{anchor(first)})", width="content")
        st.markdown(said or "**- cells**", width="content")
        for words in problems:
            st.error(literal(words), icon=":material/error:")
    return clicked
