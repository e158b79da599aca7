"""Takes back the runs of workers that went silent, and rings for what nobody claimed.

Every change is guarded by the store, so several reapers may run at once.
"""

import logging
import threading
import time

from backend.queue import Bell
from backend.store import Store

log = logging.getLogger(__name__)


class Reaper:
    """A thread that acts every `every_s` seconds, and at once when it is woken.

    Args:
        store: Where the runs are.
        bell: How workers are told.
        every_s: Seconds between two looks; with the lease this bounds how long a run stays lost.
    """

    def __init__(self, store: Store, bell: Bell, every_s: float) -> None:
        self._store = store
        self._bell = bell
        self._every_s = every_s
        self._woken = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._loop, name="reaper", daemon=True)
        self.broker_reached = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._woken.set()
        self._thread.join(timeout=5)

    def wake(self) -> None:
        """Runs were queued: ring now. Returns at once, whatever the broker does."""
        self._woken.set()

    def _loop(self) -> None:
        due = 0.0
        while not self._stopped:
            self._woken.clear()
            try:
                if time.monotonic() >= due:
                    due = time.monotonic() + self._every_s
                    taken = self._store.reap()
                    if taken:
                        log.warning("%d runs were taken back from silent workers", taken)
                self.broker_reached = self._bell.ring(self._store.eligible())
            except Exception as error:  # noqa: BLE001 - a thread that ends here would leave lost runs lost
                log.warning("not this time: %s", error)
            self._woken.wait(max(0.0, due - time.monotonic()))
