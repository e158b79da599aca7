"""How long does one forward pass of a network take, in this process?"""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

import torch

from mgic.measure.engines import Forward, Setup, first_pass, forward_of, gradients, load_packages
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
        peak_bytes: Beyond `baseline_bytes`, from the warm-up on, or of a last pass by itself.
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
    subject = Subject(setup)
    subject.take(setup.samples, setup.seconds)
    return subject.timing()


class Subject:
    """A network that is built and warm, whose passes are timed in one or several turns.

    Args:
        setup: What is timed. All that it needs is imported by now, and nothing was computed in this process before.
        make: Builds the network and its input; None: `forward_of`.
        clock: By which the warm-up ends in time.
        own_memory: Whether memory is counted as by `PeakMemory(own=True)`, over a last pass that is not timed.

    Raises:
        BadConfig: The network cannot be built or run as the setup says.
    """

    def __init__(
        self,
        setup: Setup,
        make: Callable[[Setup], Forward] | None = None,
        clock: Callable[[], float] = time.monotonic,
        own_memory: bool = False,
    ) -> None:
        self._cuda = setup.device == "cuda"
        self._memory, self._own_memory = PeakMemory(setup.device, own_memory), own_memory
        self._forward = (make or forward_of)(setup)
        self._timer: Timer = CudaTimer() if self._cuda else cpu_timer
        self._passes: list[Pass] = []
        self._counter = Instructions()
        self._executed: int | None = 0
        self._setup = setup
        with gradients(setup):
            first_pass(self._forward, setup)
            if (
                not own_memory
            ):  # else from the last pass on: an allocator that keeps nothing makes passes slow and unlike
                self._memory.begin()
            self._foreign = ForeignLoad()
            self._warm_up = warm_up(self._timer, self._forward, setup.warm_up_seconds, clock)

    def take(self, passes: int, seconds: float) -> None:
        """Time so many more, or those that fit into the seconds, as `take`."""
        before = self._counter.read()
        with gradients(self._setup):
            self._passes += take(self._timer, self._forward, passes, seconds)
        after = self._counter.read()
        if before is None or after is None or self._executed is None:
            self._executed = None
        else:
            self._executed += after - before

    def timing(self) -> Timing:
        """What was measured, when all has been taken."""
        foreign_cpu, clock = self._foreign.cores(), Host().clock_mhz()
        if self._own_memory:
            self._memory.begin()
            with ThreadPoolExecutor(1) as alone:  # an arena of its own has no holes that large blocks would fill
                alone.submit(self._pass).result()
        peak, baseline = self._memory.peak(), self._memory.baseline
        cpu = [one.cpu_ms for one in self._passes if one.cpu_ms is not None]
        return Timing(
            pid=os.getpid(),
            samples_ms=[one.wall_ms for one in self._passes],
            cpu_samples_ms=None if self._cuda else cpu,
            warm_up_passes=self._warm_up.passes,
            stationary=self._warm_up.stationary,
            peak_bytes=None if peak is None or baseline is None else max(0, peak - baseline),
            baseline_bytes=baseline,
            foreign_cpu=foreign_cpu,
            clock_mhz=clock,
            instructions=None if self._executed is None else self._executed / len(self._passes),
            no_instructions=self._counter.why_not,
        )

    def _pass(self) -> None:
        with torch.inference_mode():
            self._forward()

    @property
    def pass_s(self) -> float:
        """Of the last pass of the warm-up: of CPU time, or on a GPU of the clock."""
        last = self._warm_up.last
        return (last.wall_ms if last.cpu_ms is None else last.cpu_ms) / 1000


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


class WarmUp(NamedTuple):
    """Its passes, whether it ended because they had become alike, and the last of them."""

    passes: int
    stationary: bool
    last: Pass


def warm_up(timer: Timer, forward: Forward, limit_s: float, clock: Callable[[], float] = time.monotonic) -> WarmUp:
    """Pass until wall times are `stationary`, or until `limit_s` is over by the clock."""
    times: list[float] = []
    end = clock() + limit_s
    while True:
        last = timer(forward)
        times.append(last.wall_ms)
        if len(times) % WINDOW == 0 and stationary(times):
            return WarmUp(len(times), True, last)
        if clock() >= end:
            return WarmUp(len(times), False, last)


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
