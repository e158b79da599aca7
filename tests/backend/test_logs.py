"""Each line of a log is one JSON object that says what it is about."""

import io
import json
import logging
import threading
from contextvars import copy_context

import pytest

from backend import logs
from backend.settings import Settings


@pytest.fixture
def said():
    """What takes the lines, as the logs of this process are afterwards what they were."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
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


def test_what_went_wrong_stays_in_its_line(said):
    logs.configure("auto", stream=said)  # this is no terminal
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("backend.test").exception("it failed")
    (line,) = said.getvalue().splitlines()
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


def test_a_terminal_gets_plain_lines_and_a_setting_says_otherwise(said, monkeypatch):
    monkeypatch.setattr(said, "isatty", lambda: True)
    logs.configure(Settings().log_format, stream=said)
    logging.getLogger("backend.test").info("for a person")
    assert said.getvalue().endswith(" backend.test INFO for a person\n")
    monkeypatch.setenv("MGIC_LOG_FORMAT", "json")
    logs.configure(Settings().log_format, stream=said)
    logging.getLogger("backend.test").info("for a machine")
    assert json.loads(said.getvalue().splitlines()[1])["message"] == "for a machine"


def test_on_a_terminal_nobodys_words_begin_a_line_or_colour_it(said):
    logs.configure("plain", stream=said)
    logging.getLogger("backend.test").info("asked for %s", "a\r\n2026 root INFO b\x1b[2J\x9b1m\tc")
    assert said.getvalue().endswith("asked for a\\r\\n2026 root INFO b\\x1b[2J\\x9b1m\tc\n")
    assert said.getvalue().count("\n") == 1


def test_a_request_has_one_id_in_its_answer_its_problem_and_its_lines(api):
    before = len(api.log())
    answer = api.http.post("/sweeps", json={"experiment": "none"})
    name = answer.headers["X-Request-Id"]
    assert answer.json()["instance"] == f"urn:request:{name}"
    lines = [json.loads(line) for line in api.log()[before:].splitlines()]
    mine = [line for line in lines if line.get("request") == name]
    assert [line["logger"] for line in mine][-2:] == ["backend.errors", "backend.observed"]
    last = mine[-1]
    assert (last["method"], last["route"], last["status"]) == ("POST", "/sweeps", answer.status_code)
    refused = api.http.get("/health", headers={"Host": "evil.example"})
    assert refused.json()["instance"] == f"urn:request:{refused.headers['X-Request-Id']}"
