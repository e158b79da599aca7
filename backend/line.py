"""Few wait for what can be done one at a time; the others are told at once to come back later."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from mgic.errors import Unavailable

LOOK_S = 0.25  # how often one who waits looks whether its client is still there
SHARE = 4  # callers with a key that fill a line: none of them alone keeps the others out
LONG_S = 60.0  # a caller may have kept others waiting so long
FORGIVEN = 0.1  # seconds of that each second
_who: ContextVar[str] = ContextVar("who", default="")


@contextmanager
def asking(who: str) -> Iterator[None]:
    """What is asked within, and in threads that take its context along, this one asks."""
    token = _who.set(who)
    try:
        yield
    finally:
        _who.reset(token)


def nobody_left() -> bool:
    """For those who ask on nobody's behalf."""
    return False


class Line:
    """Before something that one at a time may use.

    Args:
        of: What is waited for, as in "the catalogue is busy".
        most: How many may stand in it, the one whose turn it is among them. Each holds a thread of the API's. One
            caller may have a quarter of the places, and gives way when others have waited for it for long, where
            callers have keys.
        patience_s: Seconds after which one who waits gives up.
        clock: Seconds.
    """

    def __init__(self, of: str, most: int, patience_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._of = of
        self._clock = clock
        self._kept: dict[str, tuple[float, float]] = {}  # by caller, how long others were kept waiting, and when
        self._most = most
        self._patience_s = patience_s
        self._each = max(1, most // SHARE)
        self._standing: Counter[str] = Counter()
        self._turn = threading.Lock()
        self._door = threading.RLock()  # what ends when it is collected may leave while its thread is in here

    @contextmanager
    def turn(self, left: Callable[[], bool] = nobody_left) -> Iterator[None]:
        """Wait, then have it to oneself.

        Args:
            left: Whether the client has gone; who waits for nobody makes room.

        Raises:
            Unavailable: The line is full, it takes too long, or the client has gone.
        """
        with self.place() as alone, alone(left):
            yield

    @contextmanager
    def place(self) -> Iterator[Callable[..., AbstractContextManager[None]]]:
        """Stand in it for longer than the turn, which is taken by what this gives: `with place() as alone, alone():`.

        Raises:
            Unavailable: It is full, or too many of the same caller stand there.
        """
        who = _who.get()
        with self._door:
            if self._standing.total() >= self._most:
                raise Unavailable(f"the {self._of} is busy: {self._most} requests wait for it already")
            if who and self._standing[who] >= self._each:
                raise Unavailable(f"the {self._of} is busy: {self._each} requests with this key wait for it already")
            if who and self._kept_s(who) > LONG_S:
                raise Unavailable(f"the {self._of} is kept for others: requests with this key have taken long")
            self._standing[who] += 1
        try:
            yield self._alone
        finally:
            with self._door:
                self._standing[who] -= 1
                self._standing += Counter()  # forgets who has left

    @contextmanager
    def _alone(self, left: Callable[[], bool] = nobody_left) -> Iterator[None]:
        self._wait(left)
        who, since = _who.get(), self._clock()
        try:
            yield
        finally:
            self._turn.release()
            self._count(who, self._clock() - since)

    def _count(self, who: str, seconds: float) -> None:
        """A turn has ended: it is held against a caller whom others have waited for."""
        with self._door:
            if who and self._standing.total() > self._standing[who]:
                self._kept[who] = (self._kept_s(who) + seconds, self._clock())
                self._kept = {name: kept for name, kept in self._kept.items() if self._kept_s(name)}

    def _kept_s(self, who: str) -> float:
        seconds, at = self._kept.get(who, (0.0, 0.0))
        return max(0.0, seconds - (self._clock() - at) * FORGIVEN)

    def _wait(self, left: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._patience_s
        while not self._turn.acquire(timeout=LOOK_S):
            if left():
                raise Unavailable("the client left before its turn")
            if time.monotonic() > deadline:
                raise Unavailable(f"the {self._of} is busy")
