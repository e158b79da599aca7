"""Keeps a claimed run alive in the store, and brings there what it tells, from a thread of its own.

A database that is slow or away holds up this thread, and nobody else: whoever watches the
run goes on listening to it.
"""

import logging
import threading
import time

from backend.settings import Settings
from backend.store import Claim, Store
from worker.channel import Told

log = logging.getLogger(__name__)

JOIN_S = 20.0  # longer than a database is waited for


class Pulse:
    """Once in `poll_s`: prolong the lease, ask whether the run was cancelled, store new points and lines.

    `order` is "ok" until the store says "cancel" (the user wants it stopped) or "lost"
    (the run has another owner). `behind` says that its training is to end early: its search has better ones.
    """

    def __init__(self, store: Store, claim: Claim, settings: Settings, told: Told) -> None:
        self._store = store
        self._claim = claim
        self._settings = settings
        self._told = told
        self._ended = threading.Event()
        self._one = threading.Lock()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self._asked: float | None = None  # since when an answer is waited for
        self._scored = False  # since it was last held against the others of its search
        self._epochs = 0  # after which that was
        self.order = "ok"
        self.behind = False

    def __enter__(self) -> "Pulse":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(JOIN_S)

    @property
    def lost(self) -> bool:
        """Whether somebody else may own the run by now: the store said so, or does not answer for a lease.

        Time in which nothing was asked does not count: a host that was frozen asks first, and may own its run still.
        """
        asked = self._asked
        return self.order == "lost" or (asked is not None and time.monotonic() - asked > self._settings.lease_s)

    def flush(self) -> None:
        """Store the points and lines that came since the last time; what cannot be stored is kept."""
        with self._one:
            if self._told.resumed is not None:  # before its points: they follow those it keeps
                self._store.resume(self._claim.run_id, self._claim.fence, self._told.resumed)
                self._told.resumed = None
            points, lines = self._told.points[:], self._told.lines[:]
            if points or lines:
                self._store.record(self._claim.run_id, self._claim.fence, points, lines)
                del self._told.points[: len(points)], self._told.lines[: len(lines)]
            stop = self._claim.stop
            self._scored |= stop is not None and any(name == stop.curve for name, _, _ in points)

    def _beat(self) -> None:
        told = self._told
        while not self._ended.wait(self._settings.poll_s) and self.order != "lost":
            try:
                self._asked = self._asked or time.monotonic()
                answer = self._store.heartbeat(self._claim.run_id, self._claim.fence, told.progress, told.phase)
                self._asked = time.monotonic()
                if not (answer == "ok" and self.order == "cancel"):
                    self.order = answer
                self.flush()
                self._compare()
                self._asked = None
            except Exception as error:  # noqa: BLE001 - a thread that ends here would let a live run's lease expire
                log.warning("run %s: no heartbeat: %s", self._claim.run_id, error)

    def _compare(self) -> None:
        """Hold what is stored of its training against the others of its search."""
        claim = self._claim
        if claim.stop is not None and self._scored and not self.behind:
            self._epochs, self.behind = self._store.behind(claim.run_id, claim.fence, claim.stop, self._epochs)
            self._scored = False
