"""One run in a child process, watched from its claim to its end.

The main thread listens to the child and stores what it tells; a thread of its own keeps the
lease alive and looks for cancellation, over a connection of its own, whatever the run does.
"""

import logging
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.settings import Settings
from backend.store import DATABASE_ERRORS, Claim, Store
from mgic.records import Failure, Outcome, Reason, RunStatus
from worker.channel import TooMuch
from worker.child import Child

log = logging.getLogger(__name__)

MEMORY_EVENTS = Path("/sys/fs/cgroup/memory.events")
STORE_EVERY_S = 0.5  # curves and log lines are stored at most so often
STORE_FOR_S = 60.0  # how long the end of a run is offered to a database that does not answer


class Pulse:
    """Heartbeats of one claim, from a thread.

    `verdict` is "ok" until the store says "cancel" (the user wants it stopped) or "lost"
    (the run has another owner); a lease that could not be prolonged in time is lost too.
    """

    def __init__(self, store: Store, claim: Claim, settings: Settings) -> None:
        self._store = store
        self._claim = claim
        self._settings = settings
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)
        self.verdict = "ok"
        self.progress = 0.0
        self.phase = ""

    def __enter__(self) -> "Pulse":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=15)

    def _beat(self) -> None:
        alive = time.monotonic()
        every = min(self._settings.poll_s, self._settings.heartbeat_s)
        while not self._ended.wait(every) and self.verdict != "lost":
            try:
                answer = self._store.heartbeat(self._claim.run_id, self._claim.fence, self.progress, self.phase)
                alive = time.monotonic()
                if not (answer == "ok" and self.verdict == "cancel"):
                    self.verdict = answer
            except DATABASE_ERRORS as error:
                log.warning("run %s: no heartbeat, the database does not answer: %s", self._claim.run_id, error)
                if time.monotonic() - alive > self._settings.lease_s:
                    self.verdict = "lost"


@dataclass(frozen=True)
class Ended:
    """How a watched run went: the outcome, or why there is none; and whether the child may serve another."""

    outcome: Outcome | None = None
    failure: Failure | None = None
    lost: bool = False
    reusable: bool = False


def supervise(claim: Claim, child: Child, store: Store, settings: Settings, stopping: Callable[[], bool]) -> bool:
    """Have the child execute the run, and store how it ended.

    Args:
        claim: The run.
        child: Idle, or just started.
        store: Where everything goes.
        settings: Lease, grace and limit.
        stopping: Whether this host goes down; then the attempt is given back.

    Returns:
        Whether the child may serve another run.
    """
    child.begin(claim)
    with Pulse(store, claim, settings) as pulse:
        ended = _watch(claim, child, store, settings, pulse, stopping)
        if not ended.reusable:
            child.end(settings.shutdown_grace_s if stopping() else settings.grace_s)
        kept = False
        if not ended.lost:
            _flush(claim, child, store)
            kept = _store_end(claim, child, store, ended)
    if not kept or ended.outcome is None or ended.outcome.status is not RunStatus.SUCCEEDED:
        _sweep(settings.artifacts, claim)
    return ended.reusable


def _watch(
    claim: Claim, child: Child, store: Store, settings: Settings, pulse: Pulse, stopping: Callable[[], bool]
) -> Ended:
    start = stored = time.monotonic()
    kills = _oom_kills()
    told = child.channel.told
    while True:
        try:
            running = child.listen(0.1)
        except TooMuch as error:
            return Ended(outcome=_failed(claim, Reason.TOO_LARGE, f"The run told too much: {error}.", start))
        pulse.progress, pulse.phase = told.progress, told.phase
        if told.outcome is not None:
            outcome = told.outcome
            if outcome.status is RunStatus.CANCELLED:  # by a TERM that is no user's cancel: a stray one
                return Ended(failure=Failure(reason=Reason.KILLED, message="The run was ended by a signal."))
            return Ended(outcome=outcome, reusable=running and outcome.status is RunStatus.SUCCEEDED)
        if not running:
            return Ended(failure=_death(child.process.returncode, _oom_kills() > kills))
        if pulse.verdict == "lost":
            log.warning("run %s: the lease was lost, its result is dropped", claim.run_id)
            return Ended(lost=True)
        if pulse.verdict == "cancel":
            return _cancelled(child, settings)
        if stopping():
            return Ended()
        if time.monotonic() - start > settings.wall_limit_s:
            words = f"The run took longer than the limit of {settings.wall_limit_s:g} s."
            return Ended(outcome=_failed(claim, Reason.TIMEOUT, words, start))
        if time.monotonic() - stored > STORE_EVERY_S and _flush(claim, child, store):
            stored = time.monotonic()


def _cancelled(child: Child, settings: Settings) -> Ended:
    """TERM, and a moment for it to end; a success that arrives in that moment counts."""
    child.signal(signal.SIGTERM)
    deadline = time.monotonic() + settings.grace_s
    told = child.channel.told
    while time.monotonic() < deadline and told.outcome is None and child.listen(0.05):
        pass
    if told.outcome is not None and told.outcome.status is not RunStatus.CANCELLED:
        return Ended(outcome=told.outcome)
    return Ended()


def _death(returncode: int, out_of_memory: bool) -> Failure:
    """A child that left without an outcome."""
    if out_of_memory:
        words = "The kernel killed the process because memory ran out."
        return Failure(reason=Reason.OOM, message=words)
    if returncode < 0:
        return Failure(reason=Reason.KILLED, message=f"The process was ended by {signal.Signals(-returncode).name}.")
    return Failure(reason=Reason.KILLED, message=f"The process left with code {returncode} and no result.")


def _oom_kills() -> int:
    """How often the kernel's out-of-memory killer has struck in this control group; 0 where it does not tell."""
    if not MEMORY_EVENTS.exists():
        return 0
    counts = dict(line.split() for line in MEMORY_EVENTS.read_text().splitlines())
    return int(counts.get("oom_kill", 0))


def _failed(claim: Claim, reason: Reason, words: str, start: float) -> Outcome:
    return Outcome(
        status=RunStatus.FAILED,
        config=claim.config,
        failure=Failure(reason=reason, message=words),
        environment={},
        seconds=time.monotonic() - start,
    )


def _flush(claim: Claim, child: Child, store: Store) -> bool:
    """Store new points and lines; what a database that does not answer refuses is kept for the next time."""
    told = child.channel.told
    points, lines = told.points[:], told.lines[:]
    if points or lines:
        try:
            store.record(claim.run_id, claim.fence, points, lines)
        except DATABASE_ERRORS as error:
            log.warning("run %s: its curves wait, the database does not answer: %s", claim.run_id, error)
            return False
        del told.points[: len(points)], told.lines[: len(lines)]
    return True


def _store_end(claim: Claim, child: Child, store: Store, ended: Ended) -> bool:
    """Offered until the database takes it; False if it does not, or if the run has another owner meanwhile."""
    deadline = time.monotonic() + STORE_FOR_S
    while True:
        try:
            if ended.outcome is not None:
                kept = store.finish(claim.run_id, claim.fence, ended.outcome, child.channel.told.artifacts)
            else:
                kept = store.release(claim.run_id, claim.fence, ended.failure)
        except DATABASE_ERRORS as error:
            if time.monotonic() > deadline:
                log.error("run %s: its end could not be stored, it will be run again: %s", claim.run_id, error)
                return False
            time.sleep(1)
            continue
        if not kept:
            log.warning("run %s: it has another owner, its end was not stored", claim.run_id)
        return kept


def _sweep(root: Path, claim: Claim) -> None:
    """The files of an attempt that left no result."""
    folder = root / str(claim.run_id) / str(claim.fence)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.exists() and not any(folder.parent.iterdir()):
        folder.parent.rmdir()
