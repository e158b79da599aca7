"""Removes the checkpoints of runs that have ended, wherever and however they did.

A run may end without a worker: cancelled in the queue between two attempts, or given up by the
reaper. So no worker removes them, and this is the one place that does.
"""

import logging
import threading

from backend.artifacts import CHECKPOINTS, Artifacts, checkpoint
from backend.store import Store

log = logging.getLogger(__name__)


class Janitor:
    """A thread of its own: the place may be slow, and lost runs do not wait for it.

    Args:
        store: Which runs have ended.
        artifacts: Where the checkpoints are.
        every_s: Seconds between two rounds.
    """

    def __init__(self, store: Store, artifacts: Artifacts, every_s: float) -> None:
        self._store = store
        self._artifacts = artifacts
        self._every_s = every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="janitor", daemon=True)
        self.place_reached = True  # as far as is known

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=5)

    def clean(self) -> int:
        """One round; how many runs' checkpoints were removed."""
        ended = self._store.ended(self._names())
        for run in ended:
            self._artifacts.remove(checkpoint(run))
        return len(ended)

    def _names(self) -> list[str]:
        try:
            self._artifacts.check()
            names = self._artifacts.names(CHECKPOINTS)
        except OSError:
            self.place_reached = False
            raise
        self.place_reached = True
        return names

    def _loop(self) -> None:
        while not self._stopped.is_set():
            try:
                if removed := self.clean():
                    log.info("checkpoints of %d ended runs were removed", removed)
            except Exception as error:  # noqa: BLE001 - a thread that ends here would let them pile up
                log.warning("checkpoints of ended runs stay for now: %s", error)
            self._stopped.wait(self._every_s)
