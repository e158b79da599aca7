"""Who has signed in with a key: kept in this process alone, under what only their browser knows, and for a while."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from mgic.records import Caller

MOST = 10_000  # at once; of more the oldest end


@dataclass(frozen=True)
class Session:
    """Args:
    key: Of the API, with which it is asked for them.
    caller: As whom that is.
    until: Seconds since 1970.
    """

    key: str
    caller: Caller
    until: float


class Sessions:
    """Safe to call from any thread.

    Args:
        clock: Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._open: dict[str, Session] = {}  # by a hash of what the browser has
        self._lock = threading.Lock()

    def open(self, key: str, caller: Caller, hours: float) -> str:
        """Returns what their browser is to show from now on; a key that expires ends the session, too."""
        ticket, until = secrets.token_urlsafe(32), self._clock() + hours * 3600
        if caller.expires_at is not None:
            until = min(until, caller.expires_at.timestamp())
        with self._lock:
            for old in [name for name, session in self._open.items() if session.until <= self._clock()]:
                del self._open[old]
            while len(self._open) >= MOST:
                del self._open[next(iter(self._open))]
            self._open[_hash(ticket)] = Session(key, caller, until)
        return ticket

    def find(self, ticket: str | None) -> Session | None:
        """None where there is none, or where it has ended."""
        with self._lock:
            found = self._open.get(_hash(ticket or ""))
        return found if found is not None and found.until > self._clock() else None

    def close(self, ticket: str | None) -> None:
        with self._lock:
            self._open.pop(_hash(ticket or ""), None)


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode(errors="replace")).hexdigest()


SIGNED_IN = Sessions()  # of this process: the page of the form puts them in, all other pages look them up
