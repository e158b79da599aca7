"""Which network is worth what it costs: accuracy against MACs, parameters, time and memory, over any sweeps."""

from typing import Any
from urllib.parse import quote

import pandas as pd
import streamlit as st

from dashboard import address
from dashboard.connection import client, scene_data
from dashboard.pages import NEW_SWEEP, demo_chip, nothing_yet, prose
from dashboard.plots.chosen import choose, marked, show_marked
from dashboard.plots.shown import show_plot
from dashboard.plots.validity import show_validity
from dashboard.tables.frames import link
from dashboard.words import literal
from mgic.figures.columns import short_title
from mgic.figures.front import Point, percent, spread_words
from mgic.figures.scenes import tradeoff
from mgic.figures.tradeoff import strong
from mgic.figures.words import number, si
from mgic.statistics import MIN_SEEDS

COLUMNS: dict[str, Any] = {  # all of them are seen at 1280 pixels
    "network": st.column_config.LinkColumn(display_text="#(.+)", width=132, help="Opens its newest run"),
    "n": st.column_config.Column(width=36),
    "surely": st.column_config.Column(width=62, help="Its probability of being on the front, given the spread"),
}

st.space("small")  # the head of the window lies over the first pixels
head = st.container(horizontal=True, vertical_alignment="bottom")
api = client()
data = scene_data(api, "tradeoff", {"sweep": st.query_params.get("sweep", "")})
head.title(f"Trade-off{demo_chip(data)}", anchor=False, width="content")
if not data.offered:
    words = "No sweep with a score against a cost is here yet: train a few networks, and time the same ones."
    nothing_yet(words, NEW_SWEEP, "Make the first one")
offered = {str(one.id): f"{one.name} ({one.experiment}, {str(one.id)[:8]})" for one in data.offered}
with head:
    choose("sweep", "Sweeps", offered, data.chosen)
values = address.switches("tradeoff", tradeoff.switches(data))
drawn = tradeoff.drawn(data, values)
for fault in drawn.faults if drawn else ():
    st.warning(literal(fault), icon=":material/edit:")


def row(point: Point) -> dict[str, object]:
    return {
        "network": f"{link('run', point.runs[-1])}#{quote(point.label, safe='')}",
        drawn.score.title if drawn else "": f"{number(point.y)}{spread_words(point)}",
        short_title(None, values.get("x", "macs")): si(point.cost, 4),
        "n": len(point.singles),
        "surely": "" if point.probability is None else percent(point.probability),
    }


def front_table(points: list[Point]) -> pd.DataFrame:
    """The cheapest first; how sure each is, where there are seeds enough to say."""
    table = pd.DataFrame([row(point) for point in sorted(points, key=lambda one: one.cost)])
    return table.drop(columns="surely") if not any(point.probability for point in points) else table


if drawn is None or not drawn.info.series:
    prose("None of these sweeps has a finished run with this score and this cost. Choose others, or another cost.")
    for note in drawn.notes if drawn else ():
        prose(note)
else:
    show_validity(list({one.run.id: one.run for one in drawn.timed}.values()))
    best = [point for point in drawn.info.points if strong(point)]
    if drawn.answer and best:
        st.success(literal(drawn.answer), icon=":material/check:")
    elif drawn.answer:
        st.warning(literal(drawn.answer), icon=":material/do_not_disturb_on:")
    (plot,) = tradeoff.plots_of(drawn)
    left, right = st.columns([8, 5])
    with left:
        show_marked(marked(show_plot(plot, "tradeoff", data, select=True, share=8 / 13)))
    with right:
        st.subheader("On the front", anchor=False)
        if not best:
            prose("No network here meets the budget.")
            st.stop()
        table = front_table(best)
        alt = "Networks on the front, the cheapest first"
        st.dataframe(table, hide_index=True, column_config=COLUMNS, key="front", alt=alt)
        if "surely" not in table:
            prose(f"How sure each is of its place on the front is said from {MIN_SEEDS} seeds a network on.")
