"""Is one version of the code slower than the other by more than it may be? Asked again after every block.

A block measures the base, the base once more and the head. Its effect is the log-ratio of head to base, its control
that of base to base. Blocks are taken to be independent, and their effects symmetric about the true one, each with a
spread of its own: by signed ranks the chances below are exact then, for any distribution.

To look after every block and stop at what one likes errs more often than to look once. So each look has a level of
its own, and that an end of the interval is ever wrong has a probability of at most 5 % over all looks together,
of which `1 - (4 / n) ** 1.5` is spent up to n blocks (alpha spending: Lan and DeMets 1983,
https://doi.org/10.1093/biomet/70.3.659); at each look by itself it is an interval of 95 % or more.
A second, independent measurement may err in 15 %, so that same code is called a regression in at most 0.75 %.
`python -m tests.bench gates levels` makes the tables; docs/statistics.md has how often the whole is wrong.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from mgic.statistics.signed_rank import Centre, centre, chance, left_out, signed_rank

Outcome = Literal["pass", "suspect", "regression", "inconclusive", "go on"]

SPENT = 0.05  # at either end of the interval, over all looks at the first measurement
SPENT_CONFIRMING = 0.15  # the same of the second
EXACT = 1e-12  # log-ratios as close as that are equal

# How many means of pairs of blocks are left out at either end, at the looks there are.
LEFT_OUT: Mapping[int, int] = MappingProxyType(
    {6: 0, 7: 1, 8: 3, 9: 4, 10: 6, 11: 8, 12: 10, 13: 12, 14: 15, 15: 18, 16: 21}
    | {18: 29, 20: 38, 24: 60, 28: 86, 32: 118, 40: 202}
)
LEFT_OUT_CONFIRMING: Mapping[int, int] = MappingProxyType(
    {4: 0, 5: 2, 6: 2, 7: 4, 8: 5, 9: 7, 10: 9, 11: 11, 12: 13, 13: 15, 14: 18, 15: 21, 16: 25}
    | {18: 32, 20: 41, 24: 65, 28: 92, 32: 123, 40: 209}
)
LEAST_BLOCKS = min(LEFT_OUT)
LEAST_CONFIRMING = min(LEFT_OUT_CONFIRMING)
MOST_BLOCKS = max(LEFT_OUT)  # of either measurement


@dataclass(frozen=True)
class Decision:
    """What the blocks so far say of one metric. Log-ratios, above 0 where the head is worse; None without blocks.

    Args:
        outcome: `suspect` is a regression that a second measurement has to confirm; `go on`: measure another block.
        n: Blocks.
        estimate: Hodges and Lehmann's, of the effect.
        low, high: The interval that decided, which holds at every look.
        confidence: Of that interval, had this been the only look: 95 % or more; of a second measurement 81 % or more.
        control_low, control_high: The same of the control.
        why: The reason, for a user; per cent.
    """

    outcome: Outcome
    n: int
    estimate: float | None
    low: float | None
    high: float | None
    confidence: float | None
    control_low: float | None
    control_high: float | None
    why: str


def decide(effects: Sequence[float], controls: Sequence[float], limit: float, last: bool) -> Decision:
    """Judge the first measurement of one metric.

    `pass` if the upper end is at or below the limit, `suspect` if the lower end is above 0 and the estimate above the
    limit; neither while the base would be suspected itself, by its control, in either direction. With a limit of 0,
    noise lets pass only what is faster for certain.

    Args:
        effects: One a block.
        controls: As many.
        limit: The rise that is allowed, from 0 on.
        last: Whether an answer is due, for there will be no further block. There is none beyond 40.

    Raises:
        ValueError: Not as many controls as effects, more than 40, one that is no finite number, or a limit below 0.
    """
    _check(effects, controls, limit)
    seen = _seen(effects, controls, LEFT_OUT)
    if seen is None:
        return _too_few(effects, controls, last, LEAST_BLOCKS)
    found, base = seen
    said = f"{_range(found)} worse, where {_percent(limit)} % is allowed"
    if _steady(base, limit) and (last or found.n in LEFT_OUT):
        if found.high <= limit + EXACT:
            worst = f"at most {_percent(found.high)} % worse" if found.high > 0 else "not worse"
            return _decision("pass", found, base, f"{worst}, where {_percent(limit)} % is allowed")
        if _worse(found, limit):
            return _decision("suspect", found, base, said)
    if not (last or found.n >= MOST_BLOCKS):
        return _decision("go on", found, base, said)
    return _decision("inconclusive", found, base, f"{said}: {_unsettled(found, base, effects, limit)}")


def confirm(effects: Sequence[float], controls: Sequence[float], limit: float, last: bool) -> Decision:
    """Judge a second measurement, of blocks of its own, after a first one found a `suspect`.

    It never ends in `pass`: `regression` if the lower end is above 0 and the estimate above the limit, `inconclusive`
    if the upper end is at or below the limit, since the two measurements then contradict each other, or if
    neither is so at the last block. Arguments and errors are those of `decide`. What all blocks of both say together
    is `signed_rank` of them.
    """
    _check(effects, controls, limit)
    seen = _seen(effects, controls, LEFT_OUT_CONFIRMING)
    if seen is None:
        return _too_few(effects, controls, last, LEAST_CONFIRMING)
    found, base = seen
    said = f"{_range(found)} worse in a second measurement, where {_percent(limit)} % is allowed"
    if _steady(base, limit) and (last or found.n in LEFT_OUT_CONFIRMING):
        if _worse(found, limit):
            return _decision("regression", found, base, said)
        if found.high <= limit + EXACT:
            return _decision("inconclusive", found, base, f"{said}: the first measurement found more than that")
    if not (last or found.n >= MOST_BLOCKS):
        return _decision("go on", found, base, said)
    return _decision("inconclusive", found, base, f"{said}: {_unsettled(found, base, effects, limit)}")


def _check(effects: Sequence[float], controls: Sequence[float], limit: float) -> None:
    if len(effects) != len(controls):
        raise ValueError(f"{len(effects)} effects and {len(controls)} controls: one of each a block is wanted")
    if len(effects) > MOST_BLOCKS:
        raise ValueError(f"{len(effects)} blocks: {MOST_BLOCKS} at most")
    if not all(map(math.isfinite, (*effects, *controls))):
        raise ValueError("effects and controls must be finite numbers")
    if not 0 <= limit < math.inf:
        raise ValueError(f"a limit of {limit}: it must be a finite number, and not below 0")


def _seen(
    effects: Sequence[float], controls: Sequence[float], looks: Mapping[int, int]
) -> tuple[Centre, Centre] | None:
    """The effect, by the interval of this look or, between looks, of the next one; the control. None: too few blocks.

    Between two looks there is one answer at most, the last one, and so it has the level of the look that it replaces.
    """
    n = len(effects)
    if n < min(looks):
        return None
    upcoming = min(look for look in looks if look >= n)
    leave_out = looks[n] if upcoming == n else left_out(n, chance(upcoming, looks[upcoming])) or 0
    return centre(effects, leave_out), centre(controls, leave_out)


def _worse(found: Centre, limit: float) -> bool:
    return found.low > EXACT and found.estimate > limit + EXACT


def _steady(base: Centre, limit: float) -> bool:
    """Not if the head would be suspected for what the base differs from itself by, either way."""
    return not (_worse(base, limit) or (base.high < -EXACT and base.estimate < -limit - EXACT))


def _decision(outcome: Outcome, found: Centre, base: Centre, why: str) -> Decision:
    return Decision(
        outcome,
        found.n,
        found.estimate,
        found.low,
        found.high,
        found.confidence,
        base.low,
        base.high,
        why,
    )


def _too_few(effects: Sequence[float], controls: Sequence[float], last: bool, least: int) -> Decision:
    outcome: Outcome = "inconclusive" if last else "go on"
    blocks = f"{len(effects)} blocks were" if len(effects) > 1 else f"{len(effects) or 'no'} block was"
    why = f"{blocks} measured, and {least} are needed at least"
    if not effects:
        return Decision(outcome, 0, None, None, None, None, None, None, why)
    return _decision(outcome, signed_rank(effects), signed_rank(controls), why)


def _unsettled(found: Centre, base: Centre, effects: Sequence[float], limit: float) -> str:
    """Why, what could have been seen, and what it takes."""
    if not _steady(base, limit):
        itself = f"{_percent(base.estimate)} % ({_percent(base.low)} to {_percent(base.high)})"
        return f"the base differs from itself by {itself}, so that nothing can be said of the head"
    reason = "it may be more than that" if found.estimate <= limit else "it may be noise"
    visible = _percent(smallest_seen(found, effects, limit))
    seen = f"about {visible} % would have been seen in 4 of 5 tries"
    return f"{reason}; {seen}, and {_remedy(found, limit)}"


def smallest_seen(found: Centre, effects: Sequence[float], limit: float) -> float:
    """The effect whose estimate and lower end are where they must be for a suspicion in about 4 of 5 tries."""
    error = float(np.std(effects, ddof=1)) / math.sqrt(found.n)
    return max(limit, (found.high - found.low) / 2) + 0.84 * error  # 0.84: the normal quantile of 4 in 5


def blocks_needed(found: Centre, limit: float) -> int | None:
    """How many would settle it if the estimate stays, since an interval narrows with the root; None: more than 40."""
    gap, reach = (
        (limit - found.estimate, found.high - found.estimate)
        if found.estimate <= limit
        else (found.estimate, found.estimate - found.low)
    )
    if gap <= 0 or reach > MOST_BLOCKS * gap or found.n * (reach / gap) ** 2 > MOST_BLOCKS:
        return None  # the middle one alone keeps the square of a huge ratio from being taken
    return max(found.n + 1, math.ceil(found.n * (reach / gap) ** 2))


def _remedy(found: Centre, limit: float) -> str:
    needed = blocks_needed(found, limit)
    if needed is None:
        return f"more than {MOST_BLOCKS} blocks would be needed with this spread"
    return f"about {needed} blocks with this spread would settle it ({found.n} were measured)"


def _range(found: Centre) -> str:
    return f"{_percent(found.estimate)} % ({_percent(found.low)} to {_percent(found.high)})"


def _percent(log_ratio: float) -> str:
    return f"{100 * math.expm1(log_ratio) + 0.0:.3g}"
