"""The sections of the page of a run."""

import json
from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from dashboard.charts.view import with_unit
from dashboard.parts import NEW_SWEEP, prose
from dashboard.words import ADVICE, ICONS, literal, number, seconds, size, value
from mgic.client import ApiError, Client, Unreachable
from mgic.records import Event, ExperimentInfo, LogLine, Run

LOG_LINES = 200


def show_failure(run: Run) -> None:
    """The reason in words, what to change, and the way there."""
    if run.failure is None:
        return
    st.error(f"{run.failure.reason.value}: {literal(run.failure.message)}", icon=":material/error:")
    st.markdown(ADVICE[run.failure.reason])
    change = {"run": str(run.id)}
    st.page_link(NEW_SWEEP, label="Change it and run again", icon=":material/edit:", query_params=change)
    if run.failure.traceback:
        with st.expander("Traceback"):
            st.code(run.failure.traceback, language=None)


def show_result(run: Run, info: ExperimentInfo | None) -> None:
    """Numbers as tiles with their unit; a table of rows as a table."""
    if not run.result:
        return
    numbers = {name: one for name, one in run.result.items() if isinstance(one, (int, float))}
    with st.container(horizontal=True):
        for name, one in numbers.items():
            st.metric(literal(with_unit(info, name)), number(one), width=165, border=True)
    for name, one in run.result.items():
        if isinstance(one, list) and one and isinstance(one[0], dict):
            st.dataframe(pd.DataFrame(one), hide_index=True, key=f"result {name}", alt=name)
    others = {k: v for k, v in run.result.items() if k not in numbers and not isinstance(v, list)}
    if others:
        st.dataframe(_pairs(others), hide_index=True, key="other results")


def show_timeline(events: Sequence[Event]) -> None:
    rows = []
    for before, event in zip([None, *events], events, strict=False):
        after = f"+ {seconds((event.at - before.at).total_seconds())}" if before else ""
        now = f"{ICONS[event.to_status]} {event.to_status.value}"
        rows.append({"at (UTC)": event.at, "after": after, "became": now, "note": event.note})
    if rows:
        clock = st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss", timezone="UTC")
        table = pd.DataFrame(rows)
        st.dataframe(table, hide_index=True, key="timeline", column_config={"at (UTC)": clock}, alt="What happened")


def show_log(api: Client, run: Run) -> None:
    """The last lines, whatever they hold, as they were written."""
    lines: list[LogLine] = []
    cursor = None
    for _ in range(20):
        page = api.log(run.id, after=cursor)
        lines = [*lines, *page.items][-LOG_LINES:]
        if not page.items or page.next_cursor in (None, cursor):
            break
        cursor = page.next_cursor
    if not lines:
        prose("Nothing logged yet." if not run.status.terminal else "This run logged nothing.")
        return
    text = "\n".join(line.line for line in lines)
    st.code(text, language=None, height=min(340, 40 + 24 * len(lines)), wrap_lines=True)


def show_config(run: Run) -> None:
    """As asked beside as resolved; what was left out shows the default it got."""
    names = dict.fromkeys([*run.requested, *run.config])
    asked = {name: value(run.requested[name]) if name in run.requested else "" for name in names}
    resolved = {name: value(run.config[name]) if name in run.config else "" for name in names}
    rows = [{"setting": name, "asked": asked[name], "resolved": resolved[name]} for name in names]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="config", alt="Settings as asked and as resolved")


def show_artifacts(api: Client, run: Run) -> None:
    """What the run left, to download: fetched from the service when the button is pressed."""
    artifacts = api.artifacts(run.id)
    if not artifacts:
        prose("No files." if run.status.terminal else "No files yet.")
    for artifact in artifacts:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.download_button(
                literal(artifact.name),
                partial(api.artifact, run.id, artifact.name),
                artifact.name,
                artifact.media_type,
                key=f"file {artifact.name}",
                icon=":material/download:",
                on_click="ignore",
            )
            st.caption(f"{size(artifact.size)} · {literal(artifact.media_type)} · sha256 {artifact.sha256[:12]}")
            if artifact.media_type in ("image/png", "image/jpeg"):
                _picture(api, run, artifact.name)


def show_environment(run: Run) -> None:
    if not run.environment:
        prose("Known once the run has ended.")
        return
    flat = pd.json_normalize(run.environment).iloc[0].to_dict()
    st.dataframe(_pairs(flat), hide_index=True, key="environment", alt="Where and with what it ran")


def _picture(api: Client, run: Run, name: str) -> None:
    try:
        st.image(api.artifact(run.id, name), caption=literal(name), width=320)
    except (ApiError, Unreachable):
        prose(f"{name} cannot be shown just now.")


def _pairs(given: dict[str, object]) -> pd.DataFrame:
    texts = {key: one if isinstance(one, str) else json.dumps(one, default=str) for key, one in given.items()}
    return pd.DataFrame(texts.items(), columns=["what", "value"])
