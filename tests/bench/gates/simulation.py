"""How often is a gate wrong where the truth is known because it was chosen? Docs: `How often it is wrong`.

The logarithm of each sample of a block - base, base once more, and twice the head - is its true value and noise of its
own, so much that the effect has the spread of the row. Three shapes:

- normal: as the textbook has it.
- disturbed: a sample in ten is slowed besides, by an exponential time of three times the spread on average.
- drifting: neighbouring blocks correlate by 0.5, which breaks the rule's assumption that they are independent.
"""

import math
from collections.abc import Mapping
from itertools import product

import numpy as np

from tests.bench.gates.play import LIMIT_PERCENT, VERDICTS, Block, Ended, played, rate, shares, table

SHAPES = ("normal", "disturbed", "drifting")
SPREADS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1)  # of a block's effect
RISES = (0, 3, 5, 10)  # per cent
MOST = 14  # blocks in a budget of two minutes
TRIALS = 1_000
FALSE_TRIALS = 5_000  # of the same code
DISTURBED, SLOWED_BY = 0.1, 3.0
CORRELATION = 0.5

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def noise(rng: np.random.Generator, shape: str, spread: float, gates: int, most: int) -> Floats:
    """Of base, base once more, head and head: (gates, blocks, 4). An effect spreads as a sample does."""
    size = (gates, most, 4)
    found = spread * rng.standard_normal(size)
    if shape == "disturbed":
        found += (rng.random(size) < DISTURBED) * rng.exponential(SLOWED_BY * spread, size)
    if shape == "drifting":
        for block in range(1, most):
            found[:, block] *= math.sqrt(1 - CORRELATION**2)
            found[:, block] += CORRELATION * found[:, block - 1]
    return found


def gates(shape: str, spread: float, rise: float, trials: int, most: int = MOST) -> list[Ended]:
    """So many gates of a head that is worse by so many per cent."""
    rng = np.random.default_rng((SHAPES.index(shape), round(1000 * spread), round(10 * rise), most))
    limit, true = math.log1p(LIMIT_PERCENT / 100), math.log1p(rise / 100)
    ended = []
    for samples in noise(rng, shape, spread, trials, most):
        base, control, *head = samples.T
        effects = sum(head) / 2 + true - (base + control) / 2
        ended.append(played([*map(Block, effects.tolist(), (control - base).tolist())], limit))
    return ended


def page(trials: int = TRIALS, false_trials: int = FALSE_TRIALS) -> str:
    """The tables, as Markdown."""
    found = {
        (shape, spread, rise): gates(shape, spread, rise, trials if rise else false_trials)
        for shape, spread, rise in product(SHAPES, SPREADS, RISES)
    }
    return "\n\n".join([_verdicts(found, trials), _false_alarms(found)]) + "\n"


Found = Mapping[tuple[str, float, int], list[Ended]]


def _verdicts(found: Found, trials: int) -> str:
    rows = [
        [f"{shape}, {spread:g}", *(_cell(found[shape, spread, rise]) for rise in RISES)]
        for shape, spread in product(SHAPES, SPREADS)
    ]
    heads = ["noise, spread of a block", *("same code" if not rise else f"+{rise} %" for rise in RISES)]
    title = f"Per cent {' / '.join(VERDICTS)}, and blocks on average, of {MOST} that the budget holds; limit +5 %"
    error = 100 * 1.96 * math.sqrt(0.25 / trials)
    return f"{title} (n = {trials:,} a cell: each within {error:.1f} points).\n\n{table(heads, rows)}"


def _cell(ended: list[Ended]) -> str:
    of = " / ".join(f"{100 * count / len(ended):.0f}" for count in shares(ended).values())
    return f"{of}, {np.mean([one.blocks for one in ended]):.1f}"


def _false_alarms(found: Found) -> str:
    rows = []
    for shape, spread in product(SHAPES, SPREADS):
        same = found[shape, spread, 0]
        accused, suspected = shares(same)["regression"], sum(one.suspected for one in same)
        at_limit = found[shape, spread, LIMIT_PERCENT]
        rows.append(
            [
                f"{shape}, {spread:g}",
                rate(suspected, len(same)),
                rate(accused, len(same)),
                rate(shares(at_limit)["pass"], len(at_limit)),
            ]
        )
    heads = ["noise, spread of a block", "same code suspected", "and called a regression", "+5 %, the limit, passed"]
    return f"The same with 95 % intervals (n = {len(same):,} of the same code).\n\n{table(heads, rows)}"
