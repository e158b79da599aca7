"""How far can a latency be trusted, given the machine it was measured on?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mgic.measure.host import Facts

Grade = Literal["A", "B", "C", "D"]

ENOUGH_ROUNDS = 5
INTERVAL_ROUNDS = 3
FOREIGN = (0.1, 0.5)  # cores; from the first on B, from the second on C
LOAD = (0.5, 1.0)  # a core
SPREAD = (0.05, 0.15, 0.3)  # between rounds, (largest - smallest) / median: B, C, D
CLOCK = 0.05  # the same of the clock


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
        spread: By model, (largest - smallest) / median of the rounds' medians.
        restless: By model, rounds whose warm-up did not become stationary.
    """

    facts: Facts
    device: str
    threads: int
    rounds: int
    load_before: float | None
    foreign_cpu: Sequence[float]
    clocks_mhz: Sequence[float]
    throttle_events: int | None
    spread: Mapping[str, float]
    restless: Mapping[str, int]


def judge(evidence: Evidence) -> tuple[Grade, list[str]]:
    """The grade is that of the gravest reason; without any it is A.

    A: nothing speaks against it. B: good for comparing the models of this run. C: for large differences only.
    D: the numbers say little. The thresholds are the constants above; they are this project's choice.

    Returns:
        The grade, and the reasons, the gravest first, each with the grade it stands for.
    """
    found = [*_machine(evidence), *_others(evidence), *_rounds(evidence)]
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
    if evidence.device == "cpu" and evidence.threads >= facts.cores:
        found.append(("B", f"it computed on all cores ({facts.cores}), none was left for the system"))
    return found


def _others(evidence: Evidence) -> Reasons:
    found: Reasons = []
    cores = evidence.facts.cores
    load = evidence.load_before
    if load is not None and load > LOAD[0] * cores:
        words = f"before it, {load:.1f} processes wanted to run, on {cores} cores"
        found.append(("C" if load > LOAD[1] * cores else "B", words))
    foreign = evidence.foreign_cpu
    if not foreign:
        found.append(("B", "what other processes did cannot be read here"))
        return found
    mean, most = sum(foreign) / len(foreign), max(foreign)
    told = f"other processes took {mean:.2f} cores on average, at most {most:.2f}"
    if mean > cores - evidence.threads + FOREIGN[0]:
        found.append(("D", f"{told}, and left fewer than it computed on"))
    elif mean > FOREIGN[0]:
        found.append(("C" if mean > FOREIGN[1] else "B", told))
    return found


def _rounds(evidence: Evidence) -> Reasons:
    found: Reasons = []
    rounds = evidence.rounds
    if rounds < INTERVAL_ROUNDS:
        found.append(("D", f"rounds={rounds} give no interval; {INTERVAL_ROUNDS} do, {ENOUGH_ROUNDS} are better"))
    elif rounds < ENOUGH_ROUNDS:
        found.append(("B", f"rounds={rounds} are few; {ENOUGH_ROUNDS} are better"))
    for model, count in evidence.restless.items():
        if count:
            found.append(("C", f"{model} was still changing when its warm-up ended, in {count} of {rounds} rounds"))
    for model, spread in evidence.spread.items():
        over = sum(spread > limit for limit in SPREAD)
        if over:
            grades: tuple[Grade, ...] = ("B", "C", "D")
            found.append((grades[over - 1], f"{model} differs by {100 * spread:.0f} % between rounds"))
    return found
