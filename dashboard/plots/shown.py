"""How plots stand on a page: side by side as the window allows, each with its caption, its numbers and its files."""

import csv
import io
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from dashboard.pages import prose
from dashboard.theme import look, show
from mgic.figures.chromium import browser_missing
from mgic.figures.export import FORMATS, WIDTHS, caption, file_name, file_of
from mgic.figures.plot import Plot
from mgic.figures.provenance import provenance, runs_of
from mgic.records import csv_cell

SMALL = 300  # pixels high
MOST_NAMED, LEGEND_ROW = 4, 20  # entries of the legend of a small plot, and pixels of each
SEEN = 8  # rows of the numbers, without scrolling


def show_plots(plots: Sequence[Plot], scope: str, of: object = ()) -> None:
    """Two beside each other from 1280 pixels on, three from 1680; a wide one has a row of its own.

    Args:
        plots: In the order of the page.
        scope: Sets plots of the same name on one page apart.
        of: What they are made of: the runs in it are named where the plots go into files.
    """
    with st.container(key=f"plots-{scope}"):
        for plot in plots:
            with st.container(key=f"{'wide' if plot.wide else 'plot'}-{scope}-{plot.name}"):
                show_plot(plot, scope, of)


def show_plot(plot: Plot, scope: str, of: object = (), select: bool = False, share: float | None = None) -> Any:
    """A figure, its caption, and a menu with the numbers and the files; with `select` its points can be marked, see
    `show`; `share` of the page's width is its own, if it is not one of several side by side."""
    name = f"{scope}-{plot.name}"
    event = show(plot.draw(look(share or (1.0 if plot.wide else None))), name, plot.alt, select)
    if plot.caption:
        prose(plot.caption)
    menu = st.popover("Numbers and files", icon=":material/download:", key=f"{name}-numbers", on_change="rerun")
    with menu:
        if menu.open:
            _offer_files(plot, name)
            st.code(caption(plot, provenance(runs_of(of)), page_address()), language=None, wrap_lines=True)
            rows = plot.rows()
            label, file = "Numbers as CSV", f"{plot.name}.csv"
            st.download_button(label, as_csv(rows), file, "text/csv", key=f"{name}-csv", on_click="ignore")
            height = 38 + 35 * min(len(rows), SEEN)
            st.dataframe(rows, hide_index=True, alt=f"The numbers of {plot.title}", height=height)
    return event


def show_small(plot: Plot, key: str) -> None:
    """The figure alone and low, with a legend where that is short."""
    made = plot.draw(look())
    named = {trace.name for trace in made.data if trace.name and trace.showlegend is not False}
    legend = 1 < len(named) <= MOST_NAMED
    height = SMALL + LEGEND_ROW * len(named) if legend else SMALL
    made.update_layout(height=height, showlegend=legend, margin_b=8)
    show(made, key, plot.alt)


def page_address() -> str:
    """Of this page with what its switches say, as `mgic figure` takes it."""
    where = (st.context.url or "").partition("?")[0]
    asked = urlencode(st.query_params.to_dict())
    return f"{where}?{asked}" if where and asked else where


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """The columns of all rows, in the order in which they come."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows({name: csv_cell(one) for name, one in row.items()} for row in rows)
    return text.getvalue()


def _offer_files(plot: Plot, name: str) -> None:
    """Each is drawn when it is asked for, as `mgic figure` draws it."""
    if missing := browser_missing():
        prose(f"{missing}.")
        return
    for width in WIDTHS:
        with st.container(horizontal=True, vertical_alignment="center"):
            for kind, media_type in FORMATS.items():
                st.download_button(
                    f"{kind.upper()} {width} mm",
                    partial(file_of, plot, kind, width),
                    file_name(plot, kind, width),
                    media_type,
                    key=f"{name}-{kind}-{width}",
                    on_click="ignore",
                )
