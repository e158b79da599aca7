"""What a worker and the child process that executes its runs say to each other: one JSON object a line.

A job goes to the child's standard input; the messages come back on a descriptor of their own. The text has ASCII
alone, so that whatever a run says, be it half a character, can be told.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self, get_type_hints

from pydantic import TypeAdapter

from mgic.records import Artifact, Config, Outcome

# What one run may tell; the reading end holds it to that.
MAX_LINE = 4 * 2**20  # bytes of a message; a result is far smaller
MAX_POINTS = 200_000  # curve points
MAX_LINES = 20_000  # log lines
MAX_STEP = 2**53  # what a JSON number holds exactly
MAX_TEXT = 2000  # characters of a log line

_read = json.JSONDecoder(parse_constant=lambda _: None).decode  # NaN and infinities are missing values
_write = json.JSONEncoder(default=lambda record: record.model_dump(mode="json")).encode


class Damaged(Exception):
    """A line that is no message, such as one cut short by the signal that ended the child."""


@dataclass(frozen=True)
class Job:
    """A run for the child.

    Args:
        device: "cpu" or "cuda".
        threads: For torch.
        data_dir: Where data sets lie.
        folder: Where it leaves its files.
        checkpoints: A folder that the next attempt at the run is given too.
        inputs: By the names of the config's fields, the folder of what the run that it names has left.
        fresh: Whether the child was started for it, another one having declined it as `Outdated`.
        alone: Whether the child itself runs it, as a measurement of time wants it, and not a copy of the child.
    """

    experiment: str
    config: Config
    device: str
    threads: int
    data_dir: str
    folder: str
    checkpoints: str
    inputs: dict[str, str] = field(default_factory=dict)
    fresh: bool = False
    alone: bool = False

    def encode(self) -> str:
        return f"{_write(asdict(self))}\n"

    @classmethod
    def decode(cls, line: str) -> Self:
        return cls(**json.loads(line))


@dataclass
class Begun:
    """The run is in the hands of the process of this number: the child, or a copy of it."""

    pid: int


@dataclass
class Progress:
    """From 0 to 1, in a phase."""

    progress: float
    phase: str


@dataclass
class Curve:
    """A point of a series; no value: it was not a finite number."""

    name: str
    step: int
    value: float | None


@dataclass
class Log:
    line: str


@dataclass
class Checkpoint:
    """The file of this name is complete."""

    name: str


@dataclass
class Resumed:
    """The run goes on from a checkpoint, after this step."""

    step: int


@dataclass
class Outdated:
    """The job is for another process: this one has code of a plug-in that is not what is on the disk."""


@dataclass
class Finished:
    """The last message of a run, with the files it leaves."""

    outcome: Outcome
    artifacts: list[Artifact]


@dataclass
class Left:
    """The copy of the child that had the run has ended, with this code, or by the signal of this number below zero."""

    code: int


Message = Begun | Progress | Curve | Log | Checkpoint | Resumed | Outdated | Finished | Left

KINDS: dict[str, type[Message]] = {
    "begun": Begun,
    "progress": Progress,
    "curve": Curve,
    "log": Log,
    "checkpoint": Checkpoint,
    "resumed": Resumed,
    "outdated": Outdated,
    "outcome": Finished,
    "left": Left,
}


def _of(*types: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, types):
            raise TypeError(f"{value!r:.80} is not of {types}")
        return value

    return read


# How a field is made of its JSON value, by its type; what cannot be raises `TypeError` or `ValueError`.
READERS: dict[Any, Callable[[Any], Any]] = {
    str: _of(str),
    int: _of(int),
    float: _of(float, int),
    float | None: _of(float, int, type(None)),
    Outcome: Outcome.model_validate,
    list[Artifact]: TypeAdapter(list[Artifact]).validate_python,
}
NAMES = {kind: name for name, kind in KINDS.items()}
FIELDS = {kind: {name: READERS[hint] for name, hint in get_type_hints(kind).items()} for kind in KINDS.values()}


def encode(message: Message) -> str:
    """One line, with its end."""
    return f"{_write({'kind': NAMES[type(message)], **vars(message)})}\n"


def decode(line: bytes) -> Message:
    """The message of a line. Raises `Damaged`: it is none, is of no known kind, or lacks a field."""
    try:
        found = _read(line.decode())
        kind = KINDS[found["kind"]]
        return kind(**{name: read(found[name]) for name, read in FIELDS[kind].items()})
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Damaged(str(error)) from error
