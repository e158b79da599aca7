"""Asks the core what there is and what it costs, in a process of its own, so that the API never loads torch."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

from backend.core import Core
from backend.line import nobody_left
from mgic.plugins import Asked
from mgic.records import (
    CheckedSearch,
    DatasetInfo,
    ExperimentInfo,
    InputRun,
    ModelCost,
    ModelFigures,
    ModelInfo,
    ModelsOf,
    Plan,
    PluginInfo,
    Proposal,
    Recipe,
    Refused,
    Source,
    SweepRequest,
    Trial,
)


class Catalogue:
    """The core's answers, as records.

    Args:
        data_dir: Where data sets lie.
        timeout_s: Seconds after which a question is given up, and the process replaced.
        wanted: Plug-ins.
        idle_s: Seconds without a question after which the process ends, until one is asked; 0: it stays.

    Every method raises `Unavailable` while too many ask or no process answers, and what the core
    raises: `BadConfig`, `UnknownName`.
    """

    def __init__(self, data_dir: Path, timeout_s: float, wanted: tuple[Asked, ...] = (), idle_s: float = 0) -> None:
        self._data_dir = data_dir
        self._core = Core(timeout_s, wanted, idle_s)
        self._left = nobody_left

    def asked_by(self, left: Callable[[], bool]) -> "Catalogue":
        """The same, for one request: its questions are dropped when `left` says that its client has gone."""
        mine = copy(self)
        mine._left = left
        return mine

    def start(self) -> None:
        """Start the process in the background; again, if it failed and its pause is over."""
        self._core.start()

    def stop(self) -> None:
        self._core.stop()

    @property
    def loaded(self) -> bool:
        """Whether the core has answered since the process started."""
        return self._core.loaded

    @property
    def trouble(self) -> str:
        """Why it does not answer; empty if nothing is wrong."""
        return self._core.trouble

    @property
    def outside(self) -> tuple[PluginInfo, ...]:
        """The plug-ins as they were last found; nothing until the process has told."""
        return tuple(self._core.known("outside") or ())

    def experiments(self) -> list[ExperimentInfo]:
        return self._remembered("experiments")  # type: ignore[no-any-return]

    def experiment(self, name: str) -> ExperimentInfo:
        """Raises `UnknownName`, with the nearest name there is."""
        for info in self.experiments():
            if info.name == name:
                return info
        return self._ask("experiment", name)  # type: ignore[no-any-return]

    def models(self) -> list[ModelInfo]:
        return self._remembered("models")  # type: ignore[no-any-return]

    def search_models(self, source: ModelsOf, words: str, first: int, most: int) -> tuple[list[ModelInfo], int]:
        """Some of those that have these words, and how many there are."""
        if source == "registered" and not words:
            known = self.models()
            return known[first : first + most], len(known)
        return self._ask("search_models", source, words, first, most)  # type: ignore[no-any-return]

    def model(self, name: str) -> ModelInfo:
        """By any of its names. Raises `UnknownName`, with the nearest name there is."""
        return self._ask("model", name)  # type: ignore[no-any-return]

    def recipes(self) -> list[Recipe]:
        return self._remembered("recipes")  # type: ignore[no-any-return]

    def datasets(self, names: Sequence[str] | None = None) -> list[DatasetInfo]:
        """Those that have one of these names, or all there are."""
        return self._ask("datasets", self._data_dir, names)  # type: ignore[no-any-return]

    def lacking(self, engine: str, device: str) -> str:
        """Why an engine of timing could not be used in the API's own place; else empty."""
        return self._ask("lacking", engine, device)  # type: ignore[no-any-return]

    def cost(self, name: str, options: dict[str, str], input_size: tuple[int, ...] | None) -> ModelCost:
        return self._ask("cost_of_query", name, options, input_size)  # type: ignore[no-any-return]

    def plan(
        self,
        request: SweepRequest,
        budget_s: float | None = None,
        refuse: bool = False,
        inputs: Mapping[str, InputRun] | None = None,
    ) -> Plan:
        return self._ask("plan", request, budget_s, refuse, inputs, self._data_dir)  # type: ignore[no-any-return]

    def check_search(self, request: SweepRequest) -> CheckedSearch:
        return self._ask("check_search", request, self._data_dir)  # type: ignore[no-any-return]

    def next_trials(
        self,
        request: SweepRequest,
        trials: Sequence[Trial],
        refused: Sequence[Refused],
        count: int,
        budget_s: float,
    ) -> Proposal:
        """What is to be run next of a search."""
        return self._ask(  # type: ignore[no-any-return]
            "next_trials", request, trials, refused, count, budget_s, self._data_dir
        )

    def canonical(self, spec: str) -> str:
        return self._ask("canonical", spec)  # type: ignore[no-any-return]

    def figures(self, spec: str, input_size: tuple[int, ...] | None) -> ModelFigures:
        return self._ask("figures", spec, input_size)  # type: ignore[no-any-return]

    def source(self) -> Source:
        return self._remembered("source")  # type: ignore[no-any-return]

    def _remembered(self, question: str) -> Any:
        return self._core.remembered(question, self._left)

    def _ask(self, question: str, *args: Any) -> Any:
        return self._core.ask(question, args, self._left)
