"""How do the runs in the store stand to the rows that the paper prints?"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeGuard, get_args
from uuid import UUID

from backend.store import MeasuredRun
from mgic.records import (
    Config,
    ExperimentInfo,
    Match,
    Measured,
    Metric,
    ModelInfo,
    PaperSummary,
    Reference,
    Standing,
    Verdict,
)
from mgic.reference.paper import PERCENT, SHARES, printed_twice
from mgic.statistics import MIN_FOR_INTERVAL, Replication, replication, summary

LOWER_IS_BETTER: tuple[Metric, ...] = ("mse", "mobile_ms", "cpu_ms")
NOT_COMPARED = ("seed", "device", "processes")  # they decide where and how often, not what is measured
SET_BY_DATA = ("in_channels", "num_classes")  # options of a model that follow from the data set
IDENTITY = ("method", "scope", "macs_ratio")  # of pruning: what a row is, not how long it trains
CUT_SHORT = "max_steps"  # null at every scale that does not name it

NO_EXPERIMENT = "because no experiment here measures it"
NO_FIGURE = "no figure"  # why a seed of a run that succeeded is lost
GUESSING = "no_better_than_guessing"  # another such reason, and the field of a result that says so

Runs = Mapping[str, Sequence[MeasuredRun]]  # by experiment, oldest first
Defaults = Mapping[str, Config]  # the options of each model
Versions = Mapping[str, int]  # the present one of each experiment


class Wanted(NamedTuple):
    """What the store is asked for, of one experiment."""

    models: frozenset[str] | None  # None: some row names no model
    metrics: tuple[Metric, ...]


def wanted(rows: Iterable[Reference]) -> dict[str, Wanted]:
    """By experiment."""
    models: dict[str, set[str | None]] = {}
    metrics: dict[str, dict[Metric, None]] = {}
    for row in rows:
        if row.experiment is not None and row.metric is not None:
            models.setdefault(row.experiment, set()).add(row.model)
            metrics.setdefault(row.experiment, {})[row.metric] = None
    return {
        name: Wanted(
            None if None in of else frozenset(model for model in of if model is not None), tuple(metrics[name])
        )
        for name, of in models.items()
    }


def option_defaults(models: Iterable[ModelInfo]) -> dict[str, Config]:
    """By model, without what a data set decides."""
    return {
        model.name: {
            name: spec["default"]
            for name, spec in model.options.get("properties", {}).items()
            if "default" in spec and name not in SET_BY_DATA
        }
        for model in models
    }


def field_defaults(experiments: Iterable[ExperimentInfo]) -> dict[str, Config]:
    """By experiment, of the fields that have one; but for the model, which a row names."""
    return {
        experiment.name: {
            name: spec["default"]
            for name, spec in experiment.config_schema.get("properties", {}).items()
            if "default" in spec and name != "model"
        }
        for experiment in experiments
    }


def standings(
    rows: Iterable[Reference],
    runs: Runs,
    defaults: Defaults,
    fields: Defaults = MappingProxyType({}),
    versions: Versions = MappingProxyType({}),
) -> list[Standing]:
    """Each row with its best runs and a verdict.

    A run is of a row if its experiment and model are the row's, it has the options that the row names, and the
    defaults of all others. It is at the row's scale if it has all of `row.scale`, too, the defaults of all other
    fields of the experiment, was not cut short, and is of the experiment's present version, since an older one may
    have measured something else; otherwise it is a quick one. Runs that differ in seed, device and
    processes only are one group, in which the last of each seed counts. Of the groups of the newest version of
    the experiment the one with the best mean is shown, one of 3 runs and more before those of fewer.

    Args:
        rows: The paper's.
        runs: Those that may belong to them.
        defaults: Of the options of each model.
        fields: Of the fields of each experiment.
        versions: Runs of an experiment that is not named may be of any.
    """
    known = {experiment: _groups(found) for experiment, found in runs.items()}
    return [
        _standing(
            row,
            known.get(row.experiment or "", {}),
            defaults,
            fields.get(row.experiment or "", {}),
            versions.get(row.experiment or ""),
        )
        for row in rows
    ]


def summarise(given: Sequence[Standing]) -> PaperSummary:
    """Rows that are set apart, by network, training or samples, are in no count of what was judged or measured."""
    with_cost = [found for row in given if (found := _matches(row))]
    runnable = [row for row in given if row.cannot_run is None and row.experiment is not None]
    judgeable = [row for row in runnable if row.apart is None]
    verdicts = Counter(row.verdict for row in given)
    return PaperSummary(
        rows=len(given),
        runnable=len(runnable),
        with_cost=len(with_cost),
        cost_matches=sum(found == {"match"} for found in with_cost),
        cost_rounds=sum("rounds" in found and found <= {"match", "rounds"} for found in with_cost),
        judgeable=len(judgeable),
        measured=sum(row.measured is not None and row.measured.n > 0 for row in judgeable),
        judged={verdict: verdicts[verdict] for verdict in get_args(Verdict)},
        printed_twice=printed_twice(given),
    )


def _matches(row: Standing) -> set[Match]:
    """How well what the row prints of its cost is met; empty where it prints none, or we have no network."""
    counted = row.counted
    return {found for found in (counted.params_match, counted.macs_match) if found} if counted else set()


@dataclass(frozen=True)
class _Group:
    """Runs of one config and version of the experiment that differ in seed and device."""

    config: Config  # without these
    version: int
    runs: list[tuple[str, MeasuredRun]]  # with their seed, oldest first

    def numbers(self, metric: Metric) -> dict[UUID, float]:
        """By run: the last number of each seed."""
        return {run.id: float(run.values[metric]) for run in self._with_number(metric).values()}

    def lost(self, metric: Metric) -> dict[str, int]:
        """Of the seeds that have no number: why the last run of each has none -> how many."""
        found = self._with_number(metric)
        without = {seed: run for seed, run in self.runs if seed not in found}
        return dict(Counter(_why_lost(run) for run in without.values()))

    def _with_number(self, metric: Metric) -> dict[str, MeasuredRun]:
        return {
            seed: run
            for seed, run in self.runs
            if run.failed is None and not _guesses(run) and _is_number(run.values.get(metric))
        }


def _why_lost(run: MeasuredRun) -> str:
    return run.failed or (GUESSING if _guesses(run) else NO_FIGURE)


def _guesses(run: MeasuredRun) -> bool:
    """SQLite gives true back as 1."""
    return bool(run.values.get(GUESSING))


def _groups(runs: Iterable[MeasuredRun]) -> dict[str | None, list[_Group]]:
    """By model; under None all."""
    found: dict[str, _Group] = {}
    for run in runs:
        config = dict(run.config)
        seed = config.get("seed")
        for left_out in NOT_COMPARED:
            config.pop(left_out, None)
        key = f"{run.version} {json.dumps(config, sort_keys=True)}"
        group = found.setdefault(key, _Group(config, run.version, []))
        group.runs.append((repr(seed), run))
    by_model: dict[str | None, list[_Group]] = {None: list(found.values())}
    for group in found.values():
        name = group.config.get("model")
        if isinstance(name, str):
            by_model.setdefault(name, []).append(group)
    return by_model


def _standing(
    row: Reference,
    groups: Mapping[str | None, Sequence[_Group]],
    defaults: Defaults,
    fields: Config,
    version: int | None,
) -> Standing:
    metric = row.metric
    if row.experiment is None or metric is None:
        return Standing(**dict(row), verdict="cannot run", says="cannot run", why=row.cannot_run or NO_EXPERIMENT)
    network = _network(row, defaults)
    of_row = [group for group in groups.get(row.model, ()) if _is_of(network, group.config)]
    usual = {name: value for name, value in fields.items() if name not in row.scale and name not in NOT_COMPARED}
    at_scale: list[_Group] = []
    other: list[_Group] = []
    for group in of_row:
        whole = _has(group.config, {CUT_SHORT: None} | row.scale) and _is_of(({}, usual), group.config)
        (at_scale if whole and version in (None, group.version) else other).append(group)
    best, quick = _best(at_scale, metric), _best(other, metric)
    found = _replication(row, metric, best) if best else None
    verdict, why = _judged(row, metric, best, found, quick is not None)
    return Standing(
        **dict(row),
        measured=_measured(at_scale, best, metric, found) if best else None,
        quick=_measured(other, quick, metric, None) if quick else None,
        verdict=verdict,
        says=_says(row, metric, verdict, best, found),
        why=why,
    )


def _replication(row: Reference, metric: Metric, best: _Group) -> Replication | None:
    """None where the row is not judged, or nothing is there to judge it by."""
    printed, values = row.metrics.get(metric), list(best.numbers(metric).values())
    if row.cannot_run is not None or row.apart is not None or printed is None or not values:
        return None
    size = row.test_size if metric in SHARES else None
    return replication(printed, values, metric in PERCENT, row.test_set or "other", size, row.margin)


def _judged(
    row: Reference, metric: Metric, best: _Group | None, found: Replication | None, quick: bool
) -> tuple[Verdict, str]:
    if row.cannot_run is not None:
        return "cannot run", row.cannot_run
    if row.apart == "another network":
        return (
            row.apart,
            "what it costs is not what is printed, so that its accuracy is no evidence for or against the row",
        )
    if row.apart == "quoted":
        return row.apart, (
            f"the figure is that of {row.quoted_from}, with the training of that paper; a run of this row has the"
            " training of the paper that quotes it, and no recipe here follows the other"
        )
    if row.apart == "other samples":
        return row.apart, (
            "the figure is of other samples than ours, and how much such a figure differs from one set of samples to"
            " another is not known, so that no number of seeds can settle it"
        )
    if row.metrics.get(metric) is None:
        return "not run", f"the paper prints no {metric} to judge by"
    lost = best.lost(metric) if best else {}
    if found is None:
        if lost:
            return "not run", f"none of {sum(lost.values())} seeds at the row's scale gave a figure: {_reasons(lost)}"
        note = "; what ran at another scale, or in an older version of the experiment, is shown, not judged"
        return "not run", f"no run at the row's scale has finished{note if quick else ''}"
    if not lost:
        return found.verdict, found.why
    verdict = "within noise" if found.verdict == "reproduced" else found.verdict
    why = f"{_reasons(lost)}, so that mean and interval are those of the other seeds only. {_capital(found.why)}"
    if found.verdict == "reproduced":
        why += ". Nothing is called reproduced while a seed has no figure"
    return verdict, why


def _says(row: Reference, metric: Metric, verdict: Verdict, best: _Group | None, found: Replication | None) -> str:
    if row.cannot_run is None and row.apart_words is not None:
        return row.apart_words
    lost = sum(best.lost(metric).values()) if best and verdict != "cannot run" else 0
    n = len(best.numbers(metric)) if best else 0
    said = [f"{n} of {n + lost} seeds"] if lost else []
    said += [f"needs {found.needs} seeds"] if found and found.needs else []
    return f"{verdict} ({', '.join(said)})" if said else verdict


def _reasons(lost: Mapping[str, int]) -> str:
    """`2 seeds diverged, 1 seed has no figure`."""
    told = {
        NO_FIGURE: ("has no figure", "have no figure"),
        GUESSING: ("is no better than guessing", "are no better than guessing"),
        "diverged": ("diverged", "diverged"),
    }
    parts = []
    for reason, count in sorted(lost.items()):
        one, many = told.get(reason, (f"failed ({reason.replace('_', ' ')})",) * 2)
        parts.append(f"{count} {'seed' if count == 1 else 'seeds'} {one if count == 1 else many}")
    return ", ".join(parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _network(row: Reference, defaults: Defaults) -> tuple[Config, Config]:
    """What a run of the row's network must have, whatever was done with it, and what it has if it has the option."""
    named = {name: value for name, value in row.options.items() if name not in SET_BY_DATA}
    if row.model is None:  # options of what is counted, not all of which an experiment asks for
        named = {name: value for name, value in named.items() if name in row.scale}
    named |= {name: row.scale[name] for name in IDENTITY if name in row.scale}
    others = {name: value for name, value in defaults.get(row.model or "", {}).items() if name not in row.options}
    return named, others


def _is_of(network: tuple[Config, Config], config: Config) -> bool:
    named, others = network
    return _has(config, named) and all(config.get(name, value) == value for name, value in others.items())


def _has(config: Config, named: Config) -> bool:
    return all(config.get(name) == value for name, value in named.items() if name not in NOT_COMPARED)


def _best(groups: Iterable[_Group], metric: Metric) -> _Group | None:
    """Of the newest version, and of those with enough runs for an interval if there are such, the best mean.

    A group of which every seed failed is taken only where no other is there.
    """
    sign = -1 if metric in LOWER_IS_BETTER else 1
    worth: list[tuple[bool, int, bool, float, _Group]] = []
    for group in groups:
        values = group.numbers(metric).values()
        enough = len(values) >= MIN_FOR_INTERVAL
        mean = sum(values) / len(values) if values else math.nan
        worth.append((bool(values), group.version, enough, sign * mean if values else 0.0, group))
    return max(worth, key=lambda one: one[:4])[4] if worth else None


def _measured(groups: Sequence[_Group], group: _Group, metric: Metric, found: Replication | None) -> Measured | None:
    numbers = group.numbers(metric)
    if not numbers:
        return None
    of, lost = summary(numbers.values()), group.lost(metric)
    return Measured(
        metric=metric,
        n=of.n,
        seeds=of.n + sum(lost.values()),
        lost=lost,
        searched=sum(one.version == group.version and bool(one.numbers(metric)) for one in groups),
        mean=of.mean,
        low=of.low,
        high=of.high,
        interval=of.interval,
        prediction=found.prediction if found else None,
        smallest_gap=found.smallest_gap if found else None,
        runs=tuple(numbers),
        config=group.config,
    )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
