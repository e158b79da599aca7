"""Announces sweeps that have ended, to whom the settings name, until each was told or it has failed too often."""

import json
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from backend.hooks import Notice, NotTold, execute, post
from backend.settings import Settings
from backend.store import Due, Store
from mgic.errors import NotFound

log = logging.getLogger(__name__)
EVENT = "sweep.ended"
AT_A_TIME = 20
MOST_ATTEMPTS = 10  # over some three hours
FIRST_PAUSE_S = 10.0
LONGEST_PAUSE_S = 3600.0

Tell = Callable[[Notice], None]


class Herald:
    """A thread of its own: who is told may be slow.

    Args:
        store: Which sweeps have ended.
        hooks: Who is told, by name; see `hooks_of`.
        every_s: Seconds between two looks.
        first_pause_s: After the first attempt that has failed; twice as long after each further one.
    """

    def __init__(
        self, store: Store, hooks: dict[str, Tell], every_s: float, first_pause_s: float = FIRST_PAUSE_S
    ) -> None:
        self._store = store
        self._hooks = hooks
        self._every_s = every_s
        self._first_pause_s = first_pause_s
        self._told: set[tuple[object, str]] = set()  # of sweeps that some, but not all, have been told of
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="herald", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join(timeout=5)

    def announce(self) -> int:
        """Everything that is due; of how many sweeps all were told."""
        self._store.note_ends()
        done = 0
        while due := self._store.take_due(AT_A_TIME):
            done += sum(self._announce(one) for one in due if not self._ended.is_set())
        return done

    def _announce(self, due: Due) -> bool:
        try:
            sweep = self._store.sweep(due.sweep_id)
        except NotFound:  # deleted meanwhile, and what was to be told with it
            return False
        said = {"event": EVENT, "at": datetime.now(UTC).isoformat(), "sweep": sweep.model_dump(mode="json")}
        notice = Notice(EVENT, str(due.sweep_id), due.attempts + 1, json.dumps(said).encode())
        failed = [name for name, tell in self._hooks.items() if not self._tell(due, name, tell, notice)]
        if failed and notice.attempt < MOST_ATTEMPTS:
            pause = min(self._first_pause_s * 2**due.attempts, LONGEST_PAUSE_S)
            self._store.announce_later(due, pause)
            return False
        if failed:
            log.error("sweep %s: %s was not told, and is not tried again", due.sweep_id, ", ".join(failed))
        self._told -= {(due.sweep_id, name) for name in self._hooks}
        self._store.announced(due.sweep_id)
        return not failed

    def _tell(self, due: Due, name: str, tell: Tell, notice: Notice) -> bool:
        if (due.sweep_id, name) in self._told:
            return True
        try:
            tell(notice)
        except NotTold as error:
            log.warning("sweep %s: attempt %d to tell failed: %s", due.sweep_id, notice.attempt, error)
            return False
        self._told.add((due.sweep_id, name))
        return True

    def _loop(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                self.announce()
            except Exception as error:  # noqa: BLE001 - a thread that ends here would announce nothing any more
                log.warning("nothing is announced this time: %s", error)


def hooks_of(settings: Settings) -> dict[str, Tell]:
    """Who is told, as the settings say, by a name that may be logged: an address may have a secret in its path."""
    found: dict[str, Tell] = {}
    for number, url in enumerate(settings.webhook_urls, 1):
        name = f"webhook {number} ({urlsplit(url).hostname})"
        found[name] = partial(_post, url, settings.webhook_key, settings.webhook_private)
    if settings.sweep_command:
        found["the command"] = partial(execute, settings.sweep_command)
    return found


def _post(url: str, secret: str, private: bool, notice: Notice) -> None:
    post(url, secret, notice, private)
