"""What the API and the workers say of themselves: a JSON object a line, or plain lines to who sits at a terminal.

A line tells which request or which run it is about, whoever says it: the context in which it is said does.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal, TextIO

LogFormat = Literal["auto", "json", "plain"]
PLAIN = "%(asctime)s %(name)s %(levelname)s %(message)s"
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

_UNSEEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")  # a tab is seen

_request: ContextVar[str] = ContextVar("request", default="")
_run: ContextVar[str] = ContextVar("run", default="")


class PlainLines(logging.Formatter):
    """For a terminal: what a message has of control characters is written out, so that it begins no line of its own
    and says nothing to the terminal. A traceback keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], super().formatMessage(record))


class JsonLines(logging.Formatter):
    """`time` (UTC), `level`, `logger`, `message`; `request` and `run` where there is one; what a line has more."""

    def format(self, record: logging.LogRecord) -> str:
        about = {"request": _request.get(), "run": _run.get()}
        more = {name: value for name, value in vars(record).items() if name not in STANDARD}
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in about.items() if value},
            **more,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(form: LogFormat = "auto", level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """For this process and those it forks; onto stderr if no other stream is given."""
    stream = stream or sys.stderr
    plain = form == "plain" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainLines(PLAIN) if plain else JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def this_request() -> str:
    """The id of the request that is being answered; empty outside of one."""
    return _request.get()


@contextmanager
def of_request(name: str) -> Iterator[None]:
    """What is said within is about this request."""
    token = _request.set(name)
    try:
        yield
    finally:
        _request.reset(token)


@contextmanager
def of_run(name: object) -> Iterator[None]:
    """What is said within, and in threads that take its context along, is about this run."""
    token = _run.set(str(name))
    try:
        yield
    finally:
        _run.reset(token)
