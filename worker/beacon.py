"""Tells the store that this worker is alive, from the worker's own loop: no thread, nothing to fork wrongly.

The same beat notices when the worker has gone deaf.
"""

import ctypes
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import Value
from typing import Any

from celery import bootsteps
from celery.worker import state

from backend.keys import Token
from backend.queue import Bell
from backend.settings import Settings, read_settings
from backend.store import DATABASE_ERRORS, Slot, Store
from mgic import __version__
from mgic.records import Abilities
from worker.courier import clear_leftovers
from worker.ears import Ears
from worker.looking import Looking

log = logging.getLogger(__name__)

PATIENCE = 3  # times the reaper rings before a worker doubts its ears
# Slots in a task, shared with those that are forked from here. The beat reads it without its lock, in which a
# slot may have been killed.
busy = Value(ctypes.c_int, 0)


def is_let_in(store: Store, key: Token | None) -> bool:
    """Whether a worker may work: once keys were made for workers, with one of these.

    It claims from the database itself, whose password it has: a key is how one worker of many is told to stop.
    """
    if not store.asks_workers_for_keys():
        return True
    found = store.key(key.id) if key else None
    if key is None or found is None or not key.matches(found.digest):
        return False
    return found.scope == "worker" and found.state == "active"


def name_of(settings: Settings) -> str:
    """The part of a worker's name that is the same for all workers of its queue on its machine."""
    return f"{socket.gethostname()}-{settings.queue}-"


@cache
def slot_of(settings: Settings) -> Slot:
    """How this worker is known. Asked first in the worker itself; the slots it forks inherit the answer."""
    name = f"{name_of(settings)}{os.getpid()}"
    return Slot(name, settings.host_name, settings.queue, settings.worker_device)


@contextmanager
def at_work() -> Iterator[None]:
    """A slot is in its task, so it has heard the bell; one that is killed in it counts for ever, to be safe."""
    with busy.get_lock():
        busy.value += 1
    try:
        yield
    finally:
        with busy.get_lock():
            busy.value -= 1


class Beacon(bootsteps.StartStopStep):  # type: ignore[misc]
    """A step of the Celery worker: a heartbeat row at its start and every few seconds."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._settings = read_settings()
        self._timer: Any = None
        self._cleared = False
        self._able: Abilities | None = None
        patience_s = PATIENCE * self._settings.reap_s
        self._looking = None if self._settings.beside_api else Looking(self._settings)
        self._ears = Ears(slot_of(self._settings), Bell(self._settings.broker_url), patience_s)

    def start(self, parent: Any) -> None:
        self._tell()
        self._timer = parent.timer.call_repeatedly(self._settings.heartbeat_s, self._tell)

    def stop(self, _parent: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._looking is not None:
            self._looking.end()
        try:
            _store(self._settings.database).worker_gone(slot_of(self._settings).worker)
        except DATABASE_ERRORS as error:
            log.warning("the database was not told of the end: %s", error)

    def _tell(self) -> None:
        try:
            store = _store(self._settings.database)
            if not is_let_in(store, self._settings.key_of_worker):
                log.error("workers need a key here, and this one has none that holds: it ends")
                state.should_stop = os.EX_NOPERM
                return
            idle = busy.get_obj().value == 0
            if self._looking is not None:
                self._able = self._looking.news(idle) or self._able
            store.worker_seen(slot_of(self._settings), self._settings.slots, __version__, self._able)
            self._touch()
            if not self._cleared:
                clear_leftovers(self._settings.scratch, store)
                self._cleared = True
            if self._ears.deaf(store, idle):
                log.error("runs wait and no bell is heard here any more: this worker ends, to be started again")
                state.should_stop = os.EX_TEMPFAIL
        except DATABASE_ERRORS as error:
            log.warning("no sign of life, the database does not answer: %s", error)
        except OSError as error:  # told all the same: what is left over on a disk harms nobody
            log.warning("%s cannot be cleared of what ended runs left there: %s", self._settings.scratch, error)

    def _touch(self) -> None:
        """For a health check that looks at a file's age: it costs next to nothing while others are timed."""
        if self._settings.alive_file is None:
            return
        try:
            self._settings.alive_file.touch()
        except OSError as error:
            log.warning("the file of the health check cannot be touched: %s", error)


@cache
def _store(url: str) -> Store:
    """Unpooled: this process forks the slots, and no connection may go with them."""
    return Store.open(url, pooled=False)
