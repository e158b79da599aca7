"""What the child tells its parent, read from a pipe of its own into a few plain things, within bounds."""

import os
from dataclasses import dataclass, field

from mgic.protocol import (
    MAX_LINE,
    MAX_LINES,
    MAX_POINTS,
    MAX_STEP,
    MAX_TEXT,
    Begun,
    Checkpoint,
    Curve,
    Damaged,
    Finished,
    Left,
    Log,
    Outdated,
    Progress,
    Resumed,
    decode,
)
from mgic.records import Artifact, Outcome

PART = 2**16  # bytes read at once, and how often before the reader looks at the time: a pipe may hold 1 MiB
MOST_PARTS = 32


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
        descriptor: Of the pipe; made non-blocking. None: `listen_at` names one.

    `pid` is the process that has the run, `left` what it ended with where that is told; `broken` says that something
    was not read.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._points = 0
        self._lines = 0
        self.told = Told()
        if descriptor is not None:
            self.listen_at(descriptor)

    def listen_at(self, descriptor: int) -> None:
        """From now on it is this pipe, of a process that takes the other's place; what was told stays."""
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.closed = False
        self.outdated = False
        self.broken = False
        self.pid: int | None = None
        self.left: int | None = None
        self._rest = b""

    def begin(self) -> None:
        """A new job begins: forget the last one."""
        self.told, self._points, self._lines, self._rest = Told(), 0, 0, b""
        self.pid = self.left = None

    def read(self) -> None:
        """Take in what has come, of one that never stops a part. Raises `TooMuch`."""
        try:
            self._read()
        except TooMuch:
            self.broken = True
            raise

    def _read(self) -> None:
        for _ in range(MOST_PARTS):
            if self.closed:
                return
            try:
                part = os.read(self.descriptor, PART)
            except BlockingIOError:
                return
            self.closed = not part
            *lines, self._rest = (self._rest + part).split(b"\n")
            if len(self._rest) > MAX_LINE:
                raise TooMuch(f"a message of more than {MAX_LINE} bytes")
            for line in filter(None, lines):
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
            message = decode(line)
        except Damaged:
            self.text("(a message of the run came through damaged)")
            return
        match message:
            case Begun(pid):
                self.pid = pid
            case Left(code):
                self.left = code
            case Curve(name, step, value):
                self._points += 1
                if self._points > MAX_POINTS:
                    raise TooMuch(f"more than {MAX_POINTS} points of curves")
                self.told.points.append((_plain(name)[:120], max(-MAX_STEP, min(step, MAX_STEP)), value))
            case Progress(progress, phase):
                self.told.progress, self.told.phase = progress, _plain(phase)
            case Log(text):
                self.text(text)
            case Checkpoint(name):
                self.told.checkpoint = _plain(name)
            case Resumed(step):
                self.told.resumed = max(0, min(step, MAX_STEP))
            case Outdated():
                self.outdated = True
            case Finished(outcome, artifacts):
                self.told.outcome, self.told.artifacts = outcome, artifacts


def _plain(text: str) -> str:
    """No control characters: what a run prints is shown on pages and in terminals."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else " " for c in text)
