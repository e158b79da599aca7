"""What a training has learnt and how long the same network takes: the two joined by its spec.

Only what was timed under one set of conditions is joined: the same device, engine, threads, batch, precision and
order in memory.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mgic.figures.samples import Group
from mgic.figures.specs import Defaults, network_of, of_training
from mgic.records import DatasetInfo, Run, RunStatus
from mgic.spec import parse_spec
from mgic.statistics import CostError
from mgic.statistics.distributions import student

CLASSES = "num_classes"


@dataclass(frozen=True)
class Time:
    """Milliseconds of a pass with the ends of its 95 % interval over the rounds, where it has one."""

    ms: float
    low: float | None
    high: float | None
    rounds: int

    @property
    def error(self) -> CostError | None:
        """Of the logarithm: the interval is Student's t about it."""
        if self.low is None or self.high is None or self.rounds < 2 or not 0 < self.low <= self.high:
            return None
        half = (math.log(self.high) - math.log(self.low)) / 2
        return CostError(half / student(self.rounds - 1, 0.975), self.rounds - 1)


@dataclass(frozen=True)
class Timed:
    """A network as it was timed, by a run under its conditions."""

    network: str
    size: tuple[int, ...]
    classes: int | None
    conditions: str
    wall: Time
    cpu: Time | None
    memory_mb: float | None
    run: Run

    @property
    def grades(self) -> tuple[str | None, str | None]:
        """Of wall time and of CPU time."""
        result = self.run.result or {}
        return result.get("grade"), result.get("cpu_grade")


def conditions_of(run: Run) -> str:
    """`AMD EPYC, 1 thread, eager, batch 1, float32`: what must be equal for times to be held against each other."""
    config, result = run.config, run.result or {}
    where = result.get("gpu") or result.get("processor") or str(config.get("device", ""))
    threads = config.get("threads", 1)
    form = f" with a form for {result['target']}" if result.get("target") else ""  # before there were any: as exported
    parts = [where, f"{threads} thread{'' if threads == 1 else 's'}", f"{config.get('engine', '')}{form}"]
    parts += [f"batch {config.get('batch_size', 1)}", config.get("precision", "float32")]
    parts += ["channels last"] if config.get("memory_format") == "channels_last" else []
    parts += ["steps of training"] if config.get("mode") == "training" else []
    return ", ".join(str(part) for part in parts if part)


def timed(runs: Iterable[Run], defaults: Defaults) -> list[Timed]:
    """Of latency runs that succeeded, the newest last; controls are left out."""
    found = []
    for run in sorted(runs, key=lambda run: run.created_at):
        for row in (run.result or {}).get("rows", ()) if run.status is RunStatus.SUCCEEDED else ():
            if row.get("role", "measured") == "measured" and row.get("median_ms"):
                found.append(_timed(run, row, defaults))
    return found


def _timed(run: Run, row: Mapping[str, Any], defaults: Defaults) -> Timed:
    model, options = parse_spec(str(row["model"]))
    rounds = run.config.get("rounds")
    classes = options.get(CLASSES, defaults.get(model, {}).get(CLASSES))
    classes = classes if isinstance(classes, int) else None

    def time(name: str, prefix: str) -> Time | None:
        value, low, high = (row.get(one) for one in (name, f"{prefix}low_ms", f"{prefix}high_ms"))
        return None if value is None else Time(float(value), low, high, rounds if isinstance(rounds, int) else 1)

    wall = time("median_ms", "")
    assert wall is not None  # of what has none there is no row
    size = tuple(row.get("sample_size") or ())
    memory = row.get("peak_memory_mb")
    return Timed(
        network_of(model, options, defaults),
        size,
        classes,
        conditions_of(run),
        wall,
        time("cpu_median_ms", "cpu_"),
        None if memory is None else float(memory),
        run,
    )


@dataclass(frozen=True)
class Joined:
    """Groups of trainings by their place, and why the others have no time."""

    times: dict[int, Timed]
    why: dict[str, int]

    @property
    def words(self) -> str:
        if not self.why:
            return ""
        return "Without a time: " + "; ".join(f"{count} {words}" for words, count in self.why.items()) + "."


def join(
    groups: Sequence[Group], times: Sequence[Timed], datasets: Mapping[str, DatasetInfo], defaults: Defaults
) -> Joined:
    """The newest time of each group's network, at the size and with the classes of its data set.

    Args:
        groups: Of trainings.
        times: Under one set of conditions.
        datasets: By name.
        defaults: Of the options of the models.
    """
    found: dict[int, Timed] = {}
    why: Counter[str] = Counter()
    for place, group in enumerate(groups):
        network = of_training(group.config, defaults)
        same = [one for one in times if one.network == network]
        data = datasets.get(str(group.config.get("dataset")))
        fits = [one for one in same if data is None or one.size == tuple(data.shape)]
        best = [one for one in fits if data is None or one.classes in (None, data.classes)]
        if best:
            found[place] = best[-1]
        elif not same:
            why["not timed under these conditions"] += 1
        elif not fits and data is not None:
            sizes = " or ".join(sorted({"x".join(map(str, one.size)) for one in same}))
            why[f"timed at {sizes} and not at {'x'.join(map(str, data.shape))}"] += 1
        else:
            why["timed with another number of classes"] += 1
    return Joined(found, dict(why))
