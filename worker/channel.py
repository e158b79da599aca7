"""What the child tells its parent: JSON lines on a pipe of their own, read here into a few plain things."""

import json
import os
from dataclasses import dataclass, field

from mgic.records import Artifact, Outcome

MAX_LINE = 4 * 2**20  # bytes; a result is far smaller
MAX_POINTS = 200_000  # curve points of one run
MAX_LINES = 20_000  # log lines of one run
MAX_STEP = 2**53  # what a JSON number holds exactly
MAX_TEXT = 2000  # characters of a log line


class TooMuch(Exception):
    """The child told more than a run may; the message says of what."""


@dataclass
class Told:
    """What has come since it was last taken; `points` and `lines` are emptied by whoever stores them."""

    progress: float = 0.0
    phase: str = ""
    points: list[tuple[str, int, float | None]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    checkpoint: str = ""  # the newest that is complete
    resumed: int | None = None  # the step after which it goes on from a checkpoint
    outcome: Outcome | None = None
    artifacts: list[Artifact] = field(default_factory=list)


class Channel:
    """The reading end of the pipe.

    Args:
        descriptor: Of the pipe; made non-blocking.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.closed = False
        self._rest = b""
        self._points = 0
        self._lines = 0
        self.told = Told()

    def begin(self) -> None:
        """A new job begins: forget the last one."""
        self.told, self._points, self._lines, self._rest = Told(), 0, 0, b""

    def read(self) -> None:
        """Take in whatever has come. Raises `TooMuch`."""
        while not self.closed:
            try:
                part = os.read(self.descriptor, 2**16)
            except BlockingIOError:
                return
            self.closed = not part
            *lines, self._rest = (self._rest + part).split(b"\n")
            if len(self._rest) > MAX_LINE:
                raise TooMuch(f"a message of more than {MAX_LINE} bytes")
            for line in lines:
                self._take(line)

    def text(self, line: str) -> None:
        """A line the child printed."""
        self._lines += 1
        if self._lines < MAX_LINES:
            self.told.lines.append(_plain(line)[:MAX_TEXT])
        elif self._lines == MAX_LINES:
            self.told.lines.append(f"... the log ends here: a run keeps {MAX_LINES} lines")

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line, parse_constant=lambda _: None)  # NaN and infinities are missing values
        except ValueError:  # cut short by the signal that ended it
            self.text("(a message of the run came through damaged)")
            return
        match message.pop("kind"):
            case "progress":
                self.told.progress, self.told.phase = message["progress"], _plain(message["phase"])
            case "curve":
                self._points += 1
                if self._points > MAX_POINTS:
                    raise TooMuch(f"more than {MAX_POINTS} points of curves")
                step = max(-MAX_STEP, min(message["step"], MAX_STEP))
                self.told.points.append((_plain(message["name"])[:120], step, message["value"]))
            case "checkpoint":
                self.told.checkpoint = _plain(message["name"])
            case "resumed":
                self.told.resumed = max(0, min(message["step"], MAX_STEP))
            case "log":
                self.text(message["line"])
            case "outcome":
                self.told.outcome = Outcome.model_validate(message["outcome"])
                self.told.artifacts = [Artifact.model_validate(each) for each in message["artifacts"]]


def _plain(text: str) -> str:
    """No control characters: what a run prints is shown on pages and in terminals."""
    return "".join(c if c.isprintable() or c == "\t" else " " for c in text)
