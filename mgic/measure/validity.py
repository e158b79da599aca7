"""How far can a latency be trusted, given the machine it was measured on?"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mgic.measure.host import Facts
from mgic.measure.rounds import Average, Clock
from mgic.records import Grade

GRADES: tuple[Grade, ...] = ("A", "B", "C", "D")

Value = TypeVar("Value", int, float)

ENOUGH_ROUNDS = 5
INTERVAL_ROUNDS = 3
FOREIGN = (0.1, 0.5)  # cores; from the first on B, from the second on C
LOAD = (0.5, 1.0)  # a core
SPREAD = (0.05, 0.15, 0.3)  # between rounds, (largest - smallest) / median: B, C, D
CLOCK = 0.05  # the same of the clock
CONTROL = (0.03, 0.1, 0.3)  # how far from 1 the interval of A/A reaches, as a share: B, C, D


@dataclass(frozen=True)
class Evidence:
    """What is known of the circumstances; None or empty is what could not be read.

    Args:
        facts: The machine.
        device: "cpu" or "cuda".
        threads: That computed.
        rounds: Fresh processes a model.
        load_before: Processes that wanted to run before the first of them started.
        foreign_cpu: Cores that others took while each of them measured.
        clocks_mhz: One a process.
        throttle_events: During the run.
        restless: By network, rounds whose warm-up did not become stationary.
        spread: By network, (largest - smallest) / median of the rounds' medians of wall time.
        cpu_spread: The same of CPU time.
        controlled: Whether the first network was measured twice.
        control: How many times as fast as itself it then was, by wall time.
        cpu_control: The same by CPU time.
        repeated: The names of both times of the first network.
    """

    facts: Facts
    device: str
    threads: int
    rounds: int
    load_before: float | None
    foreign_cpu: Sequence[float]
    clocks_mhz: Sequence[float]
    throttle_events: int | None
    restless: Mapping[str, int]
    spread: Mapping[str, float]
    cpu_spread: Mapping[str, float]
    controlled: bool
    control: Average | None
    cpu_control: Average | None
    repeated: Collection[str] = ()


def judge(evidence: Evidence, clock: Clock = "wall") -> tuple[Grade, list[str]]:
    """How far times by this clock can be trusted. The grade is that of the gravest reason; without any it is A.

    A: nothing speaks against it. B: good for comparing the models of this run. C: for large differences only.
    D: the numbers say little. The thresholds are the constants above; they are this project's choice.

    The control decides: it shows what all else lets one expect only. Where it has an interval, A to D say whether
    equal networks differ by up to 3, 10, 30 % or more, and what else speaks against the run counts as B, whatever it
    would be without a control; too few rounds alone keep their grade. What is known of another network itself, its
    spread and its warm-up, the control did not see: it counts as C at most. Other processes make a pass wait, which
    is wall time; of CPU time they take only a little, through the caches that are shared.

    Returns:
        The grade, and the reasons, the gravest first, each with the grade it stands for.
    """
    wall = clock == "wall"
    control = evidence.control if wall else evidence.cpu_control
    spread = evidence.spread if wall else evidence.cpu_spread
    expected = [*_machine(evidence), *(_others(evidence) if wall else _neighbours(evidence))]
    restless = evidence.restless if wall else {}
    own, others = (
        [*_spread(_part(spread, seen)), *_restless(_part(restless, seen), evidence.rounds)]
        for seen in (lambda name: name in evidence.repeated, lambda name: name not in evidence.repeated)
    )
    if control is not None and control.low is not None:
        expected, own = ([("B", words) for _, words in reasons] for reasons in (expected, own))
        others = [(min(grade, "C"), words) for grade, words in others]
    found = [*_control(evidence.controlled, control), *_rounds(evidence.rounds), *expected, *own, *others]
    found.sort(key=lambda reason: reason[0], reverse=True)
    return max((grade for grade, _ in found), default="A"), [f"{grade}: {words}" for grade, words in found]


Reasons = list[tuple[Grade, str]]


def _machine(evidence: Evidence) -> Reasons:
    found: Reasons = []
    facts = evidence.facts
    if evidence.device == "cuda":
        found.append(("B", "the GPU's clocks, and who else uses it, are not read"))
    if facts.virtual:
        found.append(("B", "the machine is virtual: what its other guests do cannot be seen"))
    if facts.governor is None:
        found.append(("B", "the clock's governor cannot be read here"))
    elif facts.governor != "performance":
        found.append(("B", f"the clock's governor is {facts.governor}, not performance"))
    clocks = evidence.clocks_mhz
    if clocks and max(clocks) > (1 + CLOCK) * min(clocks):
        found.append(("B", f"the clock was between {min(clocks):.0f} and {max(clocks):.0f} MHz"))
    if evidence.throttle_events:
        found.append(("C", f"the processor was too hot {evidence.throttle_events} times and slowed down"))
    return found


def _others(evidence: Evidence) -> Reasons:
    """What makes a pass wait."""
    found: Reasons = []
    facts = evidence.facts
    if facts.quota is not None and facts.quota < evidence.threads:
        found.append(("C", f"a quota of {facts.quota:g} cores stops it in the middle of its passes"))
    cores = facts.cores
    if evidence.device == "cpu" and evidence.threads >= cores:
        found.append(("B", f"it computed on all cores ({cores}), none was left for the system"))
    load = evidence.load_before
    if load is not None and load > LOAD[0] * cores:
        words = f"before it, {load:.1f} processes wanted to run, on {cores} cores"
        found.append(("C" if load > LOAD[1] * cores else "B", words))
    foreign = evidence.foreign_cpu
    if not foreign:
        found.append(("B", "what other processes did cannot be read here"))
        return found
    mean, told = sum(foreign) / len(foreign), _told(foreign)
    if mean > cores - evidence.threads + FOREIGN[0]:
        found.append(("D", f"{told}, and left fewer than it computed on"))
    elif mean > FOREIGN[0]:
        found.append(("C" if mean > FOREIGN[1] else "B", told))
    return found


def _neighbours(evidence: Evidence) -> Reasons:
    """What makes a pass need more CPU time: others do not make it wait, but they share its caches."""
    foreign = evidence.foreign_cpu
    if foreign and sum(foreign) / len(foreign) > FOREIGN[1]:
        return [("B", f"{_told(foreign)}, through the same caches and memory")]
    return []


def _told(foreign: Sequence[float]) -> str:
    return f"other processes took {sum(foreign) / len(foreign):.2f} cores on average, at most {max(foreign):.2f}"


def _rounds(rounds: int) -> Reasons:
    if rounds < INTERVAL_ROUNDS:
        return [("D", f"rounds={rounds} give no interval; {INTERVAL_ROUNDS} do, {ENOUGH_ROUNDS} are better")]
    return [("B", f"rounds={rounds} are few; {ENOUGH_ROUNDS} are better")] if rounds < ENOUGH_ROUNDS else []


def _part(given: Mapping[str, Value], wanted: Callable[[str], bool]) -> dict[str, Value]:
    return {name: value for name, value in given.items() if wanted(name)}


def _restless(counts: Mapping[str, int], rounds: int) -> Reasons:
    return [
        ("C", f"{model} was still changing when its warm-up ended, in {count} of {rounds} rounds")
        for model, count in counts.items()
        if count
    ]


def _spread(spreads: Mapping[str, float]) -> Reasons:
    return [
        (_step(SPREAD, spread), f"{model} differs by {100 * spread:.0f} % between rounds")
        for model, spread in spreads.items()
        if spread > SPREAD[0]
    ]


def _control(controlled: bool, found: Average | None) -> Reasons:
    """By how far from 1 the interval of A/A reaches; a grade worse if 1 is not in it.

    Of sound runs one in twenty leaves 1 out, by the very meaning of a 95 % interval.
    """
    if not controlled:
        return [("B", "no control was measured, so nothing shows by how much equal networks differ here")]
    if found is None or found.low is None or found.high is None:
        return []  # the number of rounds, or what is missing in the result, speaks for itself
    grade = _step(CONTROL, max(found.high, 1 / found.low) - 1)
    words = f"measured twice, the first network is {found.low:.3g} to {found.high:.3g} times as fast as itself"
    if not found.low <= 1 <= found.high:
        grade = GRADES[min(GRADES.index(grade) + 1, len(GRADES) - 1)]
        words += ", which leaves out 1"
    return [(grade, words)] if grade != "A" else []


def _step(limits: Sequence[float], value: float) -> Grade:
    """A up to the first limit, and so on."""
    return GRADES[sum(value > limit for limit in limits)]
