"""Tells the store that this worker is alive, from the worker's own loop: no thread, nothing to fork wrongly.

The same beat notices when the worker has gone deaf.
"""

import logging
import os
import socket
from functools import cache
from typing import Any

from celery import bootsteps
from celery.worker import state

from backend.queue import Bell
from backend.settings import Settings
from backend.store import DATABASE_ERRORS, Slot, Store
from mgic import __version__
from worker.courier import clear_leftovers
from worker.ears import Ears

log = logging.getLogger(__name__)

RINGS_UNHEARD = 3  # the reaper rings each time it looks


def name_of(settings: Settings) -> str:
    """The part of a worker's name that is the same for all workers of its queue on its machine."""
    return f"{socket.gethostname()}-{settings.queue}-"


@cache
def slot_of(settings: Settings) -> Slot:
    """How this worker is known. Asked first in the worker itself; the slots it forks inherit the answer."""
    name = f"{name_of(settings)}{os.getpid()}"
    return Slot(name, settings.host_name, settings.queue, settings.worker_device)


class Beacon(bootsteps.StartStopStep):  # type: ignore[misc]
    """A step of the Celery worker: a heartbeat row at its start and every few seconds."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._settings = Settings()
        self._timer: Any = None
        self._cleared = False
        patience_s = RINGS_UNHEARD * self._settings.reap_s
        self._ears = Ears(slot_of(self._settings), Bell(self._settings.broker_url), patience_s)

    def start(self, parent: Any) -> None:
        self._tell()
        self._timer = parent.timer.call_repeatedly(self._settings.heartbeat_s, self._tell)

    def stop(self, _parent: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        try:
            _store(self._settings.database).worker_gone(slot_of(self._settings).worker)
        except DATABASE_ERRORS as error:
            log.warning("the database was not told of the end: %s", error)

    def _tell(self) -> None:
        try:
            store = _store(self._settings.database)
            store.worker_seen(slot_of(self._settings), self._settings.slots, __version__)
            if not self._cleared:
                clear_leftovers(self._settings.scratch, store)
                self._cleared = True
            if self._ears.deaf(store):
                log.error("runs wait and no bell is heard here any more: this worker ends, to be started again")
                state.should_stop = os.EX_TEMPFAIL
        except DATABASE_ERRORS as error:
            log.warning("no sign of life, the database does not answer: %s", error)


@cache
def _store(url: str) -> Store:
    """Unpooled: this process forks the slots, and no connection may go with them."""
    return Store.open(url, pooled=False)
