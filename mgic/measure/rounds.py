"""Several setups measured in turns, a fresh process each time, and what the rounds say together."""

import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from statistics import mean, median
from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from mgic.measure.engines import Setup
from mgic.measure.latency import Timing
from mgic.measure.probe import measure_fresh
from mgic.statistics import percentile, summary

MEGABYTE = 1e6
TIME: dict[str, JsonValue] = {"unit": "ms", "goal": "min"}  # an end of an interval of times has a unit only
MEMORY: dict[str, JsonValue] = {"unit": "MB", "goal": "min"}
KEY: dict[str, JsonValue] = {"key": True}

Role = Literal["measured", "control"]
Clock = Literal["wall", "cpu"]


class Contender(BaseModel, frozen=True):
    """Who takes turns with the others; part of a row of the experiment `latency`, of its samples and processes."""

    place: int = Field(
        description="In the order asked for, from 0; the control has that of the network it repeats",
        json_schema_extra=KEY,
    )
    role: Role = Field(
        description="measured: asked for; control: the first network once more, to show what equal networks differ by",
        json_schema_extra=KEY,
    )
    model: str = Field(description="As asked for, with the options that were given", json_schema_extra=KEY)


class Network(BaseModel):
    """What was measured; part of a row of the experiment `latency`."""

    sample_size: list[int] = Field(description="Of one sample: channels, height, width")
    params: int = Field(description="Trainable parameters", json_schema_extra={"goal": "min"})
    macs: int = Field(
        description="Multiply-accumulates of one sample, R and P included", json_schema_extra={"goal": "min"}
    )
    transfer_macs: int = Field(
        description="Share of the transfer operators R and P in `macs`", json_schema_extra={"goal": "min"}
    )


def labels(contenders: Sequence[Contender]) -> list[str]:
    """The model, with its role or its place where that alone does not tell whom."""
    count = Counter(one.model for one in contenders if one.role == "measured")
    names = [f"{one.model} at place {one.place}" if count[one.model] > 1 else one.model for one in contenders]
    return [f"{name} (control)" if one.role == "control" else name for name, one in zip(names, contenders, strict=True)]


@dataclass(frozen=True)
class Turn:
    """One process: in which round, and for which of the setups, by its place in the list."""

    round: int
    setup: int


@dataclass(frozen=True)
class Average:
    """A geometric mean over rounds, with its 95 % interval by Student's t over the logarithms, from 3 rounds on."""

    value: float
    low: float | None
    high: float | None


class Figures(BaseModel):
    """What the rounds of one setup say; part of a row of the experiment `latency`."""

    median_ms: float = Field(
        description="Wall time of a pass: the median of each round, and of these the geometric mean",
        json_schema_extra=TIME,
    )
    low_ms: float | None = Field(
        description="Lower end of the 95 % interval of `median_ms`, by Student's t over the logarithms of the rounds' "
        "medians; empty below 3 rounds",
        json_schema_extra={"unit": "ms"},
    )
    high_ms: float | None = Field(description="Upper end of the same interval", json_schema_extra={"unit": "ms"})
    cpu_median_ms: float | None = Field(
        description="CPU time of a pass, of all threads of its process together, what others took in between left out: "
        "the median of each round, and of these the geometric mean; empty on a GPU, and where the kernel's clock is "
        "coarser than a pass",
        json_schema_extra=TIME,
    )
    cpu_low_ms: float | None = Field(
        description="Lower end of the 95 % interval of `cpu_median_ms`, made as that of `median_ms`",
        json_schema_extra={"unit": "ms"},
    )
    cpu_high_ms: float | None = Field(description="Upper end of the same interval", json_schema_extra={"unit": "ms"})
    mean_ms: float = Field(description="Mean wall time of all passes of all rounds", json_schema_extra=TIME)
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
        description="How many times as fast as the first network, by wall time: the ratio of each round's medians, "
        "and of these the geometric mean",
        json_schema_extra={"unit": "x", "goal": "max"},
    )
    speedup_low: float | None = Field(
        description="Lower end of the 95 % interval of `speedup`, by Student's t over the logarithms of the rounds' "
        "ratios; empty below 3 rounds and for the first network",
        json_schema_extra={"unit": "x"},
    )
    speedup_high: float | None = Field(description="Upper end of the same interval", json_schema_extra={"unit": "x"})
    cpu_speedup: float | None = Field(
        description="How many times as fast as the first network, by CPU time, made as `speedup`; empty with more than "
        "one thread and on a GPU, where CPU time does not say how long a pass takes",
        json_schema_extra={"unit": "x", "goal": "max"},
    )
    cpu_speedup_low: float | None = Field(
        description="Lower end of the 95 % interval of `cpu_speedup`, made as that of `speedup`",
        json_schema_extra={"unit": "x"},
    )
    cpu_speedup_high: float | None = Field(
        description="Upper end of the same interval", json_schema_extra={"unit": "x"}
    )
    n: int = Field(description="Passes that were timed, in all rounds")
    spread: float = Field(description="(largest - smallest) / median of the rounds' medians of wall time")
    cpu_spread: float | None = Field(description="The same of CPU time")
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


def told(timing: Timing) -> str:
    """What a process has measured, in a line."""
    samples, cpu = timing.samples_ms, timing.cpu_samples_ms
    of_cpu = f", CPU time {median(cpu):.4g} ms," if cpu else ""
    return f"median {median(samples):.4g} ms{of_cpu} of {len(samples)} passes"


def figures(own: Sequence[Timing], first: Sequence[Timing], compare_cpu: bool) -> Figures:
    """What the rounds of one setup say, by itself and against the first setup.

    The passes of one process are alike, for they share its memory layout and its moment, so that an interval over
    them would be far too narrow: it is taken over the rounds, one median a round (Georges, Buytaert, Eeckhout:
    Statistically rigorous Java performance evaluation, OOPSLA 2007). What disturbs a time multiplies it, so that
    logarithms are averaged; then no interval reaches below 0, and the speed-up is the ratio of the two times. Its
    interval pairs the rounds of the same number, which were measured near each other.

    Args:
        own: Its rounds.
        first: Those of the setup that the speed-up is against, as many; with `own` itself there is no interval.
        compare_cpu: Whether CPU times may be held against each other, as `compares_cpu` says.
    """
    wall, cpu = wall_medians(own), cpu_medians(own)
    time, cpu_time = average(wall), average(cpu) if cpu else None
    faster = speedup(wall, wall_medians(first))
    cpu_first = cpu_medians(first) if compare_cpu else None
    cpu_faster = speedup(cpu, cpu_first) if cpu and cpu_first else None
    itself = own is first
    pooled = [sample for timing in own for sample in timing.samples_ms]
    return Figures(
        median_ms=time.value,
        low_ms=time.low,
        high_ms=time.high,
        cpu_median_ms=cpu_time and cpu_time.value,
        cpu_low_ms=cpu_time and cpu_time.low,
        cpu_high_ms=cpu_time and cpu_time.high,
        mean_ms=mean(pooled),
        p5_ms=percentile(pooled, 0.05),
        p25_ms=percentile(pooled, 0.25),
        p50_ms=percentile(pooled, 0.5),
        p75_ms=percentile(pooled, 0.75),
        p90_ms=percentile(pooled, 0.9),
        p95_ms=percentile(pooled, 0.95),
        p99_ms=percentile(pooled, 0.99),
        speedup=faster.value,
        speedup_low=None if itself else faster.low,
        speedup_high=None if itself else faster.high,
        cpu_speedup=cpu_faster and cpu_faster.value,
        cpu_speedup_low=None if itself else cpu_faster and cpu_faster.low,
        cpu_speedup_high=None if itself else cpu_faster and cpu_faster.high,
        n=len(pooled),
        spread=spread(wall),
        cpu_spread=spread(cpu) if cpu else None,
        stationary_rounds=sum(timing.stationary for timing in own),
        peak_memory_mb=_megabytes(timing.peak_bytes for timing in own),
        baseline_memory_mb=_megabytes(timing.baseline_bytes for timing in own),
    )


def compares_cpu(device: str, threads: int) -> bool:
    """Whether less CPU time means a faster pass: with one thread on a processor.

    Several threads share the work and wait for each other, so that their CPU time adds up to something else.
    """
    return device == "cpu" and threads == 1


def wall_medians(rounds: Sequence[Timing]) -> list[float]:
    """Milliseconds, one a round."""
    return [median(timing.samples_ms) for timing in rounds]


def cpu_medians(rounds: Sequence[Timing]) -> list[float] | None:
    """The same of CPU time; None where it was not read, or a clock that is coarser than a pass gave 0."""
    found = [median(timing.cpu_samples_ms) for timing in rounds if timing.cpu_samples_ms]
    return found if len(found) == len(rounds) and all(found) else None


def average(values: Sequence[float]) -> Average:
    """Of positive numbers, one a round."""
    over = summary(map(math.log, values))
    low, high = over.interval or (None, None)
    return Average(
        math.exp(over.mean), None if low is None else math.exp(low), None if high is None else math.exp(high)
    )


def speedup(own: Sequence[float], first: Sequence[float]) -> Average:
    """How many times as fast as the first it is, round by round, given the medians of both."""
    return average([theirs / mine for theirs, mine in zip(first, own, strict=True)])


def spread(medians: Sequence[float]) -> float:
    """(largest - smallest) / median, of the medians of the rounds."""
    return (max(medians) - min(medians)) / median(medians)


def _megabytes(counts: Iterable[int | None]) -> float | None:
    """The most of them."""
    most = max((count for count in counts if count is not None), default=None)
    return None if most is None else most / MEGABYTE


def write_samples(path: Path, contenders: Sequence[Contender], found: Sequence[Sequence[Timing]]) -> None:
    """Every pass, in full precision: whose it is, round and number, both from 0, milliseconds by either clock.

    `cpu_ms` is empty on a GPU.
    """
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*Contender.model_fields, "round", "number", "latency_ms", "cpu_ms"))
        for contender, rounds in zip(contenders, found, strict=True):
            who = contender.model_dump().values()
            for number, timing in enumerate(rounds):
                passes = zip_longest(map(repr, timing.samples_ms), map(repr, timing.cpu_samples_ms or []))
                writer.writerows((*who, number, k, *times) for k, times in enumerate(passes))


def write_processes(path: Path, contenders: Sequence[Contender], found: Sequence[Sequence[Timing]]) -> None:
    """Each process in the order in which they ran, with what it told but its samples."""
    rows = []
    for turn in turns(len(contenders), len(found[0])):
        timing = found[turn.setup][turn.round]
        told = {name: one for name, one in asdict(timing).items() if not name.endswith("samples_ms")}
        who = contenders[turn.setup].model_dump()
        rows.append({**who, "round": turn.round, "n": len(timing.samples_ms), **told})
    path.write_text(json.dumps(rows, indent=1) + "\n")
