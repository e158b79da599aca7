"""Recent sweeps, newest first."""

import pandas as pd
import streamlit as st

from dashboard.connection import client, last_seen, tells_what_fails
from dashboard.pages import NEW_SWEEP, nothing_yet, show_turns
from dashboard.tables.frames import link, tags_text
from mgic.figures.words import counts, seconds

st.title("Sweeps", anchor=False)
api = client()
cursor = st.query_params.get("older")


@st.fragment(run_every=5)
@tells_what_fails()
def listed() -> None:
    page, _ = last_seen(f"sweeps {cursor}", lambda: api.sweeps(limit=50, cursor=cursor))
    if not page.items:
        nothing_yet("No sweep has been run on this server yet.", NEW_SWEEP, "Make the first one")
    rows = [
        {
            "sweep": link("sweep", str(sweep.id)),
            "name": sweep.name,
            "tags": tags_text(sweep.tags),
            "experiment": sweep.experiment,
            "progress": sweep.progress,
            "runs": counts(sweep.counts),
            "left": "" if sweep.finished else seconds(sweep.eta_seconds),
            "created": sweep.created_at,
        }
        for sweep in page.items
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="sweeps",
        alt="Sweeps, newest first",
        column_config={
            "sweep": st.column_config.LinkColumn("open", display_text=r"sweep=(.{8})", help="Opens the sweep"),
            "progress": st.column_config.ProgressColumn("progress", format="percent", min_value=0, max_value=1),
            "created": st.column_config.DatetimeColumn("created (UTC)", format="YYYY-MM-DD HH:mm:ss", timezone="UTC"),
        },
    )
    show_turns(page.next_cursor)


listed()
