"""A latency run as its figures need it: under which conditions, its rows, every pass, and where the time went."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mgic.figures.specs import Defaults, short_names
from mgic.figures.words import NO_NUMBER, number
from mgic.records import Profile, Run

Clock = Literal["wall", "cpu"]
CLOCKS: dict[str, str] = {"wall": "wall time", "cpu": "CPU time"}
Key = tuple[int, str]  # place and role of a row

# Columns of a row by either clock: the time with its ends, the speed-up with its ends.
TIME = {"wall": ("median_ms", "low_ms", "high_ms"), "cpu": ("cpu_median_ms", "cpu_low_ms", "cpu_high_ms")}
SPEEDUP = {
    "wall": ("speedup", "speedup_low", "speedup_high"),
    "cpu": ("cpu_speedup", "cpu_speedup_low", "cpu_speedup_high"),
}
GRADE = {"wall": "grade", "cpu": "cpu_grade"}


@dataclass(frozen=True)
class Case:
    """A run that has ended well; `passes` has the rounds of each row in milliseconds, if the file is there."""

    run: Run
    passes: Mapping[str, Mapping[Key, Sequence[Sequence[float]]]] = field(default_factory=dict)  # by clock
    profile: Profile | None = None
    defaults: Defaults = field(default_factory=dict)  # of the options of its models

    @property
    def rows(self) -> list[dict[str, Any]]:
        return list((self.run.result or {}).get("rows") or ())

    @property
    def first(self) -> dict[str, Any]:
        """The network that the others are held against."""
        return next(row for row in self.rows if row.get("place", 0) == 0 and row.get("role") != "control")

    def grade(self, clock: str) -> str | None:
        grade: str | None = (self.run.result or {}).get(GRADE[clock])
        return grade

    @property
    def conditions(self) -> dict[str, str]:
        """What decides how long a pass takes, besides the network."""
        config, result = self.run.config, self.run.result or {}
        threads, rounds = config.get("threads", 1), config.get("rounds")
        sizes = list(dict.fromkeys("x".join(map(str, row.get("sample_size") or ())) for row in self.rows))
        return {
            "where": _machine(str(result.get("gpu") or result.get("processor") or config.get("device") or "")),
            "engine": str(config.get("engine", "")),
            "form": f"form for {result['target']}" if result.get("target") else "",  # else the graph as it was exported
            "threads": f"{threads} thread{'' if threads == 1 else 's'}",
            "batch": f"batch {config.get('batch_size', 1)}",
            "size": sizes[0] if len(sizes) == 1 else "",
            "precision": str(config.get("precision", "float32")),
            "format": "channels last" if config.get("memory_format") == "channels_last" else "",
            "mode": "steps of training" if config.get("mode") == "training" else "",
            "n": f"n = {rounds} rounds" if rounds else "",
        }


def _machine(name: str) -> str:
    """Without what every name of a processor has."""
    for noise in ("(R)", "(TM)", " CPU", " Processor", " 64-Core"):
        name = name.replace(noise, "")
    return " ".join(name.split("@")[0].split())


def shared(cases: Sequence[Case]) -> str:
    """The conditions that are the same for all of them."""
    names = cases[0].conditions if cases else {}
    return ", ".join(
        value for name, value in names.items() if value and all(one.conditions[name] == value for one in cases)
    )


def apart(cases: Sequence[Case]) -> list[str]:
    """What sets each of them apart from the others: conditions, and, where these do not do, the run."""
    differ = [name for name in cases[0].conditions if len({one.conditions[name] for one in cases}) > 1] if cases else []
    found = [", ".join(filter(None, (one.conditions[name] for name in differ))) for one in cases]
    twice = [words for words in found if found.count(words) > 1]
    return [
        ", ".join(filter(None, [words, f"run {str(one.run.id)[:8]}"])) if words in twice or not words else words
        for words, one in zip(found, cases, strict=True)
    ]


def names_of(cases: Sequence[Case]) -> dict[str, str]:
    """By spec, the networks of all of them in few letters."""
    defaults = {model: options for one in cases for model, options in one.defaults.items()}
    return short_names(list(dict.fromkeys(str(row["model"]) for one in cases for row in one.rows)), defaults)


def times(cases: Sequence[Case], clock: str) -> list[dict[str, Any]]:
    """A row a network and run: milliseconds of a pass by this clock, with the interval of the median."""
    names, found = names_of(cases), []
    for case, conditions in zip(cases, apart(cases), strict=True):
        for row in case.rows:
            name = names[str(row["model"])] + (" (control)" if row.get("role") == "control" else "")
            time, low, high = (row.get(column) for column in TIME[clock])
            between = f"{number(low)} to {number(high)}" if low is not None and high is not None else NO_NUMBER
            shown: dict[str, Any] = {"conditions": conditions} if len(cases) > 1 else {}
            shown |= {"network": name, "median (ms)": time, "95 % interval (ms)": between}
            shown |= {"speed-up": row.get(SPEEDUP[clock][0]), "MACs": row.get("macs"), "passes": row.get("n")}
            found.append(shown)
    return found


def read_passes(text: str) -> dict[str, dict[Key, list[list[float]]]]:
    """Of samples.csv, by clock: of each row its rounds; a clock that was not read has none."""
    found: dict[str, dict[Key, list[list[float]]]] = {"wall": {}, "cpu": {}}
    for row in csv.DictReader(text.splitlines()):
        key = (int(row["place"]), row["role"])
        for clock, column in (("wall", "latency_ms"), ("cpu", "cpu_ms")):
            if row.get(column):
                rounds = found[clock].setdefault(key, [])
                while len(rounds) <= int(row["round"]):
                    rounds.append([])
                rounds[int(row["round"])].append(float(row[column]))
    return found


def told(row: Mapping[str, Any], columns: Sequence[str], unit: str) -> str:
    """`1.2 ms (1.1 to 1.3)`."""
    value, low, high = (row.get(name) for name in columns)
    if value is None:
        return "not known"
    between = f" ({number(low)} to {number(high)})" if low is not None and high is not None else ""
    return f"{number(value)}{unit}{between}"
