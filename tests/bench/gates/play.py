"""A gate of one metric over given blocks: what the command does with the blocks that it measures."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from mgic.gate.sequential import Decision, confirm, decide
from mgic.statistics.proportions import binomial_interval

LIMIT_PERCENT = 5  # the default of CPU time and memory
VERDICTS: tuple["Verdict", ...] = ("pass", "regression", "inconclusive")

Verdict = Literal["pass", "regression", "inconclusive"]
Rule = Callable[[Sequence[float], Sequence[float], float, bool], Decision]


class Block(NamedTuple):
    effect: float  # log-ratios
    control: float


@dataclass(frozen=True)
class Ended:
    verdict: Verdict
    blocks: int  # of both measurements
    suspected: bool


def played(blocks: Sequence[Block], limit: float) -> Ended:
    """Both measurements, of as many blocks as are given: those that the budget holds."""
    first, used = _measured(blocks, limit, decide)
    if first.outcome == "pass":
        return Ended("pass", used, False)
    if first.outcome != "suspect":
        return Ended("inconclusive", used, False)
    second, more = _measured(blocks[used:], limit, confirm)
    return Ended("regression" if second.outcome == "regression" else "inconclusive", used + more, True)


def _measured(blocks: Sequence[Block], limit: float, rule: Rule) -> tuple[Decision, int]:
    """Until it ends, and how many blocks that took."""
    found = rule([], [], limit, not blocks)
    for n in range(1, len(blocks) + 1):
        effects, controls = zip(*blocks[:n], strict=True)
        found = rule(effects, controls, limit, n == len(blocks))
        if found.outcome != "go on":
            return found, n
    return found, len(blocks)


def shares(ended: Iterable[Ended]) -> dict[Verdict, int]:
    found = [one.verdict for one in ended]
    return {verdict: found.count(verdict) for verdict in VERDICTS}


def rate(count: int, n: int) -> str:
    """Per cent, with its 95 % interval (Clopper and Pearson)."""
    low, high = binomial_interval(count, n)
    return f"{100 * count / n:.3g} % ({100 * low:.3g} to {100 * high:.3g})"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
