"""The form of a sweep says under a field what no worker that is online has."""

from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from mgic.experiment import EXPERIMENTS
from mgic.records import Abilities, Worker

SHOW = """
import streamlit as st
from dashboard.new.form import Filled, _say_of_workers
filled = Filled()
for name in ("engine", "threads"):
    filled.place(name, st.container())
_say_of_workers(st.session_state.info, st.session_state.asked, st.session_state.online, filled)
"""


def worker(name: str, *engines: str, cores: int = 2, queue: str = "timing", told: bool = True) -> Worker:
    able = Abilities(engines=engines, lacking={"compile": "there is no compiler"}, extras=(), cores=cores, datasets=())
    seen = datetime.now(UTC)
    about = {"name": name, "host": "h", "device": "cpu", "slots": 1, "version": "0", "seen_at": seen, "alive": True}
    return Worker(queue=queue, able=able if told else None, **about)


@pytest.mark.parametrize(
    ("online", "words"),
    [
        ([worker("one", "eager")], ["there is no compiler", "its machine has 2 cores"]),
        ([worker("one", "eager"), worker("two", "compile", cores=64)], []),
        ([worker("one", "eager"), worker("two", told=False)], []),
        ([worker("one", "eager", queue="cpu")], []),
        ([], []),
    ],
)
def test_what_none_of_the_takers_has_is_said_under_its_field(online, words):
    page = AppTest.from_string(SHOW)
    page.session_state["info"] = EXPERIMENTS["latency"].info
    page.session_state["asked"] = {"engine": ["eager", "compile"], "threads": [8]}
    page.session_state["online"] = online
    page.run()
    assert not page.exception
    assert len(page.warning) == len(words)
    for shown, wanted in zip(page.warning, words, strict=True):
        assert wanted in shown.value
