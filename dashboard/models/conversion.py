"""The part of a model's page that holds a network against the same one with its blocks in MGIC."""

import json

import pandas as pd
import streamlit as st

from dashboard.connection import models
from dashboard.forms.fields import Field
from dashboard.models.cost import converted_table, left_table
from dashboard.models.form import INPUT, fields_of
from dashboard.pages import NEW_SWEEP, prose
from dashboard.plots.shown import show_plot
from dashboard.words import literal
from mgic.client import ApiError, Client
from mgic.figures.cost_share import Count
from mgic.figures.scenes.model import conversion_plot
from mgic.figures.words import si
from mgic.records import Config, ConversionReport, ModelCost, ModelInfo

PREFIX = "mgic/"
RULE = ("group_size", "coarsest_size", "coarsening")
NOTHING = "nothing_convertible"  # the code of the error that says so
WHAT = (
    "Every block that gives back as many channels as it gets is replaced by a hierarchy of itself: halved again and"
    " again down to about coarsest_size channels, where one block mixes all of them; the wider levels work in groups of"
    " group_size channels. What changes the number of channels or the resolution stays as it was."
)


def rule_fields(api: Client, info: ModelInfo) -> list[Field]:
    """The options of the hierarchy that a network has once it is converted; none where it is MGIC already."""
    if info.name.startswith(PREFIX):
        return []
    try:
        found = models(api)[PREFIX + info.name]
    except KeyError:
        return []
    return [field for field in fields_of(found) if field.name in RULE]


def show_nothing(error: ApiError) -> bool:
    """Whether the error is that nothing can be converted; then it is told with the reasons, one a line."""
    found = next((fault for fault in error.errors if fault.get("code") == NOTHING), None)
    if found is None:
        return False
    what, _, reasons = str(found.get("detail", "")).partition("converted: ")
    lines = "".join(f"\n- {literal(reason)}" for reason in reasons.split("; "))
    st.info(f"{literal(what)}converted. What it has of layers that mix channels, and why each stays:\n{lines}")
    return True


def show_totals(cost: ModelCost, report: ConversionReport) -> None:
    """Both networks in numbers."""
    with st.container(horizontal=True):
        _pair("Parameters", cost.params, report.saved_params)
        _pair("MACs", cost.macs, report.saved_macs)
        st.metric("Blocks converted", len(report.converted), width=148)
        st.metric("Parts left", len(report.left), width=148)
    prose("From the original to the one in MGIC. This is cost alone: what accuracy comes of it, a training tells.")


def show_parts(report: ConversionReport, count: Count) -> None:
    """Both networks block by block, and what became of each."""
    show_plot(conversion_plot(report, count), "model")
    _table("What was converted", converted_table(report), "converted", "Blocks with their cost before and after")
    _table("What was left, and why", left_table(report), "left", "Parts that stay as they were, with the reason")
    prose("The figures of a row are those of one block of it, for one sample, batch 1.")


def links(original: str, given: Config, experiment: str | None) -> None:
    """To the page of the converted network, and to a sweep that trains both."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(f"Open {literal(PREFIX + original)}", icon=":material/layers:", on_click=_open, args=(original,))
        if experiment is not None:
            options = {name: [value] for name, value in given.items() if name not in INPUT}
            grid = json.dumps({"model": [original, PREFIX + original]} | options)
            sweep = {"experiment": experiment, "grid": grid}
            st.page_link(NEW_SWEEP, label="Train both", icon=":material/compare_arrows:", query_params=sweep)


def _open(original: str) -> None:
    """The same options stand in the address of the other page."""
    st.query_params["model"] = PREFIX + original


def _pair(label: str, after: int, saved: int) -> None:
    before = after + saved
    st.metric(
        label,
        f"{si(before, 4)} → {si(after, 4)}",
        f"{100 * (after / before - 1):+.1f} %" if before else None,
        delta_color="inverse",
        help=f"{before:,} → {after:,}: {after / before:.1%} of the original" if before else None,
        width=215,
    )


def _table(title: str, table: pd.DataFrame, key: str, alt: str) -> None:
    st.markdown(f"**{title}**")
    numbers = [name for name in table if pd.api.types.is_numeric_dtype(table[name])]
    config = {name: st.column_config.NumberColumn(name, format="localized") for name in numbers}
    st.dataframe(table, hide_index=True, key=key, alt=alt, column_config=config)
