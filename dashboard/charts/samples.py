"""From runs to groups that differ in the seed only, and what their values say together."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dashboard.words import number, settings
from mgic.records import Config, Run, RunStatus
from mgic.statistics import Summary, summary

SEED = "seed"


@dataclass(frozen=True)
class Sample:
    """One measured row: a finished run, or one row of a run whose result has several."""

    run_id: str
    config: Config
    values: dict[str, Any]  # config and result side by side


@dataclass(frozen=True)
class Group:
    """Samples of one config under several seeds."""

    config: Config  # without the seed
    samples: tuple[Sample, ...]

    def value(self, column: str) -> Any:
        """The column where it is the same for all, such as a setting; else its mean."""
        values = [sample.values.get(column) for sample in self.samples]
        if all(value == values[0] for value in values):
            return values[0]
        return self.summary(column).mean if all(is_number(value) for value in values) else None

    def numbers(self, column: str) -> list[float]:
        found = (sample.values.get(column) for sample in self.samples)
        return [float(value) for value in found if value is not None and is_number(value)]

    def summary(self, column: str) -> Summary:
        return summary(self.numbers(column))

    @cached_property
    def seeds(self) -> list[Any]:
        return [sample.values[SEED] for sample in self.samples if SEED in sample.values]


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def samples(runs: Iterable[Run]) -> list[Sample]:
    """One for each succeeded run; several where a field of its result is a list of rows."""
    found = []
    for run in runs:
        if run.status is not RunStatus.SUCCEEDED or run.result is None:
            continue
        tables = [value for value in run.result.values() if _is_table(value)]
        flat = {name: value for name, value in run.result.items() if not _is_table(value)}
        for row in tables[0] if tables else [{}]:
            named: Config = {name: value for name, value in row.items() if isinstance(value, str)}
            found.append(Sample(str(run.id), run.config | named, run.config | flat | row))
    return found


def groups(given: Iterable[Sample]) -> list[Group]:
    """Samples of the same config but for the seed; of the same seed twice, the later one counts."""
    found: dict[str, tuple[Config, dict[str, Sample]]] = {}
    for sample in given:
        config = {name: value for name, value in sample.config.items() if name != SEED}
        _, by_seed = found.setdefault(json.dumps(config, sort_keys=True), (config, {}))
        by_seed[json.dumps(sample.config.get(SEED))] = sample
    return [Group(config, tuple(by_seed.values())) for config, by_seed in found.values()]


def differing(configs: Sequence[Config]) -> tuple[str, ...]:
    """The fields, but for the seed, that have several values where they occur at all; model first."""
    names = dict.fromkeys(name for config in configs for name in config if name != SEED)
    varied = [name for name in names if len({json.dumps(config[name]) for config in configs if name in config}) > 1]
    return tuple(sorted(varied, key=lambda name: name != "model"))


def spread(of: Summary) -> tuple[float, float]:
    """How far the error bar reaches below and above the mean: the interval from 3 values on, else the range."""
    low, high = of.interval or (of.low, of.high)
    return of.mean - low, high - of.mean


def told(group: Group, column: str, unit: str = "") -> str:
    """Mean, spread, n and the single values, in words."""
    of = group.summary(column)
    if of.n == 0:
        return f"{column}: no number"
    unit = f" {unit}" if unit else ""
    if of.n == 1:
        return f"{column} {number(of.mean)}{unit} (one run)"
    singles = ", ".join(number(value) for value in group.numbers(column)[:8])
    low, high = of.interval or (of.low, of.high)
    which = "95 % t-interval" if of.interval else "range"
    return f"{column} mean {number(of.mean)}{unit}, {which} {number(low)} to {number(high)}, n = {of.n}: {singles}"


def spread_note(given: Sequence[Group], column: str) -> str:
    """What the points and bars of a plot are, with the number of seeds."""
    counts = sorted({group.summary(column).n for group in given} - {0})
    if not counts:
        return ""
    if counts == [1]:
        return "Each point is one run: no spread is known."
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    if counts[-1] < 3:
        bars = "range (an interval needs 3 seeds)"
    else:
        bars = "95 % t-interval" if counts[0] >= 3 else "95 % t-interval where n ≥ 3, range where n = 2"
    return f"Large marks: means over seeds, n = {n}. Small marks: single runs. Bars: {bars}."


def label(config: Config, fields: tuple[str, ...]) -> str:
    """What sets this config apart: the model's name alone, other fields with their names."""
    rest = tuple(name for name in fields if name != "model")
    parts = [str(config["model"])] if "model" in fields and "model" in config else []
    return ", ".join([*parts, *filter(None, [settings(config, rest)])])


def _is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)
