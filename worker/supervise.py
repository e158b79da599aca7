"""One run in a child process, watched from its claim to its end.

The main thread listens to the child and decides when it ends; a pulse, in a thread of its own,
keeps the lease alive, looks for cancellation and stores what the child tells.
"""

import contextlib
import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from backend.artifacts import Artifacts
from backend.settings import Settings
from backend.store import DATABASE_ERRORS, Claim, Ending, Slot, Store
from mgic.records import Failure, Outcome, Reason, RunStatus
from worker.channel import TooMuch
from worker.child import Child
from worker.courier import NO_ROOM, Courier, clear_disk
from worker.pulse import Pulse

log = logging.getLogger(__name__)

MEMORY_EVENTS = Path("/sys/fs/cgroup/memory.events")
STORE_FOR_S = 60.0  # how long the end of a run and its files are offered to servers that do not answer
FETCH_FOR_S = 60.0  # how long a run waits for its inputs and the checkpoints of its earlier attempts
STORE_LAST_S = 3.0  # the same when the host goes down

# What came of storing an end: what follows from it; the run has another owner; or the database did not answer in time,
# so that it may be either.
Stored = Ending | Literal["elsewhere", "unknown"]


@dataclass(frozen=True)
class Ended:
    """How a watched run went: the outcome, or why there is none.

    `reusable`: the child may serve another run. `warned`: it has had its TERM, and its grace.
    """

    outcome: Outcome | None = None
    failure: Failure | None = None
    lost: bool = False
    reusable: bool = False
    warned: bool = False

    @property
    def succeeded(self) -> bool:
        return self.outcome is not None and self.outcome.status is RunStatus.SUCCEEDED


class Supervised(NamedTuple):
    """Whether the child may serve another run, and what follows from the end; nothing where it is not stored."""

    usable: bool
    ending: Ending | None


def supervise(
    claim: Claim,
    child: Child,
    store: Store,
    artifacts: Artifacts,
    settings: Settings,
    stopping: Callable[[], bool],
    then: Slot | None = None,
) -> Supervised:
    """Have the child execute the run, and store how it ended.

    Args:
        claim: The run.
        child: Idle, or just started.
        store: Where all that is told goes.
        artifacts: Where files go.
        settings: Lease, grace and limit.
        stopping: Whether this host goes down; then the attempt is given back.
        then: Who takes the next run with the end of this one, if it can begin at once.
    """
    start = time.monotonic()
    log.info("run %s: attempt %d of %s starts", claim.run_id, claim.attempt, claim.experiment)
    child.channel.begin()
    told, folder = child.channel.told, settings.scratch / str(claim.run_id)
    with Pulse(store, claim, settings, told) as pulse:
        courier = Courier(artifacts, claim, folder, told, settings.poll_s, owned=lambda: not pulse.lost)
        with courier:
            ended = _watch(claim, child, settings, pulse, courier, stopping)
            if not ended.reusable:
                grace = settings.shutdown_grace_s if stopping() else settings.grace_s
                child.end(0 if ended.warned else grace)
        stored: Stored = "elsewhere"
        if not ended.lost:
            ended = _deliver(claim, child, settings, courier, ended, pulse, stopping)
            if not ended.succeeded:  # what it has written helps nobody, and may take the room that its end needs
                clear_disk(folder, claim.fence, others=False)
            # With a new child to start, or files to remove, the next run would wait without a pulse.
            at_once = ended.succeeded and ended.reusable and claim.fence == 1 and not stopping()
            stored = _store_end(claim, child, store, ended, pulse, stopping, then if at_once else None)
    ending = stored if isinstance(stored, Ending) else None
    _tell_of_end(claim, ended, ending is not None, time.monotonic() - start)
    courier.clear(own=stored == "elsewhere" or not ended.succeeded, others=ending is not None)
    clear_disk(folder, claim.fence, others=ending is not None and ending.over)
    return Supervised(ended.reusable or child.free, ending)


def _tell_of_end(claim: Claim, ended: Ended, stored: bool, seconds: float) -> None:
    if ended.outcome is not None:
        failure, how = ended.outcome.failure, str(ended.outcome.status)
    else:
        failure, how = ended.failure, "given up" if ended.lost else "given back"
    why = f" ({failure.reason})" if failure else ""
    kept = "" if stored else ", which was not stored"
    log.info("run %s: %s%s after %.1f s%s", claim.run_id, how, why, seconds, kept)


def _watch(
    claim: Claim, child: Child, settings: Settings, pulse: Pulse, courier: Courier, stopping: Callable[[], bool]
) -> Ended:
    start = time.monotonic()
    kills = _oom_kills()
    told = child.channel.told
    begun = False
    while True:
        if not begun and (courier.fetched.wait(0.1) or time.monotonic() - start > FETCH_FOR_S):
            if refused := _without_inputs(claim, courier, start):
                return refused
            if courier.fetched.is_set() or not claim.inputs:
                child.begin(claim)
                begun = True
        try:
            running = not begun or child.listen(0.1)
        except TooMuch as error:
            return Ended(outcome=_failed(claim, Reason.TOO_LARGE, f"The run told too much: {error}.", start))
        if told.outcome is not None:
            outcome = told.outcome
            child.read_text()
            if outcome.status is RunStatus.CANCELLED:  # by a TERM that is no user's cancel: a stray one
                return Ended(failure=Failure(reason=Reason.KILLED, message="The run was ended by a signal."))
            running = child.rest()
            return Ended(outcome=outcome, reusable=running and outcome.status is RunStatus.SUCCEEDED)
        if not running:
            return Ended(failure=_death(child.returncode, _oom_kills() > kills))
        if pulse.lost:
            log.warning("run %s: the lease was lost, its result is dropped", claim.run_id)
            return Ended(lost=True)
        if pulse.order == "cancel":
            return _cancelled(child, settings)
        if pulse.behind:
            child.end_training()
        if stopping():
            return _given_back(child, settings)
        if time.monotonic() - start > settings.wall_limit_s:
            words = f"The run took longer than the limit of {settings.wall_limit_s:g} s."
            return Ended(outcome=_failed(claim, Reason.TIMEOUT, words, start))


def _without_inputs(claim: Claim, courier: Courier, start: float) -> Ended | None:
    """A file that is not there never will be; a place that does not answer may do so at the next attempt."""
    if courier.missing:
        return Ended(outcome=_failed(claim, Reason.INPUT_FAILED, courier.missing, start))
    away = courier.away
    if away is None or courier.fetched.is_set():  # what takes long is waited for
        return None
    if away.errno in NO_ROOM:
        words = f"There is no room for the inputs of the run: {away.strerror}."
        return Ended(outcome=_failed(claim, Reason.DISK_FULL, words, start))
    words = f"The inputs of the run could not be fetched: {away}"
    return Ended(failure=Failure(reason=Reason.INTERNAL, message=words))


def _given_back(child: Child, settings: Settings) -> Ended:
    """The host goes down: a checkpoint first, where the run makes one in half of the grace; its end has the other half.

    A success that arrives in that moment counts.
    """
    told = child.channel.told
    before, deadline = told.checkpoint, time.monotonic() + settings.shutdown_grace_s / 2
    with contextlib.suppress(TooMuch):  # it is being stopped already
        asked = child.ask_for_checkpoint()
        while asked and time.monotonic() < deadline and told.checkpoint == before and told.outcome is None:
            if not child.listen(0.05):
                break
    if told.outcome is not None and told.outcome.status is RunStatus.SUCCEEDED:
        return Ended(outcome=told.outcome)
    return Ended()


def _cancelled(child: Child, settings: Settings) -> Ended:
    """TERM, and a moment for it to end; a success that arrives in that moment counts."""
    child.signal(signal.SIGTERM)
    deadline = time.monotonic() + settings.grace_s
    told = child.channel.told
    with contextlib.suppress(TooMuch):  # it is being stopped already
        while time.monotonic() < deadline and told.outcome is None and child.listen(0.05):
            pass
    if told.outcome is not None and told.outcome.status is not RunStatus.CANCELLED:
        return Ended(outcome=told.outcome, warned=True)
    return Ended(warned=True)


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


def _deliver(
    claim: Claim,
    child: Child,
    settings: Settings,
    courier: Courier,
    ended: Ended,
    pulse: Pulse,
    stopping: Callable[[], bool],
) -> Ended:
    """Bring the files of a success to their place; a success whose files cannot be kept is none."""
    if not ended.succeeded:
        return ended
    start = time.monotonic()
    files = child.channel.told.artifacts
    if (size := sum(file.size for file in files)) > settings.max_artifact_bytes:
        words = f"The run leaves files of {size} bytes, more than the limit of {settings.max_artifact_bytes}."
        return replace(ended, outcome=_failed(claim, Reason.TOO_LARGE, words, start))
    try:
        patience = STORE_LAST_S if stopping() else STORE_FOR_S
        courier.deliver(files, patience, wanted=lambda: pulse.order == "ok" and not stopping())
    except OSError as error:
        if error.errno in NO_ROOM:
            words = f"There is no room for the files of the run: {error.strerror}."
            return replace(ended, outcome=_failed(claim, Reason.DISK_FULL, words, start))
        failure = Failure(reason=Reason.INTERNAL, message=f"The files of the run could not be kept: {error}")
        return replace(ended, outcome=None, failure=None if stopping() else failure)
    return ended


def _store_end(
    claim: Claim,
    child: Child,
    store: Store,
    ended: Ended,
    pulse: Pulse,
    stopping: Callable[[], bool],
    then: Slot | None,
) -> Stored:
    """Offered until the database answers."""
    start = time.monotonic()
    while True:
        try:
            pulse.flush()
            if ended.outcome is not None:
                files = child.channel.told.artifacts
                ending = store.finish(claim.run_id, claim.fence, ended.outcome, files, then)
            else:
                ending = store.release(claim.run_id, claim.fence, ended.failure)
        except DATABASE_ERRORS as error:
            if time.monotonic() - start > (STORE_LAST_S if stopping() else STORE_FOR_S):
                log.error("run %s: its end could not be stored, it will be run again: %s", claim.run_id, error)
                return "unknown"
            time.sleep(1)
            continue
        if ending is None:
            log.warning("run %s: it has another owner, its end was not stored", claim.run_id)
            return "elsewhere"
        return ending
