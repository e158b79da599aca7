"""Takes back the runs of workers that went silent, and rings for what nobody claimed.

Every change is guarded by the store, so several reapers may run at once.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from backend.queue import Bell
from backend.store import Held, Store

log = logging.getLogger(__name__)


class Watch:
    """What one reaper has seen of the leases, by a clock that nobody sets.

    A lease that lives is prolonged, so a run is lost whose lease has ended by the database's clock, and stood as it is
    for half of its time while somebody looked: that clock may have been set forward. Where it was set back, a whole
    lease of looking is enough. Who was away has seen nothing in between, and begins anew: its host may have been
    frozen, and the owners with it.

    Args:
        lease_s: How long a silent owner is believed.
        every_s: Seconds between two looks.
        clock: Seconds.
    """

    def __init__(self, lease_s: float, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._lease_s = lease_s
        self._away_s = every_s + lease_s / 2
        self._clock = clock
        self._looked = clock()
        self._since: dict[Held, float] = {}

    def silent(self, held: Sequence[Held], now: float) -> list[Held]:
        """Those of them that are lost; `now` is by the database's clock."""
        here = self._clock()
        seen = self._since if here - self._looked <= self._away_s else {}
        self._looked = here
        self._since = {one: seen.get(one, here) for one in held}
        return [one for one in held if self._lost(one, now, here - self._since[one])]

    def _lost(self, one: Held, now: float, seen_s: float) -> bool:
        return seen_s >= (self._lease_s / 2 if one.lease_until < now else self._lease_s)


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
        self._watch = Watch(store.lease.seconds, every_s)
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
                    taken = self._store.reap(self._watch.silent)
                    if taken:
                        log.warning("%d runs were taken back from silent workers", taken)
                self.broker_reached = self._bell.ring(self._store.eligible())
            except Exception as error:  # noqa: BLE001 - a thread that ends here would leave lost runs lost
                log.warning("not this time: %s", error)
            self._woken.wait(max(0.0, due - time.monotonic()))
