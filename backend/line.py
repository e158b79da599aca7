"""Few wait for what can be done one at a time; the others are told at once to come back later."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mgic.errors import Unavailable

LOOK_S = 0.25  # how often one who waits looks whether its client is still there


def nobody_left() -> bool:
    """For those who ask on nobody's behalf."""
    return False


class Line:
    """Before something that one at a time may use.

    Args:
        of: What is waited for, as in "the catalogue is busy".
        most: How many may stand in it, the one whose turn it is among them. Each holds a thread of the API's.
        patience_s: Seconds after which one who waits gives up.
    """

    def __init__(self, of: str, most: int, patience_s: float) -> None:
        self._of = of
        self._most = most
        self._patience_s = patience_s
        self._places = threading.Semaphore(most)
        self._turn = threading.Lock()

    @contextmanager
    def turn(self, left: Callable[[], bool] = nobody_left) -> Iterator[None]:
        """Wait, then have it to oneself.

        Args:
            left: Whether the client has gone; who waits for nobody makes room.

        Raises:
            Unavailable: The line is full, it takes too long, or the client has gone.
        """
        if not self._places.acquire(blocking=False):
            raise Unavailable(f"the {self._of} is busy: {self._most} requests wait for it already")
        try:
            self._wait(left)
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._places.release()

    def _wait(self, left: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._patience_s
        while not self._turn.acquire(timeout=LOOK_S):
            if left():
                raise Unavailable("the client left before its turn")
            if time.monotonic() > deadline:
                raise Unavailable(f"the {self._of} is busy")
