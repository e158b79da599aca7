"""The list of comparisons: what is shown of each, and the words where there is none."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from mgic.figures.regressions.words import verdict_words
from mgic.gate import row_in_words
from mgic.records import ComparisonBrief

HOW = """mgic gate --base origin/main --send
mgic comparisons
"""
COLUMNS = {
    "open": st.column_config.LinkColumn("Open", display_text=r"comparison=(.{8})", help="Opens the comparison"),
    "verdict": st.column_config.TextColumn("Verdict", width=130),
    "worst": st.column_config.TextColumn("Worst row", width=500),
    "name": st.column_config.TextColumn("Name", width=150),
    "branch": st.column_config.TextColumn("Branch", width=150),
    "commit": st.column_config.TextColumn("Commit", width=100),
    "pull request": st.column_config.LinkColumn("Pull request", display_text=r"https?://[^/]+/(.+)", width=160),
    "when": st.column_config.DatetimeColumn("When (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"),
    "measured": st.column_config.TextColumn("Measured", width=120),
}


def show_list(items: Sequence[ComparisonBrief]) -> None:
    """Newest first, a row each; what none of them has is left out."""
    table = pd.DataFrame([_row(one) for one in items])
    table = table.loc[:, (table.notna() & (table != "")).any()]
    alt = "Comparisons, newest first"
    st.dataframe(table, hide_index=True, column_config=COLUMNS, key="comparisons", alt=alt, placeholder="-")


def _row(one: ComparisonBrief) -> dict[str, object]:
    return {
        "open": f"regressions?comparison={one.id}",
        "verdict": verdict_words(one.verdict),
        "worst": row_in_words(one.worst) if one.worst else "",
        "name": one.name or "",
        "branch": one.branch or "",
        "commit": (one.commit or "")[:10] + (" changed" if one.dirty else ""),
        "pull request": web_address(one.pull_request),
        "when": one.created_at,
        "measured": "by this service" if one.origin == "service" else one.testbed or "elsewhere",
    }


def web_address(text: str | None) -> str | None:
    """Of what a client has sent, what may be a link: nothing else than a page of the web."""
    return text if text and text.startswith(("https://", "http://")) else None


def show_empty() -> None:
    """How a comparison gets here."""
    st.info("No comparison is here yet. One comes from a checkout of your own repository:", icon=":material/info:")
    st.code(HOW, language="bash")
    st.caption(
        "The first measures the head against the merge base and sends what it found; MGIC_API_URL says where to."
    )
