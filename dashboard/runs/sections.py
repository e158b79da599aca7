"""The sections of the page of a run."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import pandas as pd
import streamlit as st

from dashboard.connection import client
from dashboard.pages import NEW_SWEEP, RUN, prose, show_table
from dashboard.plots.shown import show_plots
from dashboard.plots.wall import PICTURES, show_picture, show_wall
from dashboard.tables.frames import result_tables
from dashboard.words import ADVICE, literal
from mgic.client import Client
from mgic.figures.choice import CAUTION, GUESSING, WORDS
from mgic.figures.columns import description_of, headlines, short_title, with_unit
from mgic.figures.samples import is_number
from mgic.figures.views import empty_notes, plots_of_run, views_of_run
from mgic.figures.words import ICONS, number, seconds, size, value
from mgic.records import DatasetInfo, Event, ExperimentInfo, LogLine, Run, RunStatus, stopped_early

LOG_LINES = 200
SURE = 0.01  # of a run is done before the time left is told
LINKS = 50  # to runs that were made from one


def so_far(run: Run, now: datetime) -> list[str]:
    """`epoch 3 of 12` and `about 40 s left` of a training that runs, by the share of its steps that is done.

    Nothing is said of the time left of a later attempt: how much of the share an earlier one had done is not told.
    """
    if run.status is not RunStatus.RUNNING or run.phase != "training" or not 0 < run.progress < 1:
        return []
    epochs, told = run.config.get("epochs"), []
    if isinstance(epochs, int) and run.config.get("max_steps") is None:
        told.append(f"epoch {int(run.progress * epochs) + 1} of {epochs}")
    if run.attempt == 1 and run.started_at and run.progress >= SURE:
        took = (now - run.started_at).total_seconds()
        told.append(f"about {seconds(took / run.progress - took)} left")
    return told


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


def show_waits(run: Run) -> None:
    """What a queued run waits for, each a link."""
    if not run.waits_for:
        return
    st.info("It waits for what it is made from.", icon=":material/hourglass:")
    for one in run.waits_for:
        _link_to(one.id, f"run {str(one.id)[:8]}, {ICONS[one.status]} {one.status.value}")


def show_lineage(api: Client, run: Run) -> None:
    """What it was made from, and what was made from it."""
    if run.made_from:
        st.subheader("Made from", anchor=False)
        for name, made_from in run.made_from.items():
            _link_to(made_from, f"{name}: run {str(made_from)[:8]}")
    page = api.runs(LINKS, made_from=str(run.id))
    if page.items:
        st.subheader("Used by", anchor=False)
        for one in page.items:
            _link_to(one.id, f"{one.experiment}: run {str(one.id)[:8]}, {one.status.value}")
        if page.next_cursor:
            prose(f"The newest {LINKS} are shown; `GET /runs?made_from={run.id}` has them all.")


def _link_to(run_id: UUID, label: str) -> None:
    st.page_link(RUN, label=literal(label), icon=":material/link:", query_params={"run": str(run_id)})


def show_result(run: Run, info: ExperimentInfo | None) -> None:
    """What it was about first: numbers as tiles with their unit, or the rows, where they hold what is plotted.

    Before either stands what the experiment calls a headline.
    """
    if not run.result:
        return
    if stopped_early(run.result):
        words = f"**Ended early**, after {run.result.get('steps')} steps: its search has better ones. It counts nowhere"
        st.info(f"{words} as a trained network.", icon=":material/content_cut:")
    if run.result.get(GUESSING) is True:
        st.warning(f"**{WORDS.capitalize()}.** {literal(run.result.get(CAUTION) or '')}", icon=":material/warning:")
    _show_headlines(run, info)
    main = next(iter(info.views), None) if info else None
    parts = [_show_rows, _show_numbers] if main and main.table else [_show_numbers, _show_rows]
    for part in parts:
        part(run, info)


def _show_headlines(run: Run, info: ExperimentInfo | None) -> None:
    result = run.result or {}
    known = {name: ends for name, ends in headlines(info).items() if result.get(name) is not None}
    if not (info and known):
        return
    with st.container(horizontal=True):
        for name, ends in known.items():
            one, between = result[name], [result.get(end) for end in ends]
            st.metric(
                literal(with_unit(info, name)),
                number(one) if is_number(one) else literal(one),
                " to ".join(number(end) for end in between if is_number(end)) or None,
                delta_color="off",
                delta_arrow="off",
                help=literal(description_of(info, name)),
                width=190,
                height="stretch",
                border=True,
            )


def _show_rows(run: Run, info: ExperimentInfo | None) -> None:
    for name, table in result_tables([run], info).items():
        show_table(table, f"measured {name}", f"Measured {name}")
    if info:
        views, drawn = views_of_run(info, run) if run.result else [], plots_of_run(info, run)
        show_plots(drawn, "run", run)
        for view in views:
            if view.kind == "images":
                show_wall(client(), view, [run])
        for note in empty_notes(info, views, drawn):
            prose(note)


def _show_numbers(run: Run, info: ExperimentInfo | None) -> None:
    """Then what is said in words, and what is just text."""
    shown = {name for head, ends in headlines(info).items() for name in (head, *ends)}
    result = {name: one for name, one in (run.result or {}).items() if name not in shown}
    numbers = {name: one for name, one in result.items() if is_number(one)}
    with st.container(horizontal=True, gap="small"):
        for name, one in numbers.items():
            st.metric(literal(with_unit(info, name)), number(one), width=160)
    for name, one in result.items():
        if isinstance(one, list) and one and all(isinstance(line, str) for line in one):
            st.markdown(f"**{literal(short_title(info, name))}**")
            st.markdown("\n".join(f"- {literal(line)}" for line in one))
    others = {name: one for name, one in result.items() if name not in numbers and not isinstance(one, list)}
    if others:
        texts = {
            with_unit(info, name): value(one) if isinstance(one, (bool, type(None))) else one
            for name, one in others.items()
        }
        with st.expander("The rest of the result", icon=":material/data_object:"):
            st.dataframe(_pairs(texts), hide_index=True, key="other results", alt="Other results")


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
    rows = [{"field": name, "asked": asked[name], "resolved": resolved[name]} for name in names]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="config", alt="Config as asked and as resolved")


def show_data(run: Run, data: Mapping[str, DatasetInfo]) -> None:
    """What a reader should know of the data set: its licence, and whether its files are others by now."""
    info = data.get(str(run.config.get("dataset")))
    if info is None:
        return
    if info.licence:
        st.caption(literal(f"Data: {info.title}, {info.licence}."))
    learnt = (run.result or {}).get("dataset_hash") or run.config.get("data_hash")
    if info.hash and learnt and learnt != info.hash:
        words = f"{info.name} has changed since: this run is of {learnt}, and on this server there is {info.hash} now."
        st.warning(literal(words), icon=":material/difference:")


def show_artifacts(api: Client, run: Run) -> None:
    """What the run left, to download: fetched from the service when the button is pressed; pictures are shown."""
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
        if artifact.media_type in PICTURES:
            name = artifact.name
            show_picture(api, run.id, name, literal(name), f"{name} of run {str(run.id)[:8]}", 320)


def show_environment(run: Run) -> None:
    if not run.environment:
        prose("Known once the run has ended.")
        return
    flat = pd.json_normalize(run.environment).iloc[0].to_dict()
    st.dataframe(_pairs(flat), hide_index=True, key="environment", alt="Where and with what it ran")


def _pairs(given: dict[str, object]) -> pd.DataFrame:
    texts = {key: one if isinstance(one, str) else json.dumps(one, default=str) for key, one in given.items()}
    return pd.DataFrame(texts.items(), columns=["what", "value"])
