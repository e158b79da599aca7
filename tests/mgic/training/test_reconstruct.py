"""The fit against what linear algebra says it must reach, and its formula against a pass over real maps."""

import math

import numpy as np
import pytest
import torch

from mgic.errors import Diverged
from mgic.layers.transfer_operators import TransferOperators
from mgic.training import seeded
from mgic.training.reconstruct import TELL_EVERY, Moments, error, fit, level_errors, matrix, pca_bound, product


def moment(channels: int, seed: int = 0, decay: float = 0.7) -> torch.Tensor:
    """A second moment with falling eigenvalues in a basis that no group knows."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(channels, channels)))
    return torch.from_numpy(basis @ np.diag(decay ** np.arange(channels)) @ basis.T)


def drawn(channels: int, group_size: int, coarsest_size: int, seed: int = 0) -> TransferOperators:
    with seeded(seed, "weights"):
        return TransferOperators(channels, group_size, coarsest_size).double()


def fitted(channels: int, group_size: int, coarsest_size: int, second: torch.Tensor, seed: int = 0):
    operators = drawn(channels, group_size, coarsest_size, seed)
    return operators, fit(operators, second, 10_000, lambda *_: None)


def test_moments_are_those_of_all_pixels_whatever_the_batches():
    maps = torch.randn(5, 3, 4, 6) + 2
    moments = Moments(3)
    moments.add(maps[:2])
    moments.add(maps[2:])
    x = maps.permute(1, 0, 2, 3).reshape(3, -1).double().numpy()
    np.testing.assert_allclose(moments.second.numpy(), x @ x.T / x.shape[1], rtol=1e-12)
    assert moments.variance == pytest.approx(x.var(axis=1).mean(), rel=1e-9)


def test_the_formula_is_the_error_of_a_pass_over_the_maps():
    torch.manual_seed(0)
    maps = torch.randn(2, 16, 9, 7).double() @ torch.randn(7, 7).double() + 0.5
    moments = Moments(16)
    moments.add(maps)
    operators = drawn(16, 4, 4)
    passed = ((operators(maps) - maps) ** 2).mean().item()
    assert error(operators, moments.second) == pytest.approx(passed, rel=1e-12)
    fit(operators, moments.second, 300, lambda *_: None)
    passed = ((operators(maps) - maps) ** 2).mean().item()
    assert error(operators, moments.second) == pytest.approx(passed, rel=1e-9)


def test_one_full_group_reaches_the_bound_of_principal_components():
    second = moment(16)
    bound = sum(0.7**i for i in range(4, 16)) / 16
    assert pca_bound(second, 4) == pytest.approx(bound, rel=1e-9)
    _, ended = fitted(16, 16, 4, second)
    assert ended.converged
    assert bound <= ended.mse < 1.001 * bound


def test_groups_that_match_the_maps_lose_nothing_that_the_bound_keeps():
    """Two independent halves, each of rank 2: groups of four see all there is."""
    half = moment(4, decay=0.5)
    vectors = torch.linalg.eigh(half).eigenvectors[:, 2:]
    low_rank = vectors @ vectors.T
    _, ended = fitted(8, 4, 4, torch.block_diag(low_rank, low_rank))
    assert ended.mse < 1e-6


def test_smaller_groups_leave_more():
    second = moment(32, decay=0.8)
    left = [fitted(32, size, 8, second)[1].mse for size in (32, 16, 8, 4, 2)]
    bound = pca_bound(second, 8)
    assert left[0] == pytest.approx(bound, rel=1e-3)
    assert left[1] > bound * (1 - 1e-9)
    assert left == sorted(left)
    assert left[4] > 1.5 * left[2]


@pytest.mark.parametrize("group_size", [16, 4])
def test_another_start_ends_at_the_same_error(group_size):
    second = moment(16)
    ends = [fitted(16, group_size, 4, second, seed)[1].mse for seed in range(3)]
    assert max(ends) < 1.01 * min(ends)


def test_the_start_is_the_rows_of_the_paper_and_a_seed_gives_them_again():
    first, again, other = drawn(16, 4, 4), drawn(16, 4, 4), drawn(16, 4, 4, seed=1)
    assert first.transfers[0].weight.equal(again.transfers[0].weight)
    assert not first.transfers[0].weight.equal(other.transfers[0].weight)
    for one in first.transfers:
        assert one.weight.min() > 0
        assert one.weight.sum(dim=(1, 2, 3)).allclose(torch.ones(1, dtype=torch.float64), atol=1e-6)


def test_the_gradient_is_that_of_the_error():
    """Against a difference: one step down the fit lowers the error as far as its slope says."""
    second, step = moment(8), 1e-6
    operators = drawn(8, 4, 4)
    loss = torch.trace(
        (torch.eye(8) - product(operators.transfers, 8)) @ second @ (torch.eye(8) - product(operators.transfers, 8)).T
    )
    loss.backward()
    slope = sum(float((one.weight.grad**2).sum()) for one in operators.transfers) / 8
    before = error(operators, second)
    with torch.no_grad():
        for one in operators.transfers:
            one.weight -= step * one.weight.grad
    assert (before - error(operators, second)) / step == pytest.approx(slope, rel=1e-3)
    told = []
    fit(operators, second, 40, lambda iteration, mse: told.append((iteration, mse)))
    assert [iteration for iteration, _ in told] == [TELL_EVERY, 2 * TELL_EVERY, 2 * TELL_EVERY]
    assert told[-1][1] <= told[0][1] < before


def test_a_fit_that_may_not_go_on_says_so():
    operators = drawn(32, 16, 8)
    ended = fit(operators, moment(32, decay=0.8), 30, lambda *_: None)
    assert (ended.iterations, ended.converged) == (30, False)
    assert ended.mse == pytest.approx(error(operators, moment(32, decay=0.8)), rel=1e-9)


def test_maps_that_are_no_numbers_end_as_diverged():
    second = moment(8)
    second[0, 0] = math.nan
    with pytest.raises(Diverged):
        fit(drawn(8, 4, 4), second, 100, lambda *_: None)


def test_a_grouped_weight_is_a_block_diagonal_matrix():
    transfer = drawn(8, 4, 4).transfers[0]
    whole = matrix(transfer)
    assert whole.shape == (4, 8)
    assert not whole[:2, 4:].any()
    assert not whole[2:, :4].any()
    x = torch.randn(1, 8, 1, 1, dtype=torch.float64)
    assert (whole @ x.flatten()).allclose(transfer(x).flatten())


def test_levels_say_where_the_error_comes_from():
    second = moment(16)
    operators, ended = fitted(16, 4, 4, second)
    rows = level_errors(operators, second)
    assert [rows[0].restriction_mse, rows[0].prolongation_mse] == pytest.approx([0, 0], abs=1e-9)
    for row, width in zip(rows, (16, 8, 4), strict=True):
        assert row.pca == pytest.approx(pca_bound(second, width))
        assert row.restriction_mse >= row.pca - 1e-9
        assert row.prolongation_mse >= row.pca - 1e-9
    assert max(rows[-1].restriction_mse, rows[-1].prolongation_mse) <= ended.mse + 1e-9


def test_what_a_level_loses_is_that_of_least_squares():
    """Regress the maps on what R makes of them, with numpy's own solver."""
    torch.manual_seed(0)
    x = torch.randn(8, 500, dtype=torch.float64) * torch.arange(1, 9)[:, None]
    operators = drawn(8, 4, 4)
    second = x @ x.T / 500
    y = (matrix(operators.transfers[0]) @ x).detach().numpy()
    residual = np.linalg.lstsq(y.T, x.T.numpy(), rcond=None)[1].sum() / 8 / 500
    assert level_errors(operators, second)[1].restriction_mse == pytest.approx(residual, rel=1e-9)
    up = matrix(operators.transfers[-1]).detach().numpy()
    residual = np.linalg.lstsq(up, x.numpy(), rcond=None)[1].sum() / 8 / 500
    assert level_errors(operators, second)[1].prolongation_mse == pytest.approx(residual, rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_lost_at_the_finest_level_of_maps_with_dead_and_nearly_equal_channels(seed):
    """The moment of a trained network's first maps: eigenvalues from 160 down to rounding. It has no inverse; by one,
    a part of the maps seemed to be lost before anything was restricted, more than at the level below.
    """
    values = torch.logspace(-17, 2.2, 32, dtype=torch.float64)
    torch.manual_seed(seed)
    vectors, _ = torch.linalg.qr(torch.randn(32, 32, dtype=torch.float64))
    rows = level_errors(drawn(32, 16, 8), (vectors * values) @ vectors.T)
    assert rows[0].restriction_mse == pytest.approx(0, abs=1e-12)
    losses = [row.restriction_mse for row in rows]
    assert losses == sorted(losses), "what a level lost, the next one does not have"
    assert all(row.restriction_mse >= row.pca - 1e-12 for row in rows)
