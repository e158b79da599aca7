"""Each line of a log is one JSON object that says what it is about."""

import io
import json
import logging
import threading
import warnings
from contextvars import copy_context

import pytest

from backend import settings as of_service
from dashboard import settings as of_pages
from mgic.doors import logs


@pytest.fixture
def said():
    """What takes the lines, as the logs of this process are afterwards what they were."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    logging.captureWarnings(False)
    root.handlers[:] = before
    root.setLevel(level)


def test_a_line_has_its_time_its_request_and_its_run_whoever_says_it(said):
    logs.configure("json", stream=said)
    log = logging.getLogger("worker.test")
    with logs.of_request("r1"):
        log.info("a\nb %s", "é")
    with logs.of_run("u1"):
        thread = threading.Thread(target=copy_context().run, args=(log.warning, "of a thread"))
        thread.start()
        thread.join()
    log.debug("too fine")
    log.info("of nobody", extra={"status": 201})
    first, second, third = map(json.loads, said.getvalue().splitlines())
    assert (first["message"], first["request"], first["level"], first["logger"]) == (
        "a\nb é",
        "r1",
        "info",
        "worker.test",
    )
    assert first["time"].endswith("+00:00")
    assert "run" not in first
    assert (second["run"], second["message"]) == ("u1", "of a thread")
    assert (third["status"], "request" in third) == (201, False)


def test_what_python_warns_of_is_a_line_too(said):
    logs.configure("json", stream=said)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("it will go", DeprecationWarning, stacklevel=1)
    line = json.loads(said.getvalue())
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert "DeprecationWarning: it will go" in line["message"]


def test_what_went_wrong_stays_in_its_line(said):
    logs.configure("auto", stream=said)  # this is no terminal
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("backend.test").exception("it failed")
    (line,) = said.getvalue().splitlines()
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


@pytest.mark.parametrize("settings", [of_service.Settings, of_pages.Settings])
def test_a_terminal_gets_plain_lines_and_a_setting_says_otherwise(said, monkeypatch, settings):
    monkeypatch.setattr(said, "isatty", lambda: True)
    logs.configure(settings().log_format, stream=said)
    logging.getLogger("backend.test").info("for a person")
    assert said.getvalue().endswith(" backend.test INFO for a person\n")
    monkeypatch.setenv("MGIC_LOG_FORMAT", "json")
    logs.configure(settings().log_format, stream=said)
    logging.getLogger("backend.test").info("for a machine")
    assert json.loads(said.getvalue().splitlines()[1])["message"] == "for a machine"


def test_on_a_terminal_nobodys_words_begin_a_line_or_colour_it(said):
    logs.configure("plain", stream=said)
    logging.getLogger("backend.test").info("asked for %s", "a\r\n2026 root INFO b\x1b[2J\x9b1m\tc")
    assert said.getvalue().endswith("asked for a\\r\\n2026 root INFO b\\x1b[2J\\x9b1m\tc\n")
    assert said.getvalue().count("\n") == 1
