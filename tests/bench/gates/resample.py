"""Many gates of the blocks of a few: whole blocks are drawn, with what their four samples have in common."""

import math
from pathlib import Path

import numpy as np

from mgic.gate.effects import blocks
from tests.bench.gates.play import LIMIT_PERCENT, Block, Ended, played, rate, shares, table
from tests.bench.gates.record import PLAN, Kept, read
from tests.bench.gates.repository import MODEL

GATES = 1_000
LEAST = 200  # blocks, of all branches together


def pool(kept: list[Kept]) -> list[Block]:
    """All blocks of some gates, of the metric that their branch changes."""
    found = [block for one in kept for block in blocks(one.comparison.samples, MODEL, one.metric)]
    return [Block(block.effect, block.difference) for block in found]


def held(kept: list[Kept]) -> list[int]:
    """How many blocks the budget of each gate would have held, had it not been settled before."""
    known = [one.comparison.conditions for one in kept]
    return [max(of.blocks, round(of.blocks * of.budget_s / of.elapsed_s)) for of in known if of is not None]


def drawn(kept: list[Kept], gates: int, seed: int) -> list[Ended]:
    """So many gates, each of as many blocks as one of those that were made would have held."""
    rng, from_all, sizes = np.random.default_rng(seed), pool(kept), held(kept)
    limit = math.log1p(LIMIT_PERCENT / 100)
    return [
        played([from_all[place] for place in rng.integers(0, len(from_all), rng.choice(sizes))], limit)
        for _ in range(gates)
    ]


def page(folder: Path) -> str:
    """The rates, as Markdown."""
    kept = read(folder)
    by_branch = {branch: [one for one in kept if one.branch == branch] for branch in PLAN}
    rows, total = [], 0
    for seed, (branch, own) in enumerate(by_branch.items()):
        there = pool(own)
        total += len(there)
        if there:
            ended = drawn(own, GATES, seed)
            told = [rate(count, GATES) for count in shares(ended).values()]
            rows.append([branch, str(len(there)), *told, f"{np.mean([one.blocks for one in ended]):.1f}"])
    enough = "" if total >= LEAST else f" These are fewer than {LEAST}: the rates are provisional."
    heads = ["branch", "blocks drawn from", "pass", "regression", "inconclusive", "blocks a gate"]
    return f"{GATES:,} gates a branch, drawn from {total} recorded blocks.{enough}\n\n{table(heads, rows)}\n"
