"""The runs that an ablation compares: two fields vary, all others but the seed are the same."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from mgic.figures.ablation.fields import Data, config_of, key, levels, unfit, unit_words, varied
from mgic.figures.choice import choice
from mgic.figures.columns import Goal, goal_of, short_title, unit_of
from mgic.figures.heatmap import At, Entry, Heatmap, entries, heatmap_info
from mgic.figures.samples import SEED, Sample
from mgic.figures.words import value
from mgic.records import Config, Run, RunStatus, Value, View
from mgic.statistics.factorial import Grid

WITH = "with-"  # before the name of a field that is held at a value


@dataclass(frozen=True)
class Part:
    """One map, and what is compared in it.

    Args:
        data: All runs.
        metric: The result in question.
        x: The field of the columns.
        y: The field of the rows.
        held: The values, as words, of all other fields that vary.
    """

    data: Data
    metric: str
    x: str
    y: str
    held: Mapping[str, str]

    @property
    def unit(self) -> str:
        """Of differences, with a blank before it."""
        return unit_words(self.data.info, self.metric)

    def title(self, name: str) -> str:
        """Of a field or a result, as all pages call it."""
        return short_title(self.data.info, name)

    @property
    def goal(self) -> Goal | None:
        return goal_of(self.data.info, self.metric)

    @cached_property
    def runs(self) -> list[Run]:
        held = self.held.items()
        return [
            run
            for run in _crossed(self.data, self.x, self.y)
            if all(name in run.config and value(run.config[name]) == word for name, word in held)
        ]

    @cached_property
    def entries(self) -> list[Entry]:
        return [replace(one, config=_without_inputs(one)) for one in entries(self.runs, leave_out=unfit)]

    @cached_property
    def measured(self) -> list[Sample]:
        return [one.sample for one in self.entries if one.sample is not None]

    @cached_property
    def by(self) -> str:
        """What the best cell is chosen by."""
        return choice(self.view, self.metric, self.measured)

    @property
    def view(self) -> View:
        known = (view.chosen_by for view in self.data.info.views if view.y == self.metric or view.z == self.metric)
        by = next((one for one in known if one), None)
        return View(title="map", kind="heatmap", x=self.x, y=self.y, z=self.metric, chosen_by=by)

    @cached_property
    def map(self) -> Heatmap:
        unit = unit_of(self.data.info, self.metric)
        return heatmap_info(self.entries, self.x, self.y, self.metric, unit, self.goal, self.by)

    @cached_property
    def grid(self) -> Grid:
        return {at: cell.values for at, cell in self.map.found().items()}

    @cached_property
    def asked(self) -> dict[At, set[int]]:
        """The seeds of each cell that have been submitted, whatever became of them."""
        every = ((y, x, cell) for y, row in enumerate(self.map.cells) for x, cell in enumerate(row))
        return {
            (y, x): {seed for run in cell.runs if isinstance(seed := run.config.get(SEED), int)}
            for y, x, cell in every
            if cell.runs
        }

    def left_out(self) -> Counter[str]:
        """Why runs are in no mean, and how many for each reason."""
        return Counter(one.why for one in self.entries if one.sample is None)

    def lost(self, column: int, turned: bool = False) -> int:
        """Runs of a column, or of a row, that failed or learnt nothing."""
        cells = self.map.cells[column] if turned else [row[column] for row in self.map.cells]
        asked = {run.id for cell in cells for run in cell.runs}
        bad = [one for one in self.entries if one.run.id in asked and one.sample is None]
        return sum(one.run.status in (RunStatus.FAILED, RunStatus.SUCCEEDED) and "early" not in one.why for one in bad)


def _without_inputs(one: Entry) -> Config:
    return {name: found for name, found in one.config.items() if name not in one.run.made_from}


def _crossed(data: Data, x: str, y: str) -> list[Run]:
    return [run for run in data.runs if x in run.config and y in run.config]


def others(data: Data, x: str, y: str) -> dict[str, list[Value]]:
    """The other fields that vary between runs which have both, with their values."""
    runs = _crossed(data, x, y)
    return {name: levels(runs, name) for name in varied(runs) if name not in (x, y)}


def fullest(data: Data, x: str, y: str) -> dict[str, str]:
    """The values of the other fields with which the most runs have ended."""
    runs, names = _crossed(data, x, y), others(data, x, y)
    ended = [run for run in runs if run.whole] or runs
    count = Counter(key(config_of(run), (x, y)) for run in ended)
    if not count:
        return {}
    best = count.most_common(1)[0][0]
    chosen = next(run for run in ended if key(config_of(run), (x, y)) == best)
    return {name: value(chosen.config[name]) for name in names if name in chosen.config}
