"""Who asks: a key, or somebody on this machine. And what the answer is to who is neither, or asks too often.

A key that is given is checked, always. Without one only requests that come straight from this machine are let in, to a
service that listens for it alone; what a proxy has handed on needs one.
"""

import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.types import Scope as Connection

from backend.keys import Token, read_token
from backend.line import asking
from backend.settings import Settings
from backend.store import DATABASE_ERRORS, Store, StoredKey
from mgic.doors.callers import is_from_here, listens_here_only, path_within
from mgic.records import Caller, Scope

log = logging.getLogger(__name__)
SCOPES: tuple[Scope, ...] = ("read", "submit", "admin")
ANYBODY = Caller(name="", scope="admin")  # on a machine whose service is for its users alone
FOR_USER, FOR_SCOPE = "mgic-user", "mgic-scope"  # headers by which the pages say for whom they ask
READING = ("GET", "HEAD", "OPTIONS", "TRACE")
MOST_NAMES = 10_000  # that a count of requests remembers: of strangers there may be any number
LOOKERS = 8  # threads that look keys up: a request is let in or refused where all other threads are taken
TOO_MANY = ("rate-limited", "Too many requests")
NO_DATABASE = (503, "unavailable", "Not available just now", "the database, which knows the keys, does not answer")
Found = TypeVar("Found")


class Refused(Exception):
    """Becomes a problem: status, type, title, detail; of a 429, in how many seconds another request may come."""

    def __init__(self, status: int, kind: str, title: str, detail: str, retry_s: float = 5) -> None:
        super().__init__(status, kind, title, detail)
        self.retry_s = retry_s


@dataclass
class _Bucket:
    left: float
    at: float


class Rate:
    """So many requests a minute and name; who was silent for a while may send as many at once.

    Args:
        per_minute: How many.
        clock: Seconds.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def spend(self, name: str) -> float:
        """One of them. Returns 0, or in how many seconds there will be one; then none was spent."""
        now, each_s = self._clock(), 60 / self.per_minute
        bucket = self._buckets.setdefault(name, _Bucket(self.per_minute, now))
        self._buckets.move_to_end(name)
        while len(self._buckets) > MOST_NAMES:
            self._buckets.popitem(last=False)
        bucket.left = min(self.per_minute, bucket.left + (now - bucket.at) / each_s)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) * each_s
        bucket.left -= 1
        return 0.0


class Doorkeeper:
    """Lets callers in, counts what they ask, and writes down what they change.

    Args:
        store: Has the keys.
        settings: Where the service listens, and how much a key may ask for.
        unkeyed: Paths that anybody may read.
        asking_only: Paths that change nothing by whatever method, so that who may read may ask them.
    """

    def __init__(
        self, store: Store, settings: Settings, unkeyed: Collection[str] = (), asking_only: Collection[str] = ()
    ) -> None:
        self._store = store
        self._unkeyed = unkeyed
        self._asking_only = asking_only
        self._open = listens_here_only(settings.api_host) and not settings.keys_required
        self._reads, self._submits = Rate(settings.reads_per_minute), Rate(settings.submits_per_minute)
        self._refusals = Rate(settings.refusals_per_minute)
        self._most_open = settings.max_open_each
        self._at_work: Counter[str] = Counter()  # requests that are being answered
        self._lookers = CapacityLimiter(LOOKERS)

    async def admit(self, connection: Connection, headers: Mapping[str, str]) -> None:
        """Notes in the state of the request as whom it is made, and counts it. Raises `Refused`.

        Whatever the path leads to, and before anything of a body is read: what is refused later costs too.
        """
        reads = connection["method"] in READING
        if reads and path_within(connection) in self._unkeyed:
            return
        state = connection.setdefault("state", {})
        given = headers.get("authorization")
        if given is not None:
            state["caller"] = await self._caller_of(given, connection, headers)
            state["still_let_in"] = lambda: self._is_still_let_in(given)
        elif self._open and is_from_here((connection.get("server") or ("",))[0], headers):
            state["caller"] = ANYBODY
        else:
            raise self._unknown(connection, "a key is needed: send it as `Authorization: Bearer KEY`")
        self._count(state["caller"], not reads and path_within(connection) not in self._asking_only)

    @contextmanager
    def at_work(self, connection: Connection) -> Iterator[None]:
        """While an answer is made and sent. Raises `Refused` where too many of the same caller are."""
        caller = connection.get("state", {}).get("caller", ANYBODY)
        if caller is ANYBODY:
            yield
            return
        who = _name(caller)
        if self._at_work[who] >= self._most_open:
            words = f"a key may have {self._most_open} requests open at a time, streams of events among them"
            raise Refused(429, *TOO_MANY, words, 1)
        self._at_work[who] += 1
        try:
            with asking(who):
                yield
        finally:
            self._at_work[who] -= 1
            self._at_work += Counter()  # forgets who has none open

    def _count(self, caller: Caller, changes: bool) -> None:
        """Reading is one allowance, and what changes something another."""
        if caller is ANYBODY:
            return
        rate, kind = (self._submits, "requests that change something") if changes else (self._reads, "reading requests")
        if wait_s := rate.spend(_name(caller)):
            words = f"a key may send {rate.per_minute} {kind} a minute; the next may come in {wait_s:.1f} s"
            raise Refused(429, *TOO_MANY, words, wait_s)
        if changes and caller.scope == "read":
            words = f"this needs a key of the scope submit or admin; that of {caller.name} has read"
            raise Refused(403, "forbidden", "This key does not allow it", words)

    async def note(self, connection: Connection, status: int) -> None:
        """A line in the audit for what was done, before its answer goes out."""
        state = connection.get("state", {})
        action, caller = state.get("action"), state.get("caller")
        if action is None or not 200 <= status < 300:
            return
        path = path_within(connection)[:300]
        await self._asked(lambda: self._store.note_act(caller.name, caller.key_id, action, path))

    async def _caller_of(self, given: str, connection: Connection, headers: Mapping[str, str]) -> Caller:
        token = _token(given)
        found = await self._asked(lambda: self._store.key(token.id)) if token else None
        if token is None or not token.matches(found.digest if found else None) or found is None:
            raise self._unknown(connection, "there is no such key")
        if found.state != "active":
            raise self._unknown(connection, f"this key is {found.state}")
        await self._asked(lambda: self._note_use(found))
        return _caller(found, headers)

    def _note_use(self, key: StoredKey) -> None:
        try:
            self._store.key_used(key)
        except DATABASE_ERRORS as error:  # a full disk is no reason to let nobody read
            log.warning("when the key %s was used cannot be kept: %s", key.id, error)

    async def _is_still_let_in(self, given: str) -> bool:
        """For answers that take long: whether the key of this request was not revoked meanwhile."""
        token = _token(given)
        found = await self._asked(lambda: self._store.key(token.id)) if token else None
        return found is not None and found.state == "active"

    def _unknown(self, connection: Connection, words: str) -> Refused:
        address = (connection.get("client") or ("",))[0]
        if wait_s := self._refusals.spend(address):
            words = f"{self._refusals.per_minute} requests without a key that is known were refused within a minute"
            return Refused(429, *TOO_MANY, words, wait_s)
        return Refused(401, "unauthenticated", "Who are you?", words)

    async def _asked(self, question: Callable[[], Found]) -> Found:
        try:
            return await to_thread.run_sync(question, limiter=self._lookers)
        except DATABASE_ERRORS as error:
            log.warning("keys cannot be looked up: %s", error)
            raise Refused(*NO_DATABASE) from error


StillLetIn = Callable[[], Awaitable[bool]]


def _name(caller: Caller) -> str:
    """Of what is counted: two keys of one name, and two people for whom the pages ask, are two."""
    return f"{caller.key_id} {caller.name}"


def _token(given: str) -> Token | None:
    scheme, _, text = given.partition(" ")
    return read_token(text.strip()) if scheme.lower() == "bearer" else None


def _caller(key: StoredKey, headers: Mapping[str, str]) -> Caller:
    """Raises `Refused` for a key that may ask for nothing."""
    until = datetime.fromtimestamp(key.expires_at, UTC) if key.expires_at else None
    user, scope = headers.get(FOR_USER), headers.get(FOR_SCOPE)
    if key.scope == "pages" and user and scope in SCOPES and len(user) <= 254 and user.isprintable():
        return Caller(name=user, scope=scope, key_id=key.id, expires_at=until)
    for_others = user is not None or scope is not None
    if key.scope in ("pages", "worker") or for_others:
        words = "this key speaks for no such user" if for_others else f"a key of the kind {key.scope} opens no route"
        raise Refused(403, "forbidden", "This key does not allow it", words)
    return Caller(name=key.name, scope=key.scope, key_id=key.id, expires_at=until)
