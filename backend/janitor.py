"""Removes the checkpoints of runs that have ended, wherever and however they did, the files of deleted runs, and what
has had its time by the policy of the settings.

A run may end without a worker: cancelled in the queue between two attempts, or given up by the
reaper. So no worker removes them, and this is the one place that does.
"""

import logging
import threading
import time
from uuid import UUID

from backend.artifacts import CHECKPOINTS, Artifacts, checkpoint
from backend.pruning import check_policy, prune
from backend.store import Policy, Store

AT_A_TIME = 100  # deleted runs
PRUNE_S = 3600.0  # between two looks for what has had its time

log = logging.getLogger(__name__)


class Janitor:
    """A thread of its own: the place may be slow, and lost runs do not wait for it.

    Args:
        store: Which runs have ended.
        artifacts: Where the checkpoints are.
        every_s: Seconds between two rounds.
        retention: What is kept, looked at once an hour; None: everything.
    """

    def __init__(self, store: Store, artifacts: Artifacts, every_s: float, retention: Policy | None = None) -> None:
        self._store = store
        self._artifacts = artifacts
        self._every_s = every_s
        self._retention = retention
        self._due = 0.0
        self._woken = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._loop, name="janitor", daemon=True)
        self.place_reached = True  # as far as is known

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._woken.set()
        self._thread.join(timeout=5)

    def wake(self) -> None:
        """Runs were deleted: remove their files now. Returns at once, whatever the place does."""
        self._woken.set()

    def clean(self) -> int:
        """One round; how many runs' checkpoints were removed."""
        while gone := self._store.leftovers(AT_A_TIME):
            self._remove(gone)
        ended = self._store.ended(self._names())
        for run in ended:
            self._artifacts.remove(checkpoint(run))
        return len(ended)

    def prune(self) -> None:
        """Delete what has had its time, some at a time."""
        if self._retention is None or time.monotonic() < self._due:
            return
        check_policy(self._retention, self._store)
        found = prune(self._store, self._retention, dry_run=False)
        if not found.more:
            self._due = time.monotonic() + PRUNE_S
        if found.runs or found.sweeps:
            log.info("%d sweeps and %d runs were deleted, which had their time", found.sweeps, found.runs)

    def _remove(self, gone: list[UUID]) -> None:
        """What lies there of these runs; after a stop in the middle they are looked at once more."""
        for run_id in gone:
            for folder in (str(run_id), checkpoint(run_id)):
                self._artifacts.remove(folder)
        self._store.forget_leftovers(gone)

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
        while not self._stopped:
            self._woken.clear()
            try:
                if removed := self.clean():
                    log.info("checkpoints of %d ended runs were removed", removed)
                self.prune()
            except Exception as error:  # noqa: BLE001 - a thread that ends here would let them pile up
                log.warning("what was to be removed stays for now: %s", error)
            self._woken.wait(self._every_s)
