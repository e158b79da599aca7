"""How long does one forward pass of a network take, in this process?"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from mgic.measure.engines import Forward, Setup, first_pass, forward_of, load_packages
from mgic.measure.host import ForeignLoad, Host
from mgic.measure.memory import PeakMemory

WINDOW = 10  # passes of which a median is taken
WINDOWS = 3  # in a row that have to agree
TOLERANCE = 0.05  # of the smallest of their medians
MIN_SAMPLES = 10

Timer = Callable[[Forward], float]  # milliseconds of one call


@dataclass(frozen=True)
class Timing:
    """What one process has measured.

    Args:
        pid: Of the process.
        samples_ms: One a pass, in order.
        warm_up_passes: Before the first of them, the very first one not counted.
        stationary: Whether the warm-up ended because the passes had become alike, not because its time was up.
        peak_bytes: Beyond `baseline_bytes`, from the warm-up on.
        baseline_bytes: Held when all was imported and no network built.
        foreign_cpu: CPU seconds a second that all other processes took meanwhile, in cores.
        clock_mhz: Of the fastest core, just after the last pass.
    """

    pid: int
    samples_ms: list[float]
    warm_up_passes: int
    stationary: bool
    peak_bytes: int | None
    baseline_bytes: int | None
    foreign_cpu: float | None
    clock_mhz: float | None


def measure(setup: Setup) -> Timing:
    """Build the network, warm it up and time its passes one by one.

    The process should be a fresh one: threads, caches and what is imported stay as this leaves them.

    Raises:
        BadConfig: The network cannot be built or run as the setup says.
    """
    torch.set_num_threads(setup.threads)
    load_packages(setup)
    memory = PeakMemory(setup.device)
    forward = forward_of(setup)
    timer: Timer = CudaTimer() if setup.device == "cuda" else cpu_timer
    with torch.inference_mode():
        first_pass(forward, setup)
        memory.begin()
        foreign = ForeignLoad()
        passes, stationary = warm_up(timer, forward, setup.warm_up_seconds)
        samples = take(timer, forward, setup.samples, setup.seconds)
        foreign_cpu, clock = foreign.cores(), Host().clock_mhz()
    peak = memory.peak()
    known = peak is not None and memory.baseline is not None
    return Timing(
        pid=os.getpid(),
        samples_ms=samples,
        warm_up_passes=passes,
        stationary=stationary,
        peak_bytes=max(0, (peak or 0) - (memory.baseline or 0)) if known else None,
        baseline_bytes=memory.baseline,
        foreign_cpu=foreign_cpu,
        clock_mhz=clock,
    )


def cpu_timer(forward: Forward) -> float:
    """By the processor's monotonic clock."""
    start = time.perf_counter_ns()
    forward()
    return (time.perf_counter_ns() - start) / 1e6


class CudaTimer:
    """By events on the GPU's own stream: from the launch of the pass to the end of its last kernel.

    The stream is empty when the first event is recorded, so that nothing earlier is in the time; where the GPU
    waits for the processor to launch the next kernel, that wait is.

    Args:
        cuda: `torch.cuda`, or what stands in for it.
    """

    def __init__(self, cuda: Any = torch.cuda) -> None:
        self._cuda = cuda

    def __call__(self, forward: Forward) -> float:
        start, end = self._cuda.Event(enable_timing=True), self._cuda.Event(enable_timing=True)
        self._cuda.synchronize()
        start.record()
        forward()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end))


def warm_up(
    timer: Timer, forward: Forward, limit_s: float, clock: Callable[[], float] = time.monotonic
) -> tuple[int, bool]:
    """Pass until `stationary`, or until `limit_s` is over; returns the passes, and whether it was the former."""
    times: list[float] = []
    end = clock() + limit_s
    while True:
        times.append(timer(forward))
        if len(times) % WINDOW == 0 and stationary(times):
            return len(times), True
        if clock() >= end:
            return len(times), False


def stationary(times: Sequence[float]) -> bool:
    """Whether the medians of the last 3 windows of 10 passes lie within 5 %."""
    if len(times) < WINDOW * WINDOWS:
        return False
    last = times[-WINDOW * WINDOWS :]
    medians = [median(last[start : start + WINDOW]) for start in range(0, len(last), WINDOW)]
    return max(medians) <= (1 + TOLERANCE) * min(medians)


def take(
    timer: Timer, forward: Forward, samples: int, seconds: float, clock: Callable[[], float] = time.monotonic
) -> list[float]:
    """So many samples, or those that fit into the seconds, but at least `MIN_SAMPLES` of them."""
    times: list[float] = []
    end = clock() + seconds
    while len(times) < samples and (len(times) < MIN_SAMPLES or clock() < end):
        times.append(timer(forward))
    return times
