"""The one process that has the core in it, and so loads torch: started, asked, replaced when it fails."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from backend.line import Line, nobody_left
from mgic import plugins
from mgic.errors import Unavailable
from mgic.experiment import RUN_ELSEWHERE
from mgic.plugins import Asked

log = logging.getLogger(__name__)
FIRST_MODEL = "mgic_resnet20"
IN_LINE = 16  # questions at once; the API has 40 threads for all it does
LONGEST_PAUSE_S = 30.0
LOOK_S = 5.0  # how often it is looked whether the process has had nothing to do for long
LONGEST_START_S = 120.0  # until a process has loaded torch; on a busy machine that takes many times as long
ENDED = "the catalogue process ended; it is being started again"


class Outdated(Exception):
    """The code of a plug-in has changed since the process imported it."""


def _ask(question: str, args: tuple[Any, ...]) -> Any:
    """Runs in the process, the only one that loads `mgic.describe`, and with it torch."""
    if plugins.changed():
        raise Outdated
    return getattr(import_module("mgic.describe"), question)(*args)


def _begin(parent: int, wanted: tuple[Asked, ...]) -> None:
    """First in the process: import the plug-ins, each tried in a fork, while there is no other thread."""
    RUN_ELSEWHERE.set(True)
    plugins.load_tried(wanted)
    _die_with(parent)


def _die_with(parent: int) -> None:
    """Started in the process: end it when the API is gone, however that went."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


class Core:
    """Answers of `mgic.describe`, one question at a time.

    Args:
        timeout_s: Seconds after which a question is given up, and the process replaced.
        wanted: Plug-ins.
        idle_s: Seconds without a question after which the process ends, and its memory is free; the next question
            waits for another one to load. 0: it stays.

    A process that loads is given `LONGEST_START_S`; one whose plug-ins have changed is replaced before it answers.
    A process that fails is replaced at once, one that fails again after a pause that grows; `trouble` says why.
    """

    def __init__(self, timeout_s: float, wanted: tuple[Asked, ...] = (), idle_s: float = 0) -> None:
        self._wanted = wanted
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._resting = False
        self._at_work = 0  # questions that the process has
        self._answered = 0.0  # when the last one was answered, or the process started
        self._idler: threading.Thread | None = None
        self._ended = threading.Event()
        self._line = Line("catalogue", IN_LINE, timeout_s)
        self._lock = threading.RLock()  # a question that fails at once is told of by the thread that asks it
        self._stopped = False
        self._known: dict[str, Any] = {}
        self._pool: ProcessPoolExecutor | None = None
        self._pid: Future[int] | None = None
        self._warm: Future[Any] | None = None  # the last of what the process does before the first question
        self._opened = 0.0  # when it was started
        self._trouble = ""
        self._pause_s = 0.0
        self._due = 0.0  # when it may be started again

    def start(self) -> None:
        """Start the process in the background, and let it load the core; one that rests is left to rest."""
        with self._lock:
            if not (self._stopped or self._resting) and self._pool is None and time.monotonic() >= self._due:
                self._open()
            if self._idle_s and self._idler is None:
                self._idler = threading.Thread(target=self._rest_when_idle, name="core rests", daemon=True)
                self._idler.start()

    def stop(self) -> None:
        self._ended.set()
        with self._lock:
            self._stopped = True
            self._drop()

    @property
    def loaded(self) -> bool:
        """Whether the process that runs has the core in it, or had when it went to rest."""
        there = self._resting or (self._pid is not None and self._pid.done())
        return there and not self._trouble and "experiments" in self._known

    @property
    def trouble(self) -> str:
        """Why there is no answer to be had; empty if nothing is wrong."""
        return self._trouble

    def remembered(self, question: str, left: Callable[[], bool] = nobody_left) -> Any:
        """The answer to a question that is always the same, unless a plug-in changes. Raises as `ask` does."""
        if question not in self._known or self._wanted:
            self._known[question] = self.ask(question, (), left)
        return self._known[question]

    def known(self, question: str) -> Any:
        """What `remembered` has answered last; None if it was never asked."""
        return self._known.get(question)

    def ask(self, question: str, args: tuple[Any, ...], left: Callable[[], bool] = nobody_left) -> Any:
        """The answer, or what the core raises.

        Args:
            question: A function of `mgic.describe`.
            args: Its arguments.
            left: Whether the client has gone; then its question is not asked.

        Raises:
            Unavailable: Too many ask, the process cannot be started or is started again, or it takes too long.
        """
        # One question at a time, so that the limit is of an answer and not of the line before it.
        with self._line.turn(left):
            try:
                return self._ask_now(question, args)
            except Outdated:
                self._renew()
                return self._ask_now(question, args)

    def _renew(self) -> None:
        with self._lock:
            log.info("the catalogue process is replaced: a plug-in has changed")
            self._drop()
            self._open()

    def _ask_now(self, question: str, args: tuple[Any, ...]) -> Any:
        with self._lock:
            self._resting = False
            self.start()
            if self._stopped:
                raise Unavailable("the service is ending")
            if self._pool is None:
                raise Unavailable(self._trouble)
            pool = self._pool
            self._at_work += 1
        try:
            return self._answer_of(pool, question, args)
        finally:
            with self._lock:
                self._at_work -= 1
                self._answered = time.monotonic()

    def _rest_when_idle(self) -> None:
        while not self._ended.wait(min(self._idle_s, LOOK_S)):
            with self._lock:
                loaded = self._warm is not None and self._warm.done() and not self._trouble
                if loaded and not self._at_work and time.monotonic() - self._answered >= self._idle_s:
                    log.info("the catalogue process ends until it is asked again")
                    self._drop()
                    self._resting = True

    def _answer_of(self, pool: ProcessPoolExecutor, question: str, args: tuple[Any, ...]) -> Any:
        try:
            asked = pool.submit(_ask, question, args)
        except (OSError, RuntimeError) as error:  # no process or thread is to be had, or the pool broke just now
            self._fail(pool, ENDED if isinstance(error, BrokenProcessPool) else _cannot_start(error))
            raise Unavailable(self._trouble or ENDED) from error
        try:
            return asked.result(self._timeout_s)
        except (BrokenProcessPool, CancelledError) as error:
            self._fail(pool, ENDED)
            raise Unavailable(self._trouble or ENDED) from error
        except TimeoutError as error:
            words = f"the catalogue did not answer within {self._timeout_s:g} s"
            if self._loads(pool):  # replaced now, its successor would get no further
                asked.cancel()
            else:
                self._fail(pool, words)
            raise Unavailable(words) from error
        except (MemoryError, ImportError) as error:
            self._fail(pool, _cannot_work(error))
            raise Unavailable(_cannot_work(error)) from error
        except OSError as error:  # of a file it reads: another question may be answered
            raise Unavailable(_cannot_work(error)) from error

    def _loads(self, pool: ProcessPoolExecutor) -> bool:
        """Whether it is the process that runs, has not loaded all yet, and may still be expected to."""
        with self._lock:
            late = time.monotonic() - self._opened > LONGEST_START_S
            return pool is self._pool and self._warm is not None and not self._warm.done() and not late

    def _open(self) -> None:
        context = get_context("spawn")  # a fork would copy the API's threads and locks
        given = (os.getpid(), self._wanted)
        pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=given)
        self._pool, self._opened = pool, time.monotonic()
        self._answered = self._opened
        try:
            self._pid = pool.submit(os.getpid)
            pool.submit(_ask, "outside", ()).add_done_callback(self._met)
            pool.submit(_ask, "experiments", ()).add_done_callback(lambda answer: self._warmed(pool, answer))
            # Loads what the first count needs, before a user waits.
            self._warm = pool.submit(_ask, "cost_of_query", (FIRST_MODEL, {}))
        except (OSError, RuntimeError) as error:
            self._fail(pool, _cannot_start(error))

    def _met(self, answer: Future[Any]) -> None:
        """What came of the plug-ins; where that is not told, `_warmed` hears of it too."""
        if not answer.cancelled() and answer.exception() is None:
            self._known["outside"] = answer.result()

    def _warmed(self, pool: ProcessPoolExecutor, answer: Future[Any]) -> None:
        """The first answer of a process, or why there is none; called by the pool's own thread, within its lock."""
        error = None if answer.cancelled() else answer.exception()
        reason = ""
        if isinstance(error, BrokenProcessPool):
            reason = "the catalogue process ended before it had loaded; memory may be short"
        elif isinstance(error, MemoryError | ImportError | OSError):
            reason = _cannot_work(error)
        if reason:  # a lock that is held cannot be taken to shut the pool down
            threading.Thread(target=self._fail, args=(pool, reason), name="core fails", daemon=True).start()
        elif error is not None:
            log.error("the catalogue's first answer: %r", error)
        elif not answer.cancelled():
            self._known["experiments"] = answer.result()
            with self._lock:
                if self._pool is pool:
                    self._trouble, self._pause_s, self._due = "", 0.0, 0.0

    def _fail(self, broken: ProcessPoolExecutor, reason: str) -> None:
        """The process is given up; the next one starts now, or, if this one never answered, after a pause."""
        with self._lock:
            if self._pool is not broken or self._stopped:
                return
            log.warning("the catalogue process is replaced: %s", reason)
            self._drop()
            self._trouble = reason
            self._due = time.monotonic() + self._pause_s
            again = self._pause_s == 0
            self._pause_s = min(LONGEST_PAUSE_S, max(1.0, 2 * self._pause_s))
            if again:
                self._open()

    def _drop(self) -> None:
        pool, pid = self._pool, self._pid
        self._pool = self._pid = self._warm = None
        if pool is None:
            return
        if pid is not None and pid.done() and not pid.cancelled() and pid.exception() is None:
            try:
                os.kill(pid.result(), signal.SIGKILL)
            except ProcessLookupError:
                log.info("the catalogue process was gone already")
        pool.shutdown(wait=False, cancel_futures=True)


def _cannot_start(error: BaseException) -> str:
    return f"the catalogue process cannot be started: {_words(error)}"


def _cannot_work(error: BaseException) -> str:
    return f"the catalogue cannot answer: {_words(error)}"


def _words(error: BaseException) -> str:
    """No path of this machine, which the text of an `OSError` has."""
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)[:200] or type(error).__name__
