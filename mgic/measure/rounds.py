"""Several setups measured in turns, a fresh process each time, and what the rounds say together."""

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import mean, median

from pydantic import BaseModel, Field, JsonValue

from mgic.measure.engines import Setup
from mgic.measure.latency import Timing
from mgic.measure.probe import measure_fresh
from mgic.statistics import percentile, summary

MEGABYTE = 1e6
TIME: dict[str, JsonValue] = {"unit": "ms", "goal": "min"}  # an end of an interval of times has a unit only
MEMORY: dict[str, JsonValue] = {"unit": "MB", "goal": "min"}


@dataclass(frozen=True)
class Turn:
    """One process: in which round, and for which of the setups, by its place in the list."""

    round: int
    setup: int


class Figures(BaseModel):
    """What the rounds of one setup say; part of a row of the experiment `latency`."""

    median_ms: float = Field(
        description="Time of a pass: the median of each round, and of these the geometric mean",
        json_schema_extra=TIME,
    )
    low_ms: float | None = Field(
        description="Lower end of the 95 % interval of `median_ms`, by Student's t over the logarithms of the rounds' "
        "medians; empty below 3 rounds",
        json_schema_extra={"unit": "ms"},
    )
    high_ms: float | None = Field(description="Upper end of the same interval", json_schema_extra={"unit": "ms"})
    mean_ms: float = Field(description="Mean of all passes of all rounds", json_schema_extra=TIME)
    p5_ms: float | None = Field(
        description="Of all passes, 5 % take less; empty below 130 of them", json_schema_extra=TIME
    )
    p25_ms: float | None = Field(
        description="Of all passes, 25 % take less; empty below 24 of them", json_schema_extra=TIME
    )
    p50_ms: float | None = Field(
        description="Of all passes, half take less: the median of all rounds together, where `median_ms` gives "
        "each round the same weight; empty below 11 of them",
        json_schema_extra=TIME,
    )
    p75_ms: float | None = Field(
        description="Of all passes, 75 % take less; empty below 24 of them", json_schema_extra=TIME
    )
    p90_ms: float | None = Field(
        description="Of all passes, 90 % take less; empty below 64 of them", json_schema_extra=TIME
    )
    p95_ms: float | None = Field(
        description="Of all passes, 95 % take less; empty below 130 of them", json_schema_extra=TIME
    )
    p99_ms: float | None = Field(
        description="Of all passes, 99 % take less; empty below 662 of them", json_schema_extra=TIME
    )
    speedup: float = Field(
        description="How many times as fast as the first network: the ratio of each round's medians, and of these "
        "the geometric mean",
        json_schema_extra={"unit": "x", "goal": "max"},
    )
    speedup_low: float | None = Field(
        description="Lower end of the 95 % interval of `speedup`, by Student's t over the logarithms of the rounds' "
        "ratios; empty below 3 rounds and for the first network",
        json_schema_extra={"unit": "x"},
    )
    speedup_high: float | None = Field(description="Upper end of the same interval", json_schema_extra={"unit": "x"})
    n: int = Field(description="Passes that were timed, in all rounds")
    spread: float = Field(description="(largest - smallest) / median of the rounds' medians")
    stationary_rounds: int = Field(description="Rounds whose warm-up ended because the passes had become alike")
    peak_memory_mb: float | None = Field(
        description="The most that a round's process held beyond `baseline_memory_mb`: resident memory on the CPU, "
        "tensors on a GPU; empty where the kernel does not tell",
        json_schema_extra=MEMORY,
    )
    baseline_memory_mb: float | None = Field(
        description="Held by a process with all imported and no network built, the most over the rounds",
        json_schema_extra={"unit": "MB"},
    )


def turns(setups: int, rounds: int) -> Iterator[Turn]:
    """ABC CBA BCA ACB ...: every second round goes backwards, every second one starts one further.

    A drift of the machine that is steady over two rounds hits all alike, and over 2 * setups rounds each stands in
    each place equally often.
    """
    for number in range(rounds):
        shift = number // 2 % setups
        order = [*range(shift, setups), *range(shift)]
        yield from (Turn(number, setup) for setup in (reversed(order) if number % 2 else order))


def measure_in_turns(
    setups: Sequence[Setup],
    rounds: int,
    folder: Path,
    tick: Callable[[int], None],
    tell: Callable[[Turn, Timing], None],
) -> list[list[Timing]]:
    """The rounds of each setup, in order.

    Args:
        setups: What to measure.
        rounds: Fresh processes for each of them.
        folder: For the files of these processes.
        tick: Called with the number of processes that have ended, about twice a second.
        tell: Called with what each of them has measured.

    Raises:
        BadConfig, MemoryError, RuntimeError: As `measure_fresh`.
    """
    found: list[list[Timing]] = [[] for _ in setups]
    for done, turn in enumerate(turns(len(setups), rounds)):
        timing = measure_fresh(setups[turn.setup], folder, partial(tick, done))
        found[turn.setup].append(timing)
        tell(turn, timing)
    return found


def figures(own: Sequence[Timing], first: Sequence[Timing]) -> Figures:
    """What the rounds of one setup say, by itself and against the first setup.

    The passes of one process are alike, for they share its memory layout and its moment, so that an interval over
    them would be far too narrow: it is taken over the rounds, one median a round (Georges, Buytaert, Eeckhout:
    Statistically rigorous Java performance evaluation, OOPSLA 2007). What disturbs a time multiplies it, so that
    logarithms are averaged; then no interval reaches below 0, and the speed-up is the ratio of the two times. Its
    interval pairs the rounds of the same number, which were measured near each other.

    Args:
        own: Its rounds.
        first: Those of the setup that the speed-up is against, as many.
    """
    times, reference = _logarithms(own), _logarithms(first)
    over = summary(times)
    ratios = summary(theirs - mine for theirs, mine in zip(reference, times, strict=True))
    between = ratios.interval if own is not first else None
    pooled = [sample for timing in own for sample in timing.samples_ms]
    return Figures(
        median_ms=math.exp(over.mean),
        low_ms=over.interval and math.exp(over.interval[0]),
        high_ms=over.interval and math.exp(over.interval[1]),
        mean_ms=mean(pooled),
        p5_ms=percentile(pooled, 0.05),
        p25_ms=percentile(pooled, 0.25),
        p50_ms=percentile(pooled, 0.5),
        p75_ms=percentile(pooled, 0.75),
        p90_ms=percentile(pooled, 0.9),
        p95_ms=percentile(pooled, 0.95),
        p99_ms=percentile(pooled, 0.99),
        speedup=math.exp(ratios.mean),
        speedup_low=between and math.exp(between[0]),
        speedup_high=between and math.exp(between[1]),
        n=len(pooled),
        spread=spread(own),
        stationary_rounds=sum(timing.stationary for timing in own),
        peak_memory_mb=_megabytes(timing.peak_bytes for timing in own),
        baseline_memory_mb=_megabytes(timing.baseline_bytes for timing in own),
    )


def _logarithms(rounds: Sequence[Timing]) -> list[float]:
    return [math.log(median(timing.samples_ms)) for timing in rounds]


def spread(rounds: Sequence[Timing]) -> float:
    """(largest - smallest) / median of the rounds' medians."""
    medians = [median(timing.samples_ms) for timing in rounds]
    return (max(medians) - min(medians)) / median(medians)


def _megabytes(counts: Iterable[int | None]) -> float | None:
    """The most of them."""
    most = max((count for count in counts if count is not None), default=None)
    return None if most is None else most / MEGABYTE


def write_samples(path: Path, names: Sequence[str], found: Sequence[Sequence[Timing]]) -> None:
    """Every pass, in full precision: model, round and number, both from 0, milliseconds."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("model", "round", "number", "latency_ms"))
        for name, rounds in zip(names, found, strict=True):
            for number, timing in enumerate(rounds):
                writer.writerows((name, number, k, repr(ms)) for k, ms in enumerate(timing.samples_ms))


def write_processes(path: Path, names: Sequence[str], found: Sequence[Sequence[Timing]]) -> None:
    """Each process in the order in which they ran, with what it told but its samples."""
    rows = []
    for turn in turns(len(names), len(found[0])):
        told = asdict(found[turn.setup][turn.round])
        count = len(told.pop("samples_ms"))
        rows.append({"model": names[turn.setup], "round": turn.round, "n": count, **told})
    path.write_text(json.dumps(rows, indent=1) + "\n")
