"""The paper, table by table: what it prints, what is counted and measured here, and what that says."""

import streamlit as st

from dashboard import address
from dashboard.connection import client, last_seen
from dashboard.pages import SYSTEM, nothing_yet, prose
from dashboard.paper.sections import (
    choose_row,
    show_exports,
    show_headline,
    show_paper_table,
    show_row,
)
from dashboard.plots.shown import show_plots
from mgic.figures.scenes.paper import table_plots, table_switch
from mgic.records import PaperTable

st.title("Paper", anchor=False)
prose(
    "Eliasof, Ephrath, Ruthotto, Treister: MGIC, multigrid-in-channels neural network architectures (SIAM J. Sci. "
    "Comput. 2023). Every result row of its tables, with our network beside it."
)
api = client()
if "paper tables" not in st.session_state:
    st.session_state["paper tables"] = {table.name: table for table in api.paper_tables()}
tables = st.session_state["paper tables"]
if not tables:
    nothing_yet("This server knows no table of the paper.", SYSTEM, "See what it says of itself")
headline = st.container()
table: PaperTable = tables[address.switches("paper", (table_switch(tables),))["table"]]
ask = lambda: (api.paper_summary(), api.references(table.name), api.recipes())  # noqa: E731
(summary, rows, recipes), _ = last_seen(f"paper table {table.name}", ask)
with headline:
    show_headline(summary)
show_paper_table(table, rows)
show_exports(api, table.name)

st.subheader("One row", anchor=False)
by_id = {row.id: row for row in rows}
chosen = choose_row(table, list(by_id), tables.keys() - {table.name})
if chosen is None:
    prose("A row tells how its figures are counted, why it has its verdict, and runs its recipe at one click.")
else:
    show_row(api, by_id[chosen], {recipe.name: recipe for recipe in recipes})

show_plots(table_plots(table, rows), "paper")
