"""The parts of the page Paper: its headline, a table with its figure, one row and what can be run for it."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import streamlit as st

from dashboard.address import follow, keep, key
from dashboard.new.preview import submit_key
from dashboard.pages import RUN, SWEEP, prose
from dashboard.paper.table import JUDGED, VERDICT, cell_styles, paper_table, shared_setting
from dashboard.theme import look
from dashboard.words import literal, prose_of_scale
from mgic.client import ApiError, Client
from mgic.figures.verdicts import METRICS, PERCENT, VERDICT_SIGNS, as_printed, measured_words, verdict_words
from mgic.figures.words import assignments, number
from mgic.records import Measured, PaperSummary, PaperTable, Recipe, Standing, SweepRequest

ROW = "row"
SCOPE = "paper"
SHOWN_RUNS = 10
LEGEND = (
    "Of the printed figure: ● within 3 %, ◐ further off but equal when rounded to its digits, ▲ within 10 %, ✖ beyond. "
    "MACs are of one sample; the paper calls them FLOPs. A symbol stands at the count that the table's rule judges. "
    "≠ is another network, a figure of its cost being off; ❝ is quoted from a paper that trained it otherwise; ≁ is "
    "of other samples, whose spread is not known: none of them is judged. ? is judged once enough seeds show their "
    "spread. Measured: the mean over seeds at the row's own scale, ± half of its 95 % interval. Quick results are "
    "of another scale, or of an older version of the experiment: shown, never judged."
)
EXPORTS = {"csv": ("CSV", "text/csv", "csv"), "markdown": ("Markdown", "text/markdown", "md")} | {
    "latex": ("LaTeX", "application/x-tex", "tex")
}


def show_headline(summary: PaperSummary) -> None:
    """How much of the paper is covered."""
    with st.container(horizontal=True):
        st.metric("Result rows of the paper", summary.rows)
        st.metric("can be run here", f"{summary.runnable} of {summary.rows}")
        st.metric("have the printed cost, within 3 %", f"{summary.cost_matches} of {summary.with_cost}")
        st.metric("measured at their scale", f"{summary.measured} of {summary.judgeable}")
    judged = [f"{VERDICT_SIGNS[name]} {summary.judged.get(name, 0)} {name}" for name in JUDGED]
    apart = [
        f"{VERDICT_SIGNS[name]} {summary.judged.get(name, 0)} {name}" for name in VERDICT_SIGNS if name not in JUDGED
    ]
    twice = "; ".join(" and ".join(ids) for ids in summary.printed_twice)
    st.markdown(
        f"{summary.judgeable} rows are judged: {' · '.join(judged)}"
        + (f". Of them print one figure of one network: {twice}" if twice else "")
    )
    st.caption(
        f"The others are not: {' · '.join(apart)}. Beside those within 3 %, {summary.cost_rounds} rows have the "
        "printed cost only when rounded to the printed digits."
    )
    if not summary.measured:
        st.info(
            "No run at the scale of one of its rows has finished here yet. Choose a row: its recipe stands below it.",
            icon=":material/info:",
        )


def show_paper_table(table: PaperTable, rows: Sequence[Standing]) -> None:
    """What is printed, what is wrong with that, and the rows; a click on a row chooses it."""
    kind = f"Table {table.name}: " if table.name[-1:].isdigit() else ""  # 7-text is no table
    st.subheader(literal(f"{kind}{table.title}"), anchor=False)
    prose(". ".join([table.place, *filter(None, [", ".join(shared_setting(rows))])]))
    rule = "with R and P" if table.transfer_counted else "without R and P"
    counting = f"- **MACs are held against ours {rule}.** {literal(table.counting)}"
    st.markdown("\n".join([counting, *(f"- {literal(note)}" for note in table.notes)]))
    if not rows:
        prose("This table has no rows.")
        return
    shown = paper_table(rows)
    state = f"rows {table.name}"
    st.dataframe(
        shown.style.apply(lambda _: cell_styles(rows, shown, look()), axis=None),
        hide_index=True,
        key=state,
        on_select=partial(_choose, state, [row.id for row in rows]),
        selection_mode="single-row",
        column_config={
            "row": st.column_config.TextColumn(pinned=True),
            VERDICT: st.column_config.TextColumn(width=30 + 6 * int(shown[VERDICT].str.len().max())),
            "setting": st.column_config.TextColumn(width=130),
        },
        height=38 + 35 * len(rows),
        alt=f"Rows of Table {table.name}: printed, counted and measured",
        placeholder="-",
    )
    prose(LEGEND)


def show_exports(api: Client, table: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for name, (label, media_type, suffix) in EXPORTS.items():
            st.download_button(
                f"{label}",
                partial(api.references_as, name, table),
                f"paper-table-{table}.{suffix}",
                media_type,
                icon=":material/download:",
                on_click="ignore",
                key=f"export {name}",
            )


def show_row(api: Client, row: Standing, recipes: Mapping[str, Recipe]) -> None:
    """One row: how its figures are made, why the verdict, which runs; and the buttons that run it."""
    st.markdown(f"**{literal(f'{row.id} {row.label}')}** {literal(row.setting)}")
    colon = "" if row.verdict == "cannot run" else ":"  # there the reason begins with “because”
    st.markdown(f"**{literal(verdict_words(row))}**{colon} {literal(row.why)}.")
    facts = {
        "Convention": row.convention,
        "Note": row.note,
        "Our model": _model(row),
        "Quoted from": row.quoted_from or "",
        "At scale means": assignments(row.scale),
        "Tested on": _tested_on(row),
        "Reproduced means": _margin(row),
        "Printed": ", ".join(f"{METRICS[name]}: {as_printed(value)}" for name, value in row.metrics.items()),
    }
    st.markdown("\n".join(f"- {name}: {literal(text)}" for name, text in facts.items() if text))
    _show_runs("Measured", row.measured)
    _show_runs("Quick, not judged", row.quick)
    left, right = st.columns(2)
    with left:
        _show_recipe(api, "Run at paper scale", row, row.recipe, recipes)
    with right:
        _show_recipe(api, "Run quick", row, row.quick_recipe, recipes)


def choose_row(table: PaperTable, ids: Sequence[str], others: Collection[str]) -> str | None:
    """The row in `?row=`; one that is not of this table, nor left over from one of the others, is named."""
    asked = st.query_params.get(ROW)  # before the widget below corrects it
    if asked is not None and asked not in ids and asked.rpartition(".")[0] not in others:
        st.error(f"“{literal(asked[:60])}” is no row of Table {literal(table.name)}.")
    follow(SCOPE, {ROW: asked if asked in ids else None})
    hint = "choose one, or click into the table"
    state = key(SCOPE, ROW)
    if st.session_state[state] not in ids:  # of another table
        st.session_state[state] = None
    chosen: str | None = st.selectbox("Row", ids, index=None, key=state, width=320, placeholder=hint)
    keep(SCOPE, {ROW: chosen})
    return chosen


def _choose(table: str, ids: Sequence[str]) -> None:
    chosen = st.session_state[table]["selection"]["rows"]
    if chosen and chosen[0] < len(ids):
        st.session_state[key(SCOPE, ROW)] = ids[chosen[0]]


def _model(row: Standing) -> str:
    if row.model is None:
        return ""
    size = f" at {'x'.join(map(str, row.input_size))}" if row.input_size else ""
    return f"{row.model}({assignments(row.options)}){size}"


def _tested_on(row: Standing) -> str:
    if row.test_set is None or row.experiment is None:
        return ""
    many = f" ({row.test_size:,} samples)" if row.test_size else ""
    return f"the samples that ours are tested on{many}" if row.test_set == "same" else f"other samples than ours{many}"


def _margin(row: Standing) -> str:
    if row.margin is None or row.apart is not None or row.experiment is None:
        return ""
    unit = "" if row.metric not in PERCENT else " point" if row.margin == 1 else " points"
    return f"shown to be within {number(row.margin, 2)}{unit} of the printed figure"


def _show_runs(title: str, found: Measured | None) -> None:
    if found is None:
        return
    told = f"{METRICS[found.metric]}: {measured_words(found)}"
    if found.prediction is not None:
        told += f"; 95 % prediction interval {number(found.prediction[0])} to {number(found.prediction[1])}"
    if found.smallest_gap is not None:
        told += f"; smallest gap seen in 4 of 5 tries {number(found.smallest_gap, 2)}"
    st.markdown(f"**{title}** {literal(told)}")
    with st.container(horizontal=True):
        for run_id in found.runs[:SHOWN_RUNS]:
            st.page_link(RUN, label=f"run {str(run_id)[:8]}", query_params={"run": str(run_id)})
    if len(found.runs) > SHOWN_RUNS:
        st.caption(f"and {len(found.runs) - SHOWN_RUNS} more")


def _show_recipe(api: Client, label: str, row: Standing, name: str | None, recipes: Mapping[str, Recipe]) -> None:
    recipe = recipes.get(name) if name else None
    reason = row.cannot_run or "because there is no recipe of this row at this scale"
    if name and recipe is None:
        reason = f"because this server knows no recipe called {name}"
    if recipe is not None:
        st.markdown(f"**{literal(recipe.title)}**")
        st.caption(prose_of_scale(recipe.scale, recipe.summary))
    clicked = st.button(label, icon=":material/play_arrow:", disabled=recipe is None, key=label)
    if recipe is None:
        st.caption(f"Not possible, {literal(reason)}.")
        return
    sent: dict[str, str] = st.session_state.setdefault("paper sweeps", {})
    if clicked:
        asked = SweepRequest(recipe=recipe.name)
        try:
            sent[recipe.name] = str(api.submit(asked, submit_key(asked)).id)
        except ApiError as error:
            st.error(literal(error), icon=":material/error:")
    if recipe.name in sent:
        address = {"sweep": sent[recipe.name]}
        st.page_link(SWEEP, label="Queued: open its sweep", icon=":material/scatter_plot:", query_params=address)
