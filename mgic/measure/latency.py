"""How long does one forward pass of a network take, in this process?"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

import torch

from mgic.measure.engines import Forward, Setup, first_pass, forward_of, load_packages
from mgic.measure.host import ForeignLoad, Host
from mgic.measure.instructions import Instructions
from mgic.measure.memory import PeakMemory

WINDOW = 10  # passes of which a median is taken
WINDOWS = 3  # in a row that have to agree
TOLERANCE = 0.05  # of the smallest of their medians
MIN_SAMPLES = 10


class Pass(NamedTuple):
    """One call: how long it took, and how much time of processors the whole process used meanwhile.

    On a busy machine the first includes what others took in between, the second does not. `cpu_ms` is None for a GPU,
    where the processor only waits.
    """

    wall_ms: float
    cpu_ms: float | None


Timer = Callable[[Forward], Pass]


@dataclass(frozen=True)
class Timing:
    """What one process has measured.

    Args:
        pid: Of the process.
        samples_ms: Wall time, one a pass, in order.
        cpu_samples_ms: CPU time of the same passes, of all threads together; None for a GPU.
        warm_up_passes: Before the first of them, the very first one not counted.
        stationary: Whether the warm-up ended because the passes had become alike, not because its time was up.
        peak_bytes: Beyond `baseline_bytes`, from the warm-up on.
        baseline_bytes: Held when all was imported and no network built.
        foreign_cpu: CPU seconds a second that all other processes took meanwhile, in cores.
        clock_mhz: Of the fastest core, just after the last pass.
        instructions: Of a pass, in the thread that calls; the loop and the clocks around it are among them. None
            where the kernel does not count, and `no_instructions` says why.
    """

    pid: int
    samples_ms: list[float]
    cpu_samples_ms: list[float] | None
    warm_up_passes: int
    stationary: bool
    peak_bytes: int | None
    baseline_bytes: int | None
    foreign_cpu: float | None
    clock_mhz: float | None
    instructions: float | None = None
    no_instructions: str = ""


def measure(setup: Setup) -> Timing:
    """Import what is needed, build the network, warm it up and time its passes one by one.

    The process should be a fresh one: threads, caches and what is imported stay as this leaves them.

    Raises:
        BadConfig: The network cannot be built or run as the setup says.
    """
    torch.set_num_threads(setup.threads)
    load_packages(setup)
    return timed(setup)


def timed(setup: Setup, make: Callable[[Setup], Forward] = forward_of) -> Timing:
    """The same in a process that has imported all, of which it is the first computation.

    Args:
        setup: What is timed.
        make: Builds the network and its input.
    """
    memory = PeakMemory(setup.device)
    forward = make(setup)
    timer: Timer = CudaTimer() if setup.device == "cuda" else cpu_timer
    with torch.inference_mode():
        first_pass(forward, setup)
        memory.begin()
        foreign = ForeignLoad()
        passes, stationary = warm_up(timer, forward, setup.warm_up_seconds)
        with Instructions() as counter:
            samples = take(timer, forward, setup.samples, setup.seconds)
            executed = counter.read()
        foreign_cpu, clock = foreign.cores(), Host().clock_mhz()
    peak = memory.peak()
    known = peak is not None and memory.baseline is not None
    return Timing(
        pid=os.getpid(),
        samples_ms=[one.wall_ms for one in samples],
        cpu_samples_ms=None if setup.device == "cuda" else [one.cpu_ms for one in samples if one.cpu_ms is not None],
        warm_up_passes=passes,
        stationary=stationary,
        peak_bytes=max(0, (peak or 0) - (memory.baseline or 0)) if known else None,
        baseline_bytes=memory.baseline,
        foreign_cpu=foreign_cpu,
        clock_mhz=clock,
        instructions=None if executed is None else executed / len(samples),
        no_instructions=counter.why_not,
    )


def cpu_timer(forward: Forward) -> Pass:
    """By the monotonic clock, and by the kernel's account of this process.

    Reading that account is a call of the kernel and takes longer: it stands outside of the wall time.
    """
    cpu_start = time.process_time_ns()
    start = time.perf_counter_ns()
    forward()
    end = time.perf_counter_ns()
    cpu_end = time.process_time_ns()
    return Pass((end - start) / 1e6, (cpu_end - cpu_start) / 1e6)


class CudaTimer:
    """By events on the GPU's own stream: from the launch of the pass to the end of its last kernel.

    The stream is empty when the first event is recorded, so that nothing earlier is in the time; where the GPU
    waits for the processor to launch the next kernel, that wait is.

    Args:
        cuda: `torch.cuda`, or what stands in for it.
    """

    def __init__(self, cuda: Any = torch.cuda) -> None:
        self._cuda = cuda

    def __call__(self, forward: Forward) -> Pass:
        start, end = self._cuda.Event(enable_timing=True), self._cuda.Event(enable_timing=True)
        self._cuda.synchronize()
        start.record()
        forward()
        end.record()
        end.synchronize()
        return Pass(float(start.elapsed_time(end)), None)


def warm_up(
    timer: Timer, forward: Forward, limit_s: float, clock: Callable[[], float] = time.monotonic
) -> tuple[int, bool]:
    """Pass until wall times are `stationary`, or until `limit_s` is over; the passes, and whether it was the former."""
    times: list[float] = []
    end = clock() + limit_s
    while True:
        times.append(timer(forward).wall_ms)
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
) -> list[Pass]:
    """So many samples, or those that fit into the seconds, but at least `MIN_SAMPLES` of them."""
    times: list[Pass] = []
    end = clock() + seconds
    while len(times) < samples and (len(times) < MIN_SAMPLES or clock() < end):
        times.append(timer(forward))
    return times
