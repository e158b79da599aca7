"""Every error this project raises on purpose.

MgicError
├── BadConfig        the caller asked for something that cannot be built
│   ├── TooExpensive     it could be built, but costs more than this server allows
│   ├── SweepTooLarge    the grid has more cells than a sweep may have
│   ├── BadCheckpoint    a file of weights is damaged, or does not fit the network
│   └── NotInBaseline    a baseline does not have the model
├── UnknownName      no model, experiment, data set or recipe of that name
├── DataMissing      a data set is not on this machine; the message says how to get it
├── NotFound         no stored sweep, run or artifact of that id
├── Conflict         the thing is in a state that forbids what was asked
├── Unavailable      a part of the service does not answer just now
├── NotMeasured      a version of the code could not be imported, built or timed
├── Diverged         a loss stopped being a finite number
├── BadResult        an experiment's result is not what its tables promise
└── Cancelled        the user stopped a run; not a failure
"""

from typing import NamedTuple


class Problem(NamedTuple):
    """One thing wrong with a request: where (a JSON pointer), which rule, and in words."""

    pointer: str
    code: str
    detail: str


class MgicError(Exception):
    """Base of the tree: catch this to catch everything expected."""


class BadConfig(MgicError):
    """A value, or a combination of values, that no block, model or experiment accepts.

    Args:
        message: All of it in one sentence.
        problems: Each fault with its place, where the caller can be shown one.
    """

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message, problems)
        self.problems = problems

    def __str__(self) -> str:
        return str(self.args[0])


class TooExpensive(BadConfig):
    """One run would need more than this server allows; `estimate` has the figures and the limit."""

    def __init__(self, message: str, problems: tuple[Problem, ...], estimate: dict[str, float]) -> None:
        super().__init__(message, problems)
        self.args = (message, problems, estimate)
        self.estimate = estimate


class SweepTooLarge(BadConfig):
    """The grid has `cells` points."""

    def __init__(self, message: str, problems: tuple[Problem, ...], cells: int) -> None:
        super().__init__(message, problems)
        self.args = (message, problems, cells)
        self.cells = cells


class BadCheckpoint(BadConfig):
    """A file of weights that is damaged, no safetensors file, or does not fit the network."""


class NotInBaseline(BadConfig):
    """A model that a baseline does not have, or has more than once under that name."""


class UnknownName(MgicError):
    """A name that no registry holds; the message gives the nearest one it does hold."""


class DataMissing(MgicError):
    """A data set is not on this machine; the message names the command that gets it."""


class NotFound(MgicError):
    """An id that the store does not hold."""


class Conflict(MgicError):
    """What was asked cannot be done to a thing in this state."""


class NotMeasured(MgicError):
    """A process that was to measure ended, or said why it cannot."""


class Unavailable(MgicError):
    """A part of the service does not answer just now; the same request may succeed later."""


class Diverged(MgicError):
    """A loss stopped being a finite number."""


class BadResult(MgicError):
    """An experiment's result, or what it declares of it, is not what its tables promise."""


class Cancelled(MgicError):
    """Raised by `Context.report` inside a run whose user asked it to stop."""
