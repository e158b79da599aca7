"""The next trials of a search: what a sampler chooses, but for cells that were tried, cannot run or cost too much."""

import json
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mgic.errors import BadConfig
from mgic.experiment import EXPERIMENTS
from mgic.records import Config, Grid, Plan, Point, Proposal, Refused, Search, SweepRequest, Trial
from mgic.search.sampling import Choices
from mgic.search.space import LISTED_CELLS, Space

ATTEMPTS = 40  # at a trial; then a small space is gone through
MOST_ATTEMPTS = (
    200  # in a space that cannot be gone through, and cells in a row that cannot be run; then it is given up
)

Planner = Callable[[SweepRequest], Plan]


def next_trials(
    request: SweepRequest,
    trials: Sequence[Trial],
    refused: Sequence[Refused],
    count: int,
    plan: Planner,
    budget_s: float | None = None,
) -> Proposal:
    """What is to be run next. It follows from the arguments alone, whoever asks.

    Args:
        request: With one grid in `axes`, and a search whose goal is known.
        trials: All so far, in their order.
        refused: Cells that were proposed and cannot be run.
        count: How many are wanted; there may be fewer.
        plan: Of a sweep of one cell: with its cost, or with why it cannot run.
        budget_s: Seconds after which what was found is enough. The cells that were refused by then are told, so that
            the next call goes on from there.
    """
    search = request.search
    assert search is not None
    space = Space.of(request.axes or {}, search.space)
    walk = _Walk(request, search, space, list(trials), list(refused), plan, budget_s)
    walk.go(min(count, search.trials - len(trials)))
    info = EXPERIMENTS[request.experiment].info
    made = Plan(
        experiment=info.name,
        version=info.version,
        queue=info.queue,
        grids=(request.axes or {},),
        points=tuple(walk.points),
    )
    return Proposal(plan=made, notes=tuple(walk.notes), refused=tuple(walk.refused[len(refused) :]), exhausted=walk.why)


@dataclass
class _Walk:
    """From one proposed cell to the next, until enough of them can be run."""

    request: SweepRequest
    search: Search
    space: Space
    trials: list[Trial]
    refused: list[Refused]
    plan: Planner
    budget_s: float | None
    points: list[Point] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    why: str = ""

    def __post_init__(self) -> None:
        self._until = None if self.budget_s is None else time.monotonic() + self.budget_s
        self._known = {_key(trial.requested) for trial in self.trials} | {_key(one.requested) for one in self.refused}
        self._looked = False
        self._listed = self.space.cells <= LISTED_CELLS

    def go(self, count: int) -> None:
        while len(self.points) < count and not self._over():
            if self._choose() or self._over():
                continue
            if self._listed:
                self._go_through(len(self.trials))
            else:
                self.why = f"{MOST_ATTEMPTS} cells in a row had been tried or cannot be run"

    def _over(self) -> bool:
        return bool(self.why) or self._late()

    def _choose(self) -> bool:
        """Whether the sampler has chosen the next trial."""
        choices = Choices(self.search, self.space, self.trials, self.refused)
        number = len(self.trials)
        for attempt in range(ATTEMPTS if self._listed else MOST_ATTEMPTS):
            if self._tried(choices, number, attempt):
                return True
            if self._over():
                return False
        return False

    def _late(self) -> bool:
        """Once a cell was looked at: whoever has little time comes on, too."""
        return self._until is not None and self._looked and time.monotonic() > self._until

    def _tried(self, choices: Choices, number: int, attempt: int) -> bool:
        """Whether the sampler's choice is the next trial."""
        requested, notes, trial = choices.choose(number, attempt)
        if _key(requested) in self._known:
            choices.forget(trial)
            return False
        refusal = self._looked_at(requested, notes)
        if refusal is not None:
            choices.refuse(trial, refusal.excess)
        return refusal is None

    def _go_through(self, number: int) -> None:
        """Of a small space, any cell that is left, in an order that the seed decides."""
        left = [cell for cell in self.space.every_cell() if _key(cell) not in self._known]
        random.Random(f"{self.search.seed} {number}").shuffle(left)
        for requested in left:
            if self._late() or self._looked_at(requested, {}) is None:
                return
        self.why = f"all {self.space.cells} cells have been tried or cannot be run"
        self.why += f": {self.refused[-1].why}" if self.refused else ""

    def _looked_at(self, requested: Config, notes: dict[str, Any]) -> Refused | None:
        """Why a new cell cannot be the next trial; None where it is."""
        self._known.add(_key(requested))
        self._looked = True
        try:
            (point,) = self.plan(SweepRequest(experiment=self.request.experiment, axes=_cell(requested))).points
            macs, problem = point.cost.macs if point.cost else None, point.problem
        except BadConfig as error:
            macs, problem = None, str(error)
        most, excess = self.search.max_macs, 1.0
        if problem is None and most is not None and (macs is None or macs > most):
            excess = 1.0 if macs is None else macs / most - 1
            problem = f"{macs or 'an unknown number of'} multiply-accumulates, and max_macs is {most}"
        if problem is None:
            self.points.append(point)
            self.notes.append(notes)
            self.trials.append(Trial(requested=requested, state="running", macs=macs, notes=notes))
            return None
        refusal = Refused(requested=requested, asked=len(self.trials), excess=excess, why=problem[:500])
        self.refused.append(refusal)
        in_a_row = sum(one.asked == refusal.asked for one in self.refused)
        if in_a_row >= MOST_ATTEMPTS and not self._listed:
            self.why = f"{in_a_row} cells in a row cannot be run: {refusal.why}"
        return refusal


def _cell(requested: Config) -> Grid:
    return {name: [value] for name, value in requested.items()}


def _key(requested: Config) -> str:
    return json.dumps(requested, sort_keys=True)
