"""From runs to groups that differ in the seed only, and what their values say together.

A run that is made from another one has, in place of that one's id, what that one runs: evaluations of trainings that
differ in their seeds are seeds of one evaluation.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeGuard, TypeVar

from mgic.figures.words import assignments, number, value
from mgic.records import Config, InputRun, Run, RunStatus, Table, telling_keys, unfold
from mgic.statistics import Summary, summary

SEED = "seed"
OWN_SEED = "own seed"  # of what is made from runs that differ in theirs
_ID = re.compile(r"\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")  # of a run

Drawable = TypeVar("Drawable")
Ends = tuple[str, str]  # the columns with the lower and the upper end of an interval


@dataclass(frozen=True)
class Sample:
    """One measured row: a finished run, or one row of a table of its result."""

    run_id: str
    config: Config  # see `config_of`; of a table's row with the keys that tell it from the run's others
    values: dict[str, Any]  # config and result side by side
    lost: tuple[str, ...] = ()  # why each seed of this config failed that has no result


@dataclass(frozen=True)
class Group:
    """Samples of one config under several seeds."""

    config: Config  # without the seeds
    samples: tuple[Sample, ...]

    def value(self, column: str) -> Any:
        """The column where it is the same for all, such as a field of the config; else its mean."""
        values = [sample.values.get(column) for sample in self.samples]
        if all(one == values[0] for one in values):
            return values[0]
        return self.summary(column).mean if all(is_number(one) for one in values) else None

    def numbers(self, column: str) -> list[float]:
        found = (sample.values.get(column) for sample in self.samples)
        return [float(one) for one in found if one is not None and is_number(one)]

    def summary(self, column: str) -> Summary:
        return summary(self.numbers(column))

    @property
    def lost(self) -> tuple[str, ...]:
        """Why each seed failed that is not in the mean."""
        return self.samples[0].lost

    def of_seeds(self, n: int) -> str:
        """What `n` of these samples are a share of, in words; nothing where no seed was lost."""
        if not self.lost:
            return ""
        reasons = ", ".join(f"{self.lost.count(why)} {why}" for why in dict.fromkeys(self.lost))
        return f" of {n + len(self.lost)} seeds ({reasons})"

    @cached_property
    def seeds(self) -> list[str]:
        return [words for sample in self.samples if (words := seed_words(sample.config))]


def is_number(one: object) -> TypeGuard[int | float]:
    return isinstance(one, (int, float)) and not isinstance(one, bool)


def samples(runs: Iterable[Run], table: Table | None = None, shown: Sequence[str] = ()) -> list[Sample]:
    """One for each succeeded run, or with `table` one for each row of it; none of a training that was ended early.

    The keys that tell a run's rows apart stand in the sample's config, beside its fields; so do those of `shown`,
    the columns of a plot.
    """
    runs = list(runs)
    done = [run for run in runs if run.whole and run.result is not None]
    keys = telling_keys(table, [run.result or {} for run in done], shown) if table else ()
    lost = _lost(runs)
    return [
        Sample(
            str(run.id),
            config_of(run) | {key: row[key] for key in keys if key in row},
            row,
            lost[_but_seeds(config_of(run))],
        )
        for run in done
        for row in unfold(run.config, run.result or {}, table.name if table else None)
    ]


def _lost(runs: Sequence[Run]) -> dict[str, tuple[str, ...]]:
    """By config, why each seed failed that no other run brought to a result."""
    configs = [config_of(run) for run in runs]
    failed: dict[str, dict[str, str]] = {_but_seeds(config): {} for config in configs}
    for run, config in zip(runs, configs, strict=True):
        if run.status is RunStatus.FAILED:
            failed[_but_seeds(config)][seed_words(config)] = run.reason.value if run.reason else run.status.value
    for run, config in zip(runs, configs, strict=True):
        if run.whole:
            failed[_but_seeds(config)].pop(seed_words(config), None)
    return {config: tuple(by_seed.values()) for config, by_seed in failed.items()}


def config_of(run: Run | InputRun) -> Config:
    """Its config; in place of a run that it names stands what that one runs, as `trained.epochs`, where its own config
    does not say the same."""
    config = {name: one for name, one in run.config.items() if name not in run.inputs}
    for field, made_from in run.inputs.items():
        theirs = {"experiment": made_from.experiment, **config_of(made_from)}
        new = {name: one for name, one in theirs.items() if name == SEED or run.config.get(name, theirs) != one}
        config |= {f"{field}.{name}": one for name, one in new.items()}
    return config


def is_seed(name: str) -> bool:
    """Of the run itself, or of one that it is made from."""
    return name.rpartition(".")[2] == SEED


def seed_words(config: Config) -> str:
    """Which seed of its group this is: those of what a run is made from say more than its own."""
    seeds = {name: one for name, one in config.items() if is_seed(name)}
    inner = {name: one for name, one in seeds.items() if name != SEED} or seeds
    return ", ".join(map(value, inner.values()))


def without_seeds(config: Config) -> Config:
    return {name: one for name, one in config.items() if not is_seed(name)}


def _but_seeds(config: Config) -> str:
    return json.dumps(without_seeds(config), sort_keys=True)


def groups(given: Iterable[Sample]) -> list[Group]:
    """Samples of the same config but for the seed; of the same seed twice, the later one counts.

    Of one training, evaluations with several seeds of their own are a group. Where both seeds vary, each of the own
    ones has a group: they would count one training several times.
    """
    found: dict[str, list[Sample]] = {}
    for sample in given:
        found.setdefault(_but_seeds(sample.config), []).append(sample)
    return [group for of_config in found.values() for group in _apart(of_config)]


def _apart(given: Sequence[Sample]) -> list[Group]:
    config = without_seeds(given[0].config)
    inner = [seed_words(sample.config) for sample in given]
    own = [value(sample.config.get(SEED)) for sample in given]
    if inner == own or len(set(inner)) == 1:
        return [Group(config, tuple(dict(zip(own, given, strict=True)).values()))]
    parts: dict[str, dict[str, Sample]] = {}
    for seed, words, sample in zip(own, inner, given, strict=True):
        parts.setdefault(seed, {})[words] = sample
    several = len(parts) > 1
    return [Group(config | ({OWN_SEED: seed} if several else {}), tuple(part.values())) for seed, part in parts.items()]


def differing(configs: Sequence[Config]) -> tuple[str, ...]:
    """The fields, but for the seeds, that have several values where they occur at all; model first."""
    names = dict.fromkeys(name for config in configs for name in config if not is_seed(name))
    varied = [name for name in names if len({json.dumps(config[name]) for config in configs if name in config}) > 1]
    return tuple(sorted(varied, key=lambda name: name != "model"))


def spread(of: Summary) -> tuple[float, float]:
    """How far the error bar reaches below and above the mean: the interval from 3 values on, else the range."""
    low, high = of.interval or (of.low, of.high)
    return of.mean - low, high - of.mean


def reach(group: Group, column: str, ends: Ends | None) -> tuple[float, float]:
    """How far the bar of a mark reaches below and above it.

    Over several seeds that is their spread; of a single run it is the interval that the run knows, if any.
    """
    of = group.summary(column)
    between = own_interval(group, column, ends)
    return (of.mean - between[0], between[1] - of.mean) if between else spread(of)


def own_interval(group: Group, column: str, ends: Ends | None) -> tuple[float, float] | None:
    """Of the one run that has a number; None over several seeds, or where the run has no interval."""
    found = [sample.values for sample in group.samples if is_number(sample.values.get(column))]
    if ends is None or len(found) != 1:
        return None
    low, high = (found[0].get(end) for end in ends)
    return (float(low), float(high)) if is_number(low) and is_number(high) else None


def told(group: Group, column: str, unit: str = "", ends: Ends | None = None) -> str:
    """Mean, spread, n and the single values, in words."""
    of = group.summary(column)
    if of.n == 0:
        return f"{column}: no number"
    unit = f" {unit}" if unit else ""
    if of.n == 1:
        between = own_interval(group, column, ends)
        text = f", {ends[0]} {number(between[0])} to {ends[1]} {number(between[1])}" if between and ends else ""
        return f"{column} {number(of.mean)}{unit}{text} (one run{group.of_seeds(1)})"
    singles = ", ".join(number(one) for one in group.numbers(column)[:8])
    low, high = of.interval or (of.low, of.high)
    bars = f"{'95 % t-interval' if of.interval else 'range'} {number(low)} to {number(high)}"
    return f"{column} mean {number(of.mean)}{unit}, {bars}, n = {of.n}{group.of_seeds(of.n)}: {singles}"


def spread_note(given: Sequence[Group], column: str, ends: Ends | None = None) -> str:
    """What the points and bars of a plot are, with the number of seeds."""
    counts = sorted({group.summary(column).n for group in given} - {0})
    if not counts:
        return ""
    partial = sum(bool(group.lost) and group.summary(column).n > 0 for group in given)
    lost = f" {partial} of them {'is' if partial == 1 else 'are'} of the seeds that ended well only." if partial else ""
    own = any(own_interval(group, column, ends) for group in given)
    if counts == [1]:
        bars = f" Bars: {ends[0]} to {ends[1]}." if own and ends else ": no spread is known."
        return f"Each mark is one run{'.' if own else ''}{bars}{lost}"
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    if counts[-1] < 3:
        bars = "range (an interval needs 3 seeds)"
    else:
        bars = "95 % t-interval" if counts[0] >= 3 else "95 % t-interval where n ≥ 3, range where n = 2"
    single = f"; where n = 1, {ends[0]} to {ends[1]}" if own and ends else ""
    return f"Large marks: means over seeds, n = {n}. Small marks: single runs. Bars: {bars}{single}.{lost}"


def series_name(series: str, group: Group) -> str:
    """What a colour stands for: the model's name alone, another column with its name."""
    found = group.value(series)
    if series == "model":
        return value(found)
    return f"no {series}" if found is None else f"{series}={value(found)}"


def in_order(series: Mapping[str, list[Drawable]]) -> dict[str, list[Drawable]]:
    """By name, numbers in them by size: so a name has one colour and symbol on every plot of a page."""
    return dict(sorted(series.items(), key=lambda item: _natural(item[0])))


def _natural(name: str) -> list[tuple[float, str]]:
    parts = re.split(r"(\d+(?:\.\d+)?)", name)
    return [(float(part), "") if number % 2 else (-1.0, part) for number, part in enumerate(parts)]


def label(config: Config, fields: tuple[str, ...]) -> str:
    """What sets this config apart: the model's name alone, other fields with their names; ids cut as on all pages."""
    config = {name: _ID.sub(r"\1", one) if isinstance(one, str) else one for name, one in config.items()}
    rest = tuple(name for name in fields if name != "model")
    parts = [str(config["model"])] if "model" in fields and "model" in config else []
    return ", ".join([*parts, *filter(None, [assignments(config, rest)])])
