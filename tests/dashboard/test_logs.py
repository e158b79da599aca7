"""What Streamlit says is a line like all others."""

import io
import json
import logging

import pytest
from streamlit import logger

from dashboard.__main__ import take_lines
from mgic.doors import logs


@pytest.fixture
def said(monkeypatch):
    """The lines; the logs of this process are afterwards what they were."""
    root = logging.getLogger()
    before, level, its_own = root.handlers[:], root.level, logger.setup_formatter
    stream = io.StringIO()
    logs.configure("json", stream=stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:] = before
    root.setLevel(level)
    logger.setup_formatter = its_own
    for one in logger._loggers.values():
        one.propagate = False
    logger.update_formatter()


def test_streamlits_lines_of_early_and_late_are_json_and_stand_there_once(said):
    early = logger.get_logger("streamlit.early")
    take_lines()
    late = logger.get_logger("streamlit.late")
    logger.update_formatter()  # as it does when its options change
    early.warning("one\ntwo")
    late.error("three")
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    assert [(line["logger"], line["level"], line["message"]) for line in lines] == [
        ("streamlit.early", "warning", "one\ntwo"),
        ("streamlit.late", "error", "three"),
    ]
