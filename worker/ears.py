"""Does this worker still hear its bell?

A consumer whose connection broke while it acknowledged a message may wait for ever on a
connection that is gone: alive, and deaf (seen with Celery 5.7 and a broker that was killed).
"""

import time
from collections.abc import Callable

from backend.queue import Bell
from backend.store import Slot, Store

RINGS = 2


class Ears:
    """Asked every few seconds.

    Args:
        slot: Who listens.
        bell: Of its broker.
        patience_s: How long runs may wait while the worker is idle; longer than the reaper takes to ring again.
        clock: Seconds.
    """

    def __init__(self, slot: Slot, bell: Bell, patience_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._slot = slot
        self._bell = bell
        self._patience_s = patience_s
        self._clock = clock
        self._since: float | None = None
        self._rings = 0

    def deaf(self, store: Store, idle: bool = True) -> bool:
        """Whether bells were not heard that rang for certain: the worker is idle, and what it could claim still waits.

        Two of them: with two workers at a queue the other one may have heard the first.

        Args:
            store: What waits.
            idle: Whether no slot of the worker is in its task.
        """
        if not idle or not store.could_claim(self._slot):
            self._since, self._rings = None, 0
            return False
        if self._rings >= RINGS:
            return True
        if self._since is None:
            self._since = self._clock()
        elif self._clock() - self._since > self._patience_s and self._bell.ring({self._slot.queue: 1}):
            self._rings += 1  # a broker that is away is no fault of the ears
        return False
