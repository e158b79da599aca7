"""What was known of the machine while latencies were measured on it."""

import time
from collections.abc import Sequence

from pydantic import BaseModel, Field

from mgic.measure.host import Host, foreign_processes
from mgic.measure.latency import Timing
from mgic.measure.rounds import (
    Contender,
    compares_cpu,
    cpu_medians,
    labels,
    speedup,
    spread,
    wall_medians,
)
from mgic.measure.validity import Evidence, judge
from mgic.records import Grade


class Circumstances(BaseModel):
    """Part of the result of `latency`; empty is what the kernel does not tell."""

    grade: Grade = Field(
        description="Validity of wall time: A nothing speaks against it, B good for comparing networks of this run, C "
        "for large differences only, D the numbers say little. The control decides: between equal networks A shows "
        "differences of at most 3 %, B of 10 %, C of 30 %",
        json_schema_extra={"headline": True},
    )
    cpu_grade: Grade | None = Field(
        description="Validity of CPU time, in the same grades; empty with more than one thread and on a GPU, where it "
        "is not compared",
        json_schema_extra={"headline": True},
    )
    control_ratio: float | None = Field(
        description="How many times as fast the first network was when it was measured a second time, by wall time: "
        "1, but for noise. Empty without a control",
        json_schema_extra={"unit": "x", "headline": True, "ends": ["control_low", "control_high"]},
    )
    control_low: float | None = Field(
        description="Lower end of the 95 % interval of `control_ratio`; empty below 3 rounds",
        json_schema_extra={"unit": "x"},
    )
    control_high: float | None = Field(description="Upper end of the same interval", json_schema_extra={"unit": "x"})
    control_cpu_ratio: float | None = Field(
        description="How many times as fast the first network was when it was measured a second time, by CPU time; "
        "empty where that is not compared",
        json_schema_extra={"unit": "x", "headline": True, "ends": ["control_cpu_low", "control_cpu_high"]},
    )
    control_cpu_low: float | None = Field(
        description="Lower end of the 95 % interval of `control_cpu_ratio`; empty below 3 rounds",
        json_schema_extra={"unit": "x"},
    )
    control_cpu_high: float | None = Field(
        description="Upper end of the same interval", json_schema_extra={"unit": "x"}
    )
    reasons: list[str] = Field(description="Why `grade` is less than A, the gravest first")
    cpu_reasons: list[str] = Field(description="Why `cpu_grade` is less than A, the gravest first")
    processor: str | None = Field(description="Name of the processor")
    cores: int = Field(description="That the run may use, by its affinity and the quota of its control group")
    virtual: bool | None = Field(description="Whether the machine is a virtual one")
    governor: str | None = Field(description="Policy of the processor's clock")
    clock_low_mhz: float | None = Field(
        description="Of the fastest core, just after a round: the least over the rounds",
        json_schema_extra={"unit": "MHz"},
    )
    clock_high_mhz: float | None = Field(
        description="The same, the most over the rounds", json_schema_extra={"unit": "MHz"}
    )
    throttle_events: int | None = Field(description="Times that a core was slowed down for its heat, during the run")
    load_before: float | None = Field(description="Processes that wanted to run, mean of the minute before")
    foreign_cpu: float | None = Field(
        description="What other processes took while a network was timed, mean over all rounds",
        json_schema_extra={"unit": "cores"},
    )
    foreign_cpu_max: float | None = Field(
        description="The same, the most in any round", json_schema_extra={"unit": "cores"}
    )
    foreign_processes: list[str] = Field(
        description="Those that took most during the run and lived through it, as far as they can be seen"
    )


class Watch:
    """Looks at the machine when it is made, and at the end."""

    def __init__(self, host: Host | None = None) -> None:
        self._host = host or Host()
        self._start = time.monotonic()
        self._load = self._host.load()
        self._throttled = self._host.throttle_events()
        self._processes = self._host.process_seconds()

    def end(
        self, contenders: Sequence[Contender], found: Sequence[Sequence[Timing]], device: str, threads: int
    ) -> Circumstances:
        """Judge what was measured since.

        Args:
            contenders: Who was measured.
            found: The rounds of each of them.
            device: "cpu" or "cuda".
            threads: That computed.
        """
        seconds = time.monotonic() - self._start
        evidence = self._evidence(contenders, found, device, threads)
        grade, reasons = judge(evidence)
        cpu_grade, cpu_reasons = judge(evidence, "cpu") if evidence.cpu_spread else (None, [])
        facts, foreign = evidence.facts, evidence.foreign_cpu
        control, cpu_control = evidence.control, evidence.cpu_control
        return Circumstances(
            grade=grade,
            cpu_grade=cpu_grade,
            control_ratio=control and control.value,
            control_low=control and control.low,
            control_high=control and control.high,
            control_cpu_ratio=cpu_control and cpu_control.value,
            control_cpu_low=cpu_control and cpu_control.low,
            control_cpu_high=cpu_control and cpu_control.high,
            reasons=reasons,
            cpu_reasons=cpu_reasons,
            processor=facts.processor,
            cores=facts.cores,
            virtual=facts.virtual,
            governor=facts.governor,
            clock_low_mhz=min(evidence.clocks_mhz, default=None),
            clock_high_mhz=max(evidence.clocks_mhz, default=None),
            throttle_events=evidence.throttle_events,
            load_before=self._load,
            # The kernel's steps may make it less than nothing.
            foreign_cpu=max(0.0, sum(foreign) / len(foreign)) if foreign else None,
            foreign_cpu_max=max([0.0, *foreign]) if foreign else None,
            foreign_processes=foreign_processes(self._processes, self._host.process_seconds(), seconds),
        )

    def _evidence(
        self, contenders: Sequence[Contender], found: Sequence[Sequence[Timing]], device: str, threads: int
    ) -> Evidence:
        """What the grades are made of; of CPU time nothing where it is not compared."""
        throttled = self._host.throttle_events()
        timings = [timing for rounds in found for timing in rounds]
        names = labels(contenders)
        wall = [wall_medians(rounds) for rounds in found]
        told = [cpu_medians(rounds) if compares_cpu(device, threads) else None for rounds in found]
        known = [medians for medians in told if medians is not None]
        cpu = known if len(known) == len(found) else []
        twice = next((number for number, one in enumerate(contenders) if one.role == "control"), None)
        return Evidence(
            facts=self._host.facts(),
            device=device,
            threads=threads,
            rounds=min(map(len, found)),
            load_before=self._load,
            foreign_cpu=[timing.foreign_cpu for timing in timings if timing.foreign_cpu is not None],
            clocks_mhz=[timing.clock_mhz for timing in timings if timing.clock_mhz is not None],
            throttle_events=None if throttled is None or self._throttled is None else throttled - self._throttled,
            restless={name: sum(not t.stationary for t in rounds) for name, rounds in zip(names, found, strict=True)},
            spread=dict(zip(names, map(spread, wall), strict=True)),
            cpu_spread=dict(zip(names, map(spread, cpu), strict=True)) if cpu else {},
            controlled=twice is not None,
            control=None if twice is None else speedup(wall[twice], wall[0]),
            cpu_control=None if twice is None or not cpu else speedup(cpu[twice], cpu[0]),
            repeated=() if twice is None else (names[0], names[twice]),
        )
