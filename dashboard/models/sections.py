"""The parts of a model's page: its figures, its drawings and the table of its levels."""

from itertools import count as counter

import streamlit as st

from dashboard.address import keep, key
from dashboard.connection import tells_what_fails
from dashboard.models.cost import levels_table, times
from dashboard.models.form import COUNTED, COUNTS, Asked
from dashboard.pages import prose
from dashboard.plots.shown import show_plot
from dashboard.words import literal
from mgic.client import Client
from mgic.figures.cost_share import Count
from mgic.figures.levels import blocks_of, kinds
from mgic.figures.scenes.model import grid_plot, grid_request, hierarchy_plot, shares_plot
from mgic.figures.words import si
from mgic.records import ModelCost

SHOWN_UNCOUNTED = 5
DRAWN = "drawn"  # the parameter of the address that names the block


def show_metrics(cost: ModelCost, base: ModelCost) -> None:
    """The totals, each with its change against the defaults at the same input."""
    changed = cost.options != base.options
    with st.container(horizontal=True):
        for label, now, then in (
            ("Parameters", cost.params, base.params),
            ("MACs", cost.macs, base.macs),
            ("FLOPs (2 x MACs)", 2 * cost.macs, 2 * base.macs),
        ):
            delta = f"{100 * (now / then - 1):+.1f} %" if now != then else None
            st.metric(label, si(now, 4), delta, delta_color="inverse", help=f"{now:,}", width=148)
        if cost.levels:
            for label, part, before in (
                ("R, P of the MACs", _share(cost, "macs"), _share(base, "macs")),
                ("R, P of parameters", _share(cost, "params"), _share(base, "params")),
            ):
                delta = f"{100 * (part - before):+.1f} points" if changed else None
                st.metric(label, f"{part:.1%}", delta, delta_color="off", width=148)
    without = f" Without R and P: {si(cost.macs - cost.transfer_macs, 4)} MACs."
    against = "Changes are against this model's defaults at the same input." if changed else "These are the defaults."
    prose(f"One sample of {times(cost.input_size)}, batch 1. {against}{without if cost.levels else ''}")


def show_uncounted(cost: ModelCost) -> None:
    """What the MACs do not hold, where there is something."""
    if not cost.uncounted:
        return
    found = [f"{unknown.operator} in {unknown.module or 'the network itself'}" for unknown in cost.uncounted]
    more = f"; and {len(found) - SHOWN_UNCOUNTED} more" if len(found) > SHOWN_UNCOUNTED else ""
    named = literal("; ".join(found[:SHOWN_UNCOUNTED]))
    st.warning(
        f"These MACs are not all: the counter does not know what some operators do. {named}{more}.",
        icon=":material/warning:",
    )


def show_hierarchy(cost: ModelCost, scope: str) -> None:
    """One block, level by level; by default the widest of those that differ."""
    st.subheader("One block", anchor=False)
    found = kinds(blocks_of(cost.levels))
    if st.session_state[key(scope, DRAWN)] not in found:
        st.session_state[key(scope, DRAWN)] = next(iter(found))
    chosen = st.selectbox("Block", list(found), key=key(scope, DRAWN), width=330, help="Equal blocks are shown once.")
    keep(scope, {DRAWN: None if chosen == next(iter(found)) else chosen})
    equal = found[chosen]
    block = equal[0]
    share = f"{block.macs * len(equal) / cost.macs:.1%} of the network's MACs" if cost.macs else ""
    names = f"{equal[0].name} to {equal[-1].name}" if len(equal) > 1 else block.name
    like = f"{len(equal)} equal blocks, {names}, together" if len(equal) > 1 else f"{names} alone:"
    prose(f"{like} {share}. One of them: {si(block.params)} parameters, {si(block.macs)} MACs.")
    show_plot(hierarchy_plot(block), "model")


def count_switch(scope: str) -> Count:
    chosen = st.segmented_control("Cost as", COUNTS, required=True, key=key(scope, COUNTED)) or COUNTS[0]
    keep(scope, {COUNTED: None if chosen == COUNTS[0] else chosen})
    return "macs" if chosen == COUNTS[0] else "params"


def show_shares(cost: ModelCost, count: Count) -> None:
    show_plot(shares_plot(cost, count), "model")


def show_grid(api: Client, model: str, asked: Asked, present: tuple[int, int], count: Count) -> None:
    """Cost over s_g and s_c around the present values; cells still to be counted come in by themselves.

    Args:
        api: Whom to ask.
        model: Its name.
        asked: The options in force; those but `X` and `Y` hold for every cell.
        present: Group size and coarsest size in force.
        count: What the cells show.
    """
    request = grid_request(model, asked.options, asked.side, present)
    seen = [api.preview(request)]
    complete = not seen[-1].pending
    turns = counter()

    @st.fragment(run_every=None if complete else 1)
    @tells_what_fails()
    def grid() -> None:
        """What is known is drawn before more is asked for, so that it does not fade meanwhile."""
        show_plot(grid_plot(seen[-1], present, count), "model")
        if not complete and next(turns) > 0:
            seen.append(api.preview(request))
            if not seen[-1].pending:
                st.rerun()

    grid()


def show_levels(cost: ModelCost) -> None:
    """Every level of every block, to look at and to take away."""
    st.subheader("All levels", anchor=False)
    table = levels_table(cost.levels)
    columns = {
        name: st.column_config.NumberColumn(name, format="localized") for name in table if name.endswith(("MACs", "s"))
    }
    height = 38 + 35 * min(len(table), 12)
    alt = "Channels, groups, parameters and MACs of every level"
    st.dataframe(table, hide_index=True, key="levels", alt=alt, height=height, column_config=columns)
    st.download_button(
        "Levels as CSV",
        table.to_csv(index=False),
        f"{cost.model}-levels.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    prose("MACs of one sample, batch 1. The norm after P is in the network's total only.")


def _share(cost: ModelCost, count: Count) -> float:
    total: int = getattr(cost, count)
    transfers: int = getattr(cost, f"transfer_{count}")
    return transfers / total if total else 0.0
