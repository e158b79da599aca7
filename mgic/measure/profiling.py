"""Where does the time of one forward pass go: by part and level of each MGIC block, by module for any network?"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, Protocol

import torch
from torch import nn

from mgic.layers import MGICBlock
from mgic.measure.counting import counting
from mgic.measure.engines import Forward, Setup, first_pass, load_packages, on_device
from mgic.measure.latency import MIN_SAMPLES, CudaTimer, Timer, cpu_timer, warm_up
from mgic.records import Grade, NetworkProfile, PartName, Profile, TimedPart

SLOWER: tuple[tuple[float, Grade], ...] = ((0.05, "B"), (0.15, "C"), (0.3, "D"))  # from there on; as `validity.SPREAD`

Parts = dict[nn.Module, float]  # milliseconds of one pass


@dataclass(frozen=True)
class Place:
    """Which part a module is; None for one that is outside of all MGIC blocks of its network."""

    block: str
    part: PartName | None
    level: int | None = None


@dataclass(frozen=True)
class Profiled:
    """What one process found; see `mgic.records.NetworkProfile`."""

    repeats: int
    plain_ms: float
    parts_ms: float
    overhead: float
    stationary: bool
    grade: Grade
    reasons: list[str]
    parts: list[dict[str, Any]]


def profile(setup: Setup) -> Profiled:
    """Time the parts of a network that runs module by module, in turns with whole passes for comparison.

    Half of the samples that `setup` asks for are passes whose parts are timed. The process should be a fresh one.

    Raises:
        BadConfig: The network cannot be built or run as the setup says.
    """
    torch.set_num_threads(setup.threads)
    load_packages(setup)
    network, example = on_device(setup)
    cuda = setup.device == "cuda"
    timer: Timer = CudaTimer() if cuda else cpu_timer
    stopwatch, places = Stopwatch(Events() if cuda else Monotonic()), places_of(network)

    def forward() -> object:
        return network(example)

    def in_parts() -> Parts:
        return stopwatch.parts(network, places, forward)

    with torch.inference_mode():
        first_pass(forward, setup)
        stationary = warm_up(timer, forward, setup.warm_up_seconds).stationary
        in_parts()  # the first hooks of a process take longer
        plain, timed = _in_turns(setup, lambda: timer(forward).wall_ms, in_parts)
        with counting(network) as counts:
            network(example[:1])
    return summarised(network, places, plain, timed, counts.macs, stationary)


def profile_of(setups: Sequence[Setup], models: Sequence[str], found: Sequence[Profiled]) -> Profile:
    """The artifact, of what the processes told of each network."""
    shared = {name: getattr(setups[0], name) for name in Profile.model_fields if name != "networks"}
    networks = tuple(
        NetworkProfile(place=place, model=model, **vars(one))
        for place, (model, one) in enumerate(zip(models, found, strict=True))
    )
    return Profile(**shared, networks=networks)


def _in_turns(
    setup: Setup, whole: Callable[[], float], in_parts: Callable[[], Parts]
) -> tuple[list[float], list[Parts]]:
    """Pairs, half as many as samples are asked for or as fit into the seconds, but at least `MIN_SAMPLES`."""
    plain: list[float] = []
    timed: list[Parts] = []
    end = time.monotonic() + setup.seconds
    while len(plain) < MIN_SAMPLES or (len(plain) < setup.samples // 2 and time.monotonic() < end):
        plain.append(whole())
        timed.append(in_parts())
    return plain, timed


def places_of(network: nn.Module) -> dict[nn.Module, Place]:
    """The modules that are timed, the network itself among them, in the order in which they stand there.

    An MGIC block is taken apart by level; so is what holds one, and a sequence of modules that have modules
    themselves. Any other module is one part.
    """
    mgic = any(isinstance(module, MGICBlock) for module in network.modules())
    found = {network: Place("", "other")}

    def enter(name: str, module: nn.Module) -> None:
        if isinstance(module, MGICBlock):
            found.update(_levels(name, module))
        elif module is network or _holds_parts(module):
            for child_name, child in module.named_children():
                enter(f"{name}.{child_name}" if name else child_name, child)
        else:
            found.setdefault(module, Place(name, None if mgic else "block"))

    enter("", network)
    return found


def _holds_parts(module: nn.Module) -> bool:
    """A sequence of layers that have no modules is one part: convolution, norm and activation."""
    if isinstance(module, nn.ModuleList | nn.ModuleDict):  # is never called
        return True
    sequence = type(module) is nn.Sequential and any(any(one.children()) for one in module)
    return sequence or any(isinstance(one, MGICBlock) for one in module.modules())


def _levels(name: str, block: MGICBlock) -> Iterator[tuple[nn.Module, Place]]:
    last = len(block.levels) - 1
    yield block, Place(name, "other")
    for grid in block.levels:
        level = grid.level
        yield block.blocks[level], Place(name, "coarse" if level == last else "relax", level)
        if level < last:
            yield block.restrict[level], Place(name, "restrict", level)
            yield block.prolong[level], Place(name, "prolong", level)
            yield block.norms[level], Place(name, "norm", level)


class Clock(Protocol):
    """Moments are whatever it makes of them."""

    def now(self) -> Any: ...

    def settle(self) -> None:
        """Wait until all that was begun has ended."""

    def ms(self, start: Any, end: Any) -> float: ...


class Monotonic:
    """The processor's."""

    def now(self) -> int:
        return time.perf_counter_ns()

    def settle(self) -> None:
        return

    def ms(self, start: int, end: int) -> float:
        return (end - start) / 1e6


class Events:
    """Events on a GPU's own stream: a moment is when the GPU has done all that it was told before.

    Args:
        cuda: `torch.cuda`, or what stands in for it.
    """

    def __init__(self, cuda: Any = torch.cuda) -> None:
        self._cuda = cuda

    def now(self) -> Any:
        event = self._cuda.Event(enable_timing=True)
        event.record()
        return event

    def settle(self) -> None:
        self._cuda.synchronize()

    def ms(self, start: Any, end: Any) -> float:
        return float(start.elapsed_time(end))


class Stopwatch:
    """Reads the clock whenever a timed module begins or ends, so that the times of all of them add up to the whole.

    What a module does outside of the timed modules inside of it is its own; so are their hooks.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._marks: list[tuple[nn.Module, Any]] = []  # who is at work from this moment on

    def parts(self, network: nn.Module, places: Mapping[nn.Module, Place], forward: Forward) -> Parts:
        """One pass: milliseconds of each module that was called, in the order of their first calls."""
        self._marks = []
        self._clock.settle()
        with self._hooks(network, places):
            self._mark(network)
            forward()
            self._mark(network)
        self._clock.settle()
        found: Parts = {}
        for (module, start), (_, end) in pairwise(self._marks):
            found[module] = found.get(module, 0.0) + self._clock.ms(start, end)
        return found

    def _mark(self, module: nn.Module) -> None:
        self._marks.append((module, self._clock.now()))

    @contextmanager
    def _hooks(self, network: nn.Module, places: Mapping[nn.Module, Place]) -> Iterator[None]:
        at_work = [network]

        def begins(module: nn.Module, _: Any) -> None:
            at_work.append(module)
            self._mark(module)

        def ends(_: nn.Module, __: Any, ___: Any) -> None:
            at_work.pop()
            self._mark(at_work[-1])

        timed = [module for module in places if module is not network]
        handles = [module.register_forward_pre_hook(begins) for module in timed]
        handles += [module.register_forward_hook(ends) for module in timed]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def summarised(
    network: nn.Module,
    places: Mapping[nn.Module, Place],
    plain: Sequence[float],
    timed: Sequence[Parts],
    macs: Mapping[nn.Module, int],
    stationary: bool,
) -> Profiled:
    """Medians over the repeats, their shares, and what timing the parts cost."""
    medians = {module: median(one.get(module, 0.0) for one in timed) for module in timed[0]}
    whole, whole_macs = sum(medians.values()), sum(macs.values())
    own = _own_macs(network, medians, macs)
    overhead = whole / median(plain) - 1
    grade, reasons = _judge(overhead, stationary)
    parts = [
        TimedPart(
            block=place.block,
            part=place.part,
            level=place.level,
            kind=type(module).__name__,
            ms=medians[module],
            share=medians[module] / whole,
            macs=own[module],
            macs_share=own[module] / whole_macs if whole_macs else 0.0,
        ).model_dump()
        for module, place in _in_order(places, list(medians)).items()
    ]
    return Profiled(len(timed), median(plain), whole, overhead, stationary, grade, reasons, parts)


def _in_order(places: Mapping[nn.Module, Place], called: Sequence[nn.Module]) -> dict[nn.Module, Place]:
    """As they were called; what is outside of the MGIC blocks is stem, connector or head, by where it stands."""
    inside = [number for number, module in enumerate(called) if places[module].level is not None]
    found = {}
    for number, module in enumerate(called):
        place = places[module]
        if place.part is None:
            outside: PartName = "stem" if number < inside[0] else "head" if number > inside[-1] else "connector"
            place = Place(place.block, outside)
        found[module] = place
    return found


def _own_macs(network: nn.Module, called: Iterable[nn.Module], macs: Mapping[nn.Module, int]) -> dict[nn.Module, int]:
    """Of each module whose time is known, with what is inside of it and has no time of its own."""
    found = dict.fromkeys(called, 0)
    seen = {network}

    def enter(module: nn.Module, timed: nn.Module) -> None:
        timed = module if module in found else timed
        found[timed] += macs.get(module, 0)
        for child in module.children():
            if child not in seen:
                seen.add(child)
                enter(child, timed)

    enter(network, network)
    return found


def _judge(overhead: float, stationary: bool) -> tuple[Grade, list[str]]:
    """How far the shares can be trusted, the machine aside."""
    reasons: list[tuple[Grade, str]] = []
    slower = next((grade for limit, grade in reversed(SLOWER) if abs(overhead) > limit), None)
    if slower:
        than = "more than a pass whose parts are not timed" if overhead > 0 else "less than a pass: many were disturbed"
        reasons.append((slower, f"its parts add up to {abs(overhead):.0%} {than}"))
    if not stationary:
        reasons.append(("C", "it was still changing when its warm-up ended"))
    reasons.sort(key=lambda reason: reason[0], reverse=True)
    return max((grade for grade, _ in reasons), default="A"), [f"{grade}: {words}" for grade, words in reasons]
