"""Asks for the next trials of searches, as the ones before end: from what the store has, and nothing else.

What is asked for is added only to a search that stands as it was read, so several scouts may ask at once.
"""

import logging
import threading

from backend.catalogue import Catalogue
from backend.inputs import Named
from backend.online import Online
from backend.reaper import Reaper
from backend.settings import Settings
from backend.store import NewRun, OpenSearch, QuotaExceeded, Store
from backend.submission import SLICE_S, new_run
from mgic.errors import MgicError
from mgic.records import MAX_AT_ONCE, Point, Proposal, SweepRequest

log = logging.getLogger(__name__)


class Scout:
    """A thread that looks every `poll_s` seconds while a search goes on, else every `reap_s`, and when it is woken.

    Args:
        store: Where searches and their trials are.
        catalogue: Who proposes.
        settings: How often, and which workers are alive.
        reaper: Who rings for what was queued.
    """

    def __init__(self, store: Store, catalogue: Catalogue, settings: Settings, reaper: Reaper) -> None:
        self._store = store
        self._catalogue = catalogue
        self._settings = settings
        self._reaper = reaper
        self._woken = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._loop, name="scout", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._woken.set()
        self._thread.join(timeout=5)

    def wake(self) -> None:
        """There is a new search. Returns at once."""
        self._woken.set()

    def _loop(self) -> None:
        while not self._stopped:
            self._woken.clear()
            searching = True
            try:
                searching = bool(self._look())
            except Exception as error:  # noqa: BLE001 - a thread that ends here would leave searches without trials
                log.warning("not this time: %s", error)
            self._woken.wait(self._settings.poll_s if searching else self._settings.reap_s)

    def _look(self) -> int:
        """How many searches go on."""
        found = self._store.searching()
        for sweep_id in found:
            search = None if self._stopped else self._store.open_search(sweep_id)
            try:
                if search is not None and ask(search, self._store, self._catalogue, self._settings):
                    self._reaper.wake()
            except QuotaExceeded as error:  # until others of the owner's have ended: that may take hours
                log.debug("search %s: no trial this time: %s", sweep_id, error)
            except MgicError as error:
                log.warning("search %s: no trial this time: %s", sweep_id, error)
        return len(found)


def ask(search: OpenSearch, store: Store, catalogue: Catalogue, settings: Settings) -> bool:
    """Queue as many trials as may run beside those that have not ended; whether any were.

    Raises:
        Unavailable: The catalogue does not answer.
        QuotaExceeded: Too much is queued already, in all or of its owner.
    """
    request = SweepRequest(experiment=search.experiment, axes=search.axes, search=search.settings)
    queue = catalogue.experiment(search.experiment).queue
    online = Online(store, catalogue, settings)
    at_once = search.settings.at_once or min(online.slots(queue), MAX_AT_ONCE)
    count = at_once - sum(trial.state == "running" for trial in search.trials)
    if count <= 0:
        return False
    found = catalogue.next_trials(request, search.trials, search.refused, count, SLICE_S)
    named, device = Named(request, found.plan.grids), online.device(queue)
    new = [
        new_run(found.plan, point, device, named, _told(point, place, found))
        for place, point in enumerate(found.plan.points)
    ]
    new, too_much = _within(settings.max_sweep_macs, search, new)
    exhausted = found.exhausted or too_much
    return store.add_trials(search, found.plan.version, new, found.refused, exhausted) and bool(new)


def _within(most: float, search: OpenSearch, new: list[NewRun]) -> tuple[list[NewRun], str]:
    """Those of the next trials with which the search computes no more than a sweep may, and why no other one comes.

    What a trial computes is known when it is chosen: before that it could only be guessed.
    """
    macs = search.work_macs
    for number, run in enumerate(new):
        macs += run.work_macs or 0.0
        if macs > most:
            trials = search.asked + number + 1
            words = f"{trials} trials come to {macs:.3g} multiply-accumulates, and a sweep may have {most:.3g} here"
            return new[:number], words
    return new, ""


def _told(point: Point, place: int, found: Proposal) -> dict[str, object]:
    return {"macs": point.cost.macs if point.cost else None, "notes": found.notes[place]}
