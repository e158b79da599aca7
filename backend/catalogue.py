"""Asks the core what there is and what it costs, in a process of its own, so that the API never loads torch."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import mgic
from mgic.errors import Unavailable
from mgic.records import (
    DatasetInfo,
    ExperimentInfo,
    ModelCost,
    ModelFigures,
    ModelInfo,
    Plan,
    Recipe,
    Source,
    SweepRequest,
)

log = logging.getLogger(__name__)
FIRST_MODEL = "mgic_resnet20"
STARTING = "the catalogue process ended; it is being started again"


def _ask(question: str, args: tuple[Any, ...]) -> Any:
    """Runs in the catalogue's process. `mgic.describe` is found lazily: only this process loads it."""
    return getattr(mgic.describe, question)(*args)


def _die_with(parent: int) -> None:
    """Started in the catalogue's process: end it when the API is gone, however that went."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


class Catalogue:
    """The core's answers, as records.

    Args:
        data_dir: Where data sets lie.
        timeout_s: Seconds after which a question is given up, and the process replaced.

    Every method raises `Unavailable` while the process starts again, and what the core
    raises: `BadConfig`, `UnknownName`.
    """

    def __init__(self, data_dir: Path, timeout_s: float) -> None:
        self._data_dir = data_dir
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._stopped = False
        self._known: dict[str, Any] = {}
        self._pool: ProcessPoolExecutor | None = None
        self._pid: Future[int] | None = None

    def start(self) -> None:
        """Start the process in the background, and let it load the core."""
        with self._lock:
            self._open()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._pool is not None:
                self._kill()
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._pool = None

    @property
    def loaded(self) -> bool:
        """Whether the core has answered since the process started."""
        return self._pid is not None and self._pid.done() and "experiments" in self._known

    def experiments(self) -> list[ExperimentInfo]:
        return self._remembered("experiments")  # type: ignore[no-any-return]

    def experiment(self, name: str) -> ExperimentInfo:
        """Raises `UnknownName`, with the nearest name there is."""
        for info in self.experiments():
            if info.name == name:
                return info
        return self._call("experiment", name)  # type: ignore[no-any-return]

    def models(self) -> list[ModelInfo]:
        return self._remembered("models")  # type: ignore[no-any-return]

    def recipes(self) -> list[Recipe]:
        return self._remembered("recipes")  # type: ignore[no-any-return]

    def datasets(self) -> list[DatasetInfo]:
        return self._call("datasets", self._data_dir)  # type: ignore[no-any-return]

    def cost(self, name: str, options: dict[str, str], input_size: tuple[int, ...] | None) -> ModelCost:
        return self._call("cost_of_query", name, options, input_size)  # type: ignore[no-any-return]

    def plan(self, request: SweepRequest, budget_s: float | None = None, refuse: bool = False) -> Plan:
        return self._call("plan", request, budget_s, refuse)  # type: ignore[no-any-return]

    def canonical(self, spec: str) -> str:
        return self._call("canonical", spec)  # type: ignore[no-any-return]

    def figures(self, spec: str, input_size: tuple[int, ...] | None) -> ModelFigures:
        return self._call("figures", spec, input_size)  # type: ignore[no-any-return]

    def source(self) -> Source:
        return self._remembered("source")  # type: ignore[no-any-return]

    def _remembered(self, question: str) -> Any:
        if question not in self._known:
            self._known[question] = self._call(question)
        return self._known[question]

    def _call(self, question: str, *args: Any) -> Any:
        # One question at a time, so that the limit is of an answer and not of the line before it.
        if not self._turn.acquire(timeout=self._timeout_s):
            raise Unavailable("the catalogue is busy")
        try:
            return self._ask_now(question, args)
        finally:
            self._turn.release()

    def _ask_now(self, question: str, args: tuple[Any, ...]) -> Any:
        with self._lock:
            if self._stopped:
                raise Unavailable("the service is ending")
            pool = self._pool or self._open()
        try:
            return pool.submit(_ask, question, args).result(self._timeout_s)
        except (BrokenProcessPool, CancelledError) as error:
            self._replace(pool)
            raise Unavailable(STARTING) from error
        except TimeoutError as error:
            self._replace(pool)
            raise Unavailable(f"the catalogue did not answer within {self._timeout_s:g} s") from error
        except RuntimeError as error:
            if not self._stopped:
                raise
            raise Unavailable("the service is ending") from error

    def _open(self) -> ProcessPoolExecutor:
        context = get_context("spawn")  # a fork would copy the API's threads and locks
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_die_with, initargs=(os.getpid(),))
        self._pid = self._pool.submit(os.getpid)
        warm = self._pool.submit(_ask, "experiments", ())
        warm.add_done_callback(self._keep("experiments"))
        self._pool.submit(
            _ask, "cost_of_query", (FIRST_MODEL, {})
        )  # loads what the first count needs, before a user waits
        return self._pool

    def _keep(self, question: str) -> Callable[[Future[Any]], None]:
        def keep(answer: Future[Any]) -> None:
            if not answer.cancelled() and answer.exception() is None:
                self._known[question] = answer.result()

        return keep

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken and not self._stopped:
                log.warning("the catalogue process is replaced")
                self._kill()
                broken.shutdown(wait=False, cancel_futures=True)
                self._open()

    def _kill(self) -> None:
        if self._pid is not None and self._pid.done() and self._pid.exception() is None:
            try:
                os.kill(self._pid.result(), signal.SIGKILL)
            except ProcessLookupError:
                log.info("the catalogue process was gone already")
