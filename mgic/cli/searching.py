"""A search in this process: the same proposals and the same rule of stopping as in the service."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mgic import describe
from mgic.data import dataset_info
from mgic.errors import DataMissing
from mgic.records import CheckedSearch, Config, Outcome, Point, Refused, RunStatus, Search, Trial, stopped_early
from mgic.search.best import Scored, best_of
from mgic.search.stopping import Other, falls_behind


@dataclass
class LocalSearch:
    """Points to run, each of which follows from how those before have ended.

    Args:
        checked: What is asked for.
        data_dir: Where data sets lie.
        say: For a line of words.
    """

    checked: CheckedSearch
    data_dir: Path
    say: Callable[[str], None]
    _trials: list[Trial] = field(default_factory=list)
    _refused: list[Refused] = field(default_factory=list)
    _others: list[Other] = field(default_factory=list)
    _macs: int | None = None  # of the point at hand
    _notes: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Search:
        assert self.checked.request.search is not None
        return self.checked.request.search

    @property
    def curve(self) -> str | None:
        """By which trainings are ended early, if they are."""
        return self.checked.curve

    def __iter__(self) -> Iterator[Point]:
        request = self.checked.request
        while len(self._trials) < self.settings.trials:
            found = describe.next_trials(request, self._trials, self._refused, 1, data_dir=self.data_dir)
            self._refused += found.refused
            if found.exhausted:
                self.say(f"the search ends here: {found.exhausted}")
            if not found.plan.points:
                return
            (point,), (notes,) = found.plan.points, found.notes
            check_data([point.config], self.data_dir)
            self._macs, self._notes = point.cost.macs if point.cost else None, notes
            yield point

    def behind(self, scores: Sequence[float | None]) -> bool:
        """Whether the training with these scores is to end."""
        rule, goal = self.settings.stop, self.settings.goal
        return rule is not None and goal is not None and falls_behind(rule, goal, scores, self._others)

    def ended(self, point: Point, outcome: Outcome, scores: Sequence[float | None]) -> None:
        result = outcome.result or {}
        value, early = result.get(self.settings.metric), stopped_early(outcome.result)
        scored = outcome.status is RunStatus.SUCCEEDED and isinstance(value, int | float)
        self._others.append(Other(tuple(scores), scored and not early))
        self._trials.append(
            Trial(
                requested=point.requested,
                state=("stopped" if early else "complete") if scored else "failed",
                value=value if scored else None,
                step=result.get("steps") or 0,
                macs=self._macs,
                notes=self._notes,
            )
        )

    def verdict(self) -> str:
        """The best trial in words; of two goals, those that no other one beats."""
        whole = [(number, trial) for number, trial in enumerate(self._trials) if trial.state == "complete"]
        told = [Scored(number, trial.value, trial.macs) for number, trial in whole if trial.value is not None]
        shown = ", ".join(f"{one.value:.6g} (run {one.number + 1})" for one in best_of(self.settings, told))
        stopped = sum(trial.state == "stopped" for trial in self._trials)
        rest = f"; {stopped} of {len(self._trials)} runs ended early" if stopped else ""
        return f"best {self.settings.metric}: {shown or 'none, no run came to its end'}{rest}"


def check_data(configs: Iterable[Config], data_dir: Path) -> None:
    """Raises `DataMissing` for a data set that is not here."""
    for name in dict.fromkeys(name for config in configs if isinstance(name := config.get("dataset"), str)):
        info = dataset_info(name, data_dir)
        if not info.present:
            raise DataMissing(f"the data set {name} is not under {data_dir}; {info.how_to_get}")
