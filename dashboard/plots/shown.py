"""How plots stand on a page: side by side as the window allows, each with its caption and its numbers."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard.pages import prose
from dashboard.theme import look, show
from mgic.figures.plot import Plot
from mgic.records import csv_cell


def show_plots(plots: Sequence[Plot], scope: str) -> None:
    """Two beside each other from 1280 pixels on, three from 1680; a wide one has a row of its own.

    Args:
        plots: In the order of the page.
        scope: Sets plots of the same name on one page apart.
    """
    with st.container(key=f"plots-{scope}"):
        for plot in plots:
            with st.container(key=f"{'wide' if plot.wide else 'plot'}-{scope}-{plot.name}"):
                show_plot(plot, scope)


def show_plot(plot: Plot, scope: str, select: bool = False) -> Any:
    """A figure, its caption, and a menu with the numbers; with `select` its points can be marked, see `show`."""
    event = show(plot.draw(look()), f"{scope}-{plot.name}", plot.alt, select)
    if plot.caption:
        prose(plot.caption)
    with st.popover("Numbers", icon=":material/table:", key=f"{scope}-{plot.name}-numbers", on_change="rerun") as menu:
        if menu.open:
            rows = plot.rows()
            st.dataframe(rows, hide_index=True, alt=f"The numbers of {plot.title}")
            name = f"{plot.name}.csv"
            label = "As CSV"
            st.download_button(label, as_csv(rows), name, "text/csv", key=f"{scope}-{plot.name}-csv", on_click="ignore")
    return event


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """The columns of all rows, in the order in which they come."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows({name: csv_cell(one) for name, one in row.items()} for row in rows)
    return text.getvalue()
