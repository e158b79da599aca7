"""A result over two fields: what either does, whether they act on each other, and which cells tie with the best.

A grid is measured once a seed and cell. All comparisons are of runs with the same seed, so that what a seed does to
all cells alike cancels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mgic.statistics.comparison import LEVEL, Difference, Seed, gaps, holm, paired, pooled
from mgic.statistics.distributions import fisher_above

Cell = tuple[int, int]  # row and column
Grid = Mapping[Cell, Mapping[Any, float]]  # of each cell that has one, the value of each seed


@dataclass(frozen=True)
class Rival:
    """How a cell stands to the best one: `difference` is None where they share no seed."""

    difference: Difference | None
    p: float | None  # Holm's, over all rivals
    tied: bool


@dataclass(frozen=True)
class Interaction:
    """An F test of whether the effect of one field depends on the other.

    `p` is None, with the reason in `why`, where there is nothing to test by.
    """

    f: float | None
    degrees: tuple[int, int]
    p: float | None
    why: str = ""


def turned(grid: Grid) -> Grid:
    """Rows as columns."""
    return {(column, row): of for (row, column), of in grid.items()}


def rivals(grid: Grid, best: Cell) -> dict[Cell, Rival]:
    """Which cells cannot be told from the best one: t-tests on runs of the same seed, with Holm's correction.

    A cell without a common seed, or with too few for a test, is tied as well: nothing says that it is worse.
    """
    found = {
        cell: paired(of, grid[best]) if gaps(of, grid[best]) else None for cell, of in grid.items() if cell != best
    }
    told = {cell: one.p for cell, one in found.items() if one is not None and one.p is not None}
    adjusted = holm({cell: p for cell, p in told.items() if p is not None})
    return {cell: Rival(one, adjusted.get(cell), not adjusted.get(cell, 1.0) < LEVEL) for cell, one in found.items()}


def effect(grid: Grid, base: int, level: int) -> Difference | None:
    """What a change of columns does, over all rows that have both with a common seed; None where none has.

    Rows weigh the same, however many seeds they have, so that a grid with holes compares like with like: a row that
    lacks one of the two columns says nothing of them.
    """
    parts = pairs(grid, base, level)
    return pooled([list(part.values()) for part in parts.values()]) if parts else None


def pairs(grid: Grid, base: int, level: int) -> dict[int, dict[Seed, float]]:
    """By row, the difference of each seed that both columns have; rows without one are left out."""
    rows = sorted({row for row, _ in grid})
    found = {row: gaps(grid.get((row, base), {}), grid.get((row, level), {})) for row in rows}
    return {row: part for row, part in found.items() if part}


def interaction(grid: Grid) -> Interaction:
    """Two-way analysis of variance with the seed as a block: cells each with a mean of its own, against rows + columns.

    By least squares, so that holes and unequal numbers of seeds are allowed: the two models are nested, and F is what
    the smaller one leaves more, per parameter, over what the larger one leaves. Assumed are normal deviations
    with one variance in all cells, and that a seed moves all cells alike.
    """
    runs = [(cell, seed) for cell in sorted(grid) for seed in grid[cell]]
    values = np.array([grid[cell][seed] for cell, seed in runs], dtype=np.float64)
    number = {seed: place for place, seed in enumerate(dict.fromkeys(seed for _, seed in runs))}
    rows, columns = np.array([cell for cell, _ in runs]).T
    seeds = np.array([number[seed] for _, seed in runs])
    cells = rows * (int(columns.max()) + 1) + columns
    less, rank_less = _left(values, (rows, columns, seeds))
    more, rank_more = _left(values, (cells, seeds))
    degrees = rank_more - rank_less, len(values) - rank_more
    if degrees[0] == 0:
        return Interaction(None, degrees, None, "no row and column cross in enough cells")
    if degrees[1] == 0:
        return Interaction(None, degrees, None, "one seed a cell leaves nothing to test by")
    scale = float(((values - values.mean()) ** 2).sum())
    if more <= 1e-18 * scale or scale == 0:
        return Interaction(None, degrees, None, "seeds do not spread")
    f = max(0.0, less - more) / degrees[0] / (more / degrees[1])
    return Interaction(f, degrees, fisher_above(*degrees, f))


def _left(values: NDArray[np.float64], factors: Sequence[NDArray[np.int64]]) -> tuple[float, int]:
    """The sum of squares that a sum of factors leaves, and how many parameters it has."""
    columns = [factor[:, None] == np.unique(factor) for factor in factors]
    design = np.column_stack(columns).astype(np.float64)
    solution, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    return float(((values - design @ solution) ** 2).sum()), int(rank)
