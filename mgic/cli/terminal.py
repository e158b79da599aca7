"""How the command line speaks: data on stdout, everything else on stderr, and one meaning for each exit code."""

import errno
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import IntEnum
from typing import Any, TextIO

import typer
from pydantic import BaseModel, ValidationError
from typer.core import TyperGroup

from mgic.client import ApiError, Unreachable
from mgic.errors import BadConfig, Cancelled, Conflict, MgicError, NotFound, NotInBaseline, NotMeasured, Unavailable
from mgic.place import check_variables

IMPORT = "--import"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # but tabs and ends of lines
NOT_THE_CALLERS_FAULT = (401, 403, 408, 429)
# A path that cannot be is the caller's to change, as a value that cannot be.
BAD_PATH = (
    errno.EACCES,
    errno.EEXIST,
    errno.EISDIR,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)


class Code(IntEnum):
    """What an exit code says; 1 is never said of anything but a run that failed, or a regression."""

    OK = 0
    RUN_FAILED = 1
    REGRESSION = 1
    USAGE = 2
    INCONCLUSIVE = 3
    NOTHING = 4
    UNREACHABLE = 5
    BUG = 70  # sysexits.h: internal software error
    REFUSED = 74  # sysexits.h: input or output failed
    INTERRUPTED = 130
    PIPE_CLOSED = 141  # who read our output stopped reading: what a shell reports for any other tool


class Commands(TyperGroup):
    """A group of commands in which an expected error is one line on stderr and the right exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """`--import` is an option of the program: it may stand behind the command's name too."""
        return super().parse_args(ctx, imports_first(args))

    def invoke(self, ctx: Any) -> Any:
        try:
            check_variables(os.environ)
            return super().invoke(ctx)
        except (MgicError, ValidationError, OSError) as error:
            raise typer.Exit(tell(error)) from error


def imports_first(words: Sequence[str]) -> list[str]:
    """The words of a command line with each `--import NAME` in front."""
    end = words.index("--") if "--" in words else len(words)
    given, others, rest = list[str](), list[str](), iter(words[:end])
    for word in rest:
        if word == IMPORT or word.startswith(f"{IMPORT}="):
            given += [word, *([next(rest, "")] if word == IMPORT else [])]
        else:
            others.append(word)
    return [*given, *others, *words[end:]]


class Refused(OSError):
    """What the system refused, with the word for what it was: `errno`, `strerror` and `filename` as usual."""


@contextmanager
def naming(thing: str) -> Iterator[None]:
    """What the system refuses in here is told as a fault of `thing`, such as a setting with its value."""
    try:
        yield
    except Refused:
        raise
    except OSError as error:
        raise Refused(error.errno, error.strerror or str(error), thing) from error


def tell(error: MgicError | ValidationError | OSError) -> Code:
    """Say an expected error in one line; the exit code for it."""
    if isinstance(error, BrokenPipeError):
        return tell_of_output(error)
    say(f"mgic: {words(error)}")
    return code_of(error)


def tell_of_output(error: OSError) -> Code:
    """The same where stdout cannot be written, or who read it has left (`mgic list models | head -1`)."""
    _let_go(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return Code.PIPE_CLOSED
    say(f"mgic: standard output: {error.strerror}")
    return Code.REFUSED


def _let_go(stream: TextIO | None) -> None:
    """Nothing more may be flushed into it, not at the end of this process either."""
    with suppress(AttributeError, OSError, ValueError):  # it is closed, or no file of the system
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[union-attr]


def code_of(error: MgicError | ValidationError | OSError) -> Code:
    if isinstance(error, OSError):
        return Code.USAGE if error.errno in BAD_PATH else Code.REFUSED
    if isinstance(error, Unreachable | Unavailable):
        return Code.UNREACHABLE
    if isinstance(error, ApiError) and (error.status >= 500 or error.status in NOT_THE_CALLERS_FAULT):
        return Code.UNREACHABLE
    if isinstance(error, NotFound | NotInBaseline | Conflict | NotMeasured) or (
        isinstance(error, ApiError) and error.status == 404
    ):
        return Code.NOTHING
    return Code.INTERRUPTED if isinstance(error, Cancelled) else Code.USAGE


def words(error: MgicError | ValidationError | OSError) -> str:
    """The error in one line, each fault with its field."""
    if isinstance(error, OSError):
        why = error.strerror or str(error)
        return why if error.filename is None else f"{os.fsdecode(error.filename)}: {why}"
    if isinstance(error, ValidationError):
        return "; ".join(": ".join(filter(None, (_place(e["loc"]), e["msg"]))) for e in error.errors(include_url=False))
    if isinstance(error, BadConfig) and error.problems:
        return "; ".join(f"{place}: {p.detail}" if (place := _field(p.pointer)) else p.detail for p in error.problems)
    if isinstance(error, Unreachable):
        return f"{error}; is it running? `mgic up` starts it, --api-url says where it is"
    return str(error)


def _place(loc: Sequence[int | str]) -> str:
    return ".".join(map(str, loc))


def _field(pointer: str) -> str:
    """`#/axes/group_size/1` is the field group_size to who wrote `group_size=4,5`."""
    parts = pointer.removeprefix("#/").removeprefix("#").split("/")
    return parts[1] if parts[0] == "axes" and len(parts) > 1 else ".".join(parts)


def say(line: str) -> None:
    """A line for who watches, on stderr; where that cannot be written nobody watches."""
    _draw(_harmless(line, sys.stderr) + "\n")


def _harmless(text: str, stream: TextIO | None) -> str:
    """What others have written, such as the log of a run, gives a terminal no orders."""
    if stream is None or not stream.isatty():
        return text
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def _draw(text: str) -> None:
    if sys.stderr is None:  # closed by who started this
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _let_go(sys.stderr)


def put(line: str) -> None:
    """A line of data, on stdout. Raises `Refused` where it cannot be written, and `BrokenPipeError`."""
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        print(_harmless(line, sys.stdout), flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        _let_go(sys.stdout)  # else it is written once more when this process ends, and fails once more
        raise Refused(error.errno, error.strerror, "standard output") from error


def put_json(value: object) -> None:
    put(json.dumps(_plain(value), indent=2))


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def put_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Aligned columns, numbers to the right; the header goes to stderr, so that a pipe gets rows alone."""
    rows = list(rows)
    cells = [[_cell(value) for value in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    right = [bool(rows) and all(isinstance(row[i], int | float | None) for row in rows) for i in range(len(header))]
    for number, row in enumerate(cells):
        aligned = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ]
        (put if number else say)("  ".join(aligned).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def assignments(fields: dict[str, Any]) -> str:
    """A config the way a command line would have it: `model=resnet20 seed=0`."""
    return " ".join(
        f"{field}={value if isinstance(value, str) else json.dumps(value)}" for field, value in fields.items()
    )


def duration(seconds: float) -> str:
    """45 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Meter:
    """How far it is, on stderr: one line redrawn on a terminal, plain lines where stderr is a file or a pipe."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._redraws = sys.stderr is not None and sys.stderr.isatty() and not quiet
        self._shown = 0

    def show(self, text: str, progress: float) -> None:
        """Redraw the bar; says nothing where there is no terminal."""
        if self._redraws:
            done = round(20 * min(max(progress, 0.0), 1.0))
            line = f"[{'#' * done}{'.' * (20 - done)}] {text}"[:110]
            _draw("\r" + line.ljust(self._shown))
            self._shown = len(line)

    def line(self, text: str) -> None:
        """A line that stays."""
        if not self._quiet:
            self.clear()
            say(text)

    def clear(self) -> None:
        """Take the bar away."""
        if self._shown:
            _draw("\r" + " " * self._shown + "\r")
            self._shown = 0
