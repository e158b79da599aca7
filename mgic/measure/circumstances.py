"""What was known of the machine while latencies were measured on it."""

import time
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field

from mgic.measure.host import Host, foreign_processes
from mgic.measure.latency import Timing
from mgic.measure.rounds import spread
from mgic.measure.validity import Evidence, Grade, judge


class Circumstances(BaseModel):
    """Part of the result of `latency`; empty is what the kernel does not tell."""

    grade: Grade = Field(
        description="Validity: A nothing speaks against it, B good for comparing networks of this run, C for large "
        "differences only, D the numbers say little"
    )
    reasons: list[str] = Field(description="For anything less than A, the gravest first")
    processor: str | None = Field(description="Name of the processor")
    cores: int = Field(description="That the run may use")
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

    def end(self, found: Mapping[str, Sequence[Timing]], device: str, threads: int) -> Circumstances:
        """Judge what was measured since.

        Args:
            found: The rounds of each model.
            device: "cpu" or "cuda".
            threads: That computed.
        """
        facts, throttled = self._host.facts(), self._host.throttle_events()
        timings = [timing for rounds in found.values() for timing in rounds]
        foreign = [timing.foreign_cpu for timing in timings if timing.foreign_cpu is not None]
        clocks = [timing.clock_mhz for timing in timings if timing.clock_mhz is not None]
        events = None if throttled is None or self._throttled is None else throttled - self._throttled
        seconds = time.monotonic() - self._start
        grade, reasons = judge(
            Evidence(
                facts=facts,
                device=device,
                threads=threads,
                rounds=min(map(len, found.values())),
                load_before=self._load,
                foreign_cpu=foreign,
                clocks_mhz=clocks,
                throttle_events=events,
                spread={model: spread(rounds) for model, rounds in found.items()},
                restless={model: sum(not t.stationary for t in rounds) for model, rounds in found.items()},
            )
        )
        return Circumstances(
            grade=grade,
            reasons=reasons,
            processor=facts.processor,
            cores=facts.cores,
            virtual=facts.virtual,
            governor=facts.governor,
            clock_low_mhz=min(clocks, default=None),
            clock_high_mhz=max(clocks, default=None),
            throttle_events=events,
            load_before=self._load,
            # The kernel's steps may make it less than nothing.
            foreign_cpu=max(0.0, sum(foreign) / len(foreign)) if foreign else None,
            foreign_cpu_max=max([0.0, *foreign]) if foreign else None,
            foreign_processes=foreign_processes(self._processes, self._host.process_seconds(), seconds),
        )
