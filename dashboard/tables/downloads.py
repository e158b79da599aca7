"""The results of a page as the table of a paper: the same that `mgic table` writes."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from mgic.figures.provenance import provenance
from mgic.records import ExperimentInfo, Run
from mgic.tables.results import Asked, result_table
from mgic.tables.written import FORMATS, written

LABELS = {"latex": "LaTeX", "markdown": "Markdown", "csv": "CSV"}


def offer_table(runs: Sequence[Run], info: ExperimentInfo, of: str, at: str, table: str | None = None) -> None:
    """Means over seeds, a row a config; each file is made when it is asked for.

    Args:
        runs: All of them; those that have no result are left out.
        info: Of their experiment.
        of: The id of their sweep or run.
        at: The address of the page.
        table: Of the results; None for their scalar fields.
    """
    asked = Asked((of,), table=table, at=at)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Means over seeds, for a paper:", width="content")
        for kind, (media_type, suffix) in FORMATS.items():
            st.download_button(
                LABELS[kind],
                partial(_made, runs, info, asked, kind),
                f"{table or info.name}-{of[:8]}.{suffix}",
                media_type,
                icon=":material/download:",
                on_click="ignore",
                key=f"paper {kind} {table or ''}",
            )


def _made(runs: Sequence[Run], info: ExperimentInfo, asked: Asked, kind: str) -> str:
    return written(result_table(runs, info, asked), kind, provenance(runs))
