"""Effects, ties and interactions against sums done by hand, and against the closed form of a complete grid."""

import numpy as np
import pytest

from mgic.statistics import effect, interaction, pairs, rivals, turned
from mgic.statistics.distributions import fisher_above
from tests.cases import thorough

# Two rows and two columns, seeds 0 and 1; row 1 has a third seed in column 0, and row 2 only column 1.
HOLES = {
    (0, 0): {0: 1.0, 1: 2.0},
    (0, 1): {0: 2.0, 1: 4.0},
    (1, 0): {0: 5.0, 1: 5.0, 2: 9.0},
    (1, 1): {0: 8.0, 1: 8.0},
    (2, 1): {0: 50.0, 1: 60.0},
}


def drawn(generator, rows: int, columns: int, seeds: int, bend: float = 0.0) -> dict:
    """Normal about row + 2 column + seed, and `bend` more for each row and column."""
    block = generator.normal(0, 3, seeds)
    return {
        (r, c): {s: r + 2 * c + bend * r * c + block[s] + generator.normal() for s in range(seeds)}
        for r in range(rows)
        for c in range(columns)
    }


def test_an_effect_is_of_the_rows_that_have_both_columns_and_of_the_seeds_that_both_have():
    assert pairs(HOLES, 0, 1) == {0: {0: 1.0, 1: 2.0}, 1: {0: 3.0, 1: 3.0}}
    found = effect(HOLES, 0, 1)
    assert (found.n, found.degrees, found.mean) == (4, 2, 2.25)  # 1.5 and 3
    assert found.error == pytest.approx(np.sqrt(0.5 / 2) / 2)  # squares 0.5 of 2 degrees; 1/2 sqrt(1/2 + 1/2)
    assert effect(HOLES, 1, 0).mean == -2.25
    assert effect(turned(HOLES), 0, 1).mean == 4.25  # 4 and 3 in column 0, 6 and 4 in column 1
    assert effect(HOLES, 0, 7) is None


def test_cells_tie_with_the_best_unless_a_paired_test_tells_them_apart():
    best = {seed: 90.0 + seed for seed in range(5)}
    grid = {
        (0, 0): best,
        (0, 1): {seed: value - 0.1 * (-1) ** seed for seed, value in best.items()},
        (1, 0): {seed: value - 5 - 0.1 * seed for seed, value in best.items()},
        (1, 1): {9: 10.0},
        (2, 0): {0: 10.0},
    }
    found = rivals(grid, (0, 0))
    assert {cell: one.tied for cell, one in found.items()} == {
        (0, 1): True,
        (1, 0): False,
        (1, 1): True,  # no common seed
        (2, 0): True,  # one
    }
    assert found[0, 1].difference.mean == pytest.approx(0.02)
    assert found[1, 0].p == pytest.approx(2 * found[1, 0].difference.p)  # of two tests
    assert (found[1, 1].difference, found[2, 0].p) == (None, None)


def test_many_rivals_make_it_harder_to_be_called_worse():
    """A difference with t = 4 of 4 degrees, p = 0.016, is one of one test and none of four."""
    best = dict.fromkeys(range(5), 0.0)
    worse = {s: -4 / np.sqrt(5) + d for s, d in enumerate(np.sqrt([0.4, 1.6, 0.0, 1.6, 0.4]) * [1, -1, 0, 1, -1])}
    assert not rivals({(0, 0): best, (0, 1): worse}, (0, 0))[0, 1].tied
    four = {(0, 0): best} | {(0, column): worse for column in range(1, 5)}
    assert all(one.tied for one in rivals(four, (0, 0)).values())


def test_of_a_complete_grid_f_is_that_of_the_sums_of_squares():
    grid = drawn(np.random.default_rng(5), 3, 4, 5, bend=0.2)
    y = np.array([[[grid[r, c][s] for s in range(5)] for c in range(4)] for r in range(3)])
    cell, row, column, seed = y.mean(2), y.mean((1, 2)), y.mean((0, 2)), y.mean((0, 1))
    between = 5 * ((cell - row[:, None] - column + y.mean()) ** 2).sum()
    within = ((y - cell[:, :, None] - seed + y.mean()) ** 2).sum()
    found = interaction(grid)
    assert found.degrees == (6, 44)  # 2 * 3; 60 - 12 cells - 4 for the seeds
    assert found.f == pytest.approx(between / 6 / (within / 44))


def test_the_share_above_f_is_that_of_a_table():
    assert fisher_above(6, 44, 2.3129) == pytest.approx(0.05, abs=1e-4)  # 2.31 for 6 and 44 in tables
    assert fisher_above(1, 10, 4.9646) == pytest.approx(0.05, abs=1e-4)


def test_what_cannot_be_tested_says_why():
    one_seed = {cell: {0: float(sum(cell))} for cell in ((0, 0), (0, 1), (1, 0), (1, 1))}
    assert interaction(one_seed).why == "one seed a cell leaves nothing to test by"
    assert interaction(one_seed | {(0, 0): {0: 0.0, 1: 0.0}}).p is None
    exact = {cell: {seed: float(sum(cell)) for seed in range(3)} for cell in one_seed}
    assert interaction(exact).why == "seeds do not spread"
    corner = {(0, 0): {0: 1.0, 1: 2.0}, (0, 1): {0: 2.0, 1: 2.5}, (1, 0): {0: 3.0, 1: 1.0}}
    assert interaction(corner).why == "no row and column cross in enough cells"


def test_a_grid_with_holes_and_fewer_seeds_is_tested_by_what_is_there():
    grid = drawn(np.random.default_rng(6), 3, 3, 4)
    del grid[2, 2], grid[0, 1][3], grid[1, 0][0]
    found = interaction(grid)
    assert found.degrees == (3, 30 - 8 - 3)  # eight cells less 3 + 3 - 1; of 30 runs
    assert found.p > 0.01


@pytest.mark.parametrize("bend", [0.0, *thorough(1.5)])
def test_an_interaction_that_is_not_there_is_told_in_five_per_cent_with_holes_too(bend):
    generator, trials = np.random.default_rng(1), 400
    told = 0
    for _ in range(trials):
        grid = drawn(generator, 3, 3, 3, bend)
        del grid[2, 2], grid[0, 0][1]
        told += interaction(grid).p < 0.05
    assert 0.02 < told / trials < 0.085 if bend == 0 else told / trials > 0.5
