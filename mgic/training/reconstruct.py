"""How well can grouped transfers alone give feature maps back? A linear fit on the moments of the maps.

With x the channels of one pixel and M = P R the product of all operators, the mean squared error
of an element is tr((I - M) C (I - M)^T) / c, where C = mean of x x^T. So c x c numbers stand for all
images, and the fit takes seconds. The operators have no bias: C is not centred.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from mgic.errors import Diverged
from mgic.layers import Transfer2d
from mgic.layers.transfer_operators import TransferOperators

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

TELL_EVERY = 20  # iterations
WINDOW = 200  # iterations over which a converged fit gains next to nothing
TOLERANCE = 1e-5  # of the error; the fit has converged when a window gains less
HISTORY = 20  # steps that L-BFGS remembers


class Moments:
    """Sums of x and x x^T over pixels, in float64, so that maps can be added batch by batch."""

    def __init__(self, channels: int) -> None:
        self.pixels = 0
        self._first = torch.zeros(channels, dtype=torch.float64)
        self._second = torch.zeros(channels, channels, dtype=torch.float64)

    def add(self, maps: Tensor) -> None:
        """Take in (batch, channels, height, width)."""
        x = maps.transpose(0, 1).flatten(1).double()
        self.pixels += x.shape[1]
        self._first += x.sum(1)
        self._second += x @ x.T

    @property
    def second(self) -> Tensor:
        """The mean of x x^T, (channels, channels)."""
        return self._second / self.pixels

    @property
    def variance(self) -> float:
        """Of an element about the mean of its channel, averaged over the channels."""
        mean = self._first / self.pixels
        return float((self.second.diagonal() - mean**2).mean())


@dataclass(frozen=True)
class Fit:
    """How a fit ended. `converged` says that the last `WINDOW` iterations gained less than `TOLERANCE`."""

    mse: float
    iterations: int
    converged: bool
    seconds: float


@dataclass(frozen=True)
class LevelError:
    """What is lost of the finest maps down to one level, and on the way up from it; means over elements.

    The maps of a level and what comes back to it are no pair to compare: a change of basis between
    two R, or between two P, changes either of them but not the whole. These three it does not change.

    Args:
        restriction_mse: Of the finest maps, decoded from this level by the best full matrix: what R has lost.
        prolongation_mse: Of the finest maps, where the best full matrix encodes to this level: what P cannot express.
        pca: The least that any maps of this level's width could leave.
    """

    restriction_mse: float
    prolongation_mse: float
    pca: float


def fit(operators: TransferOperators, second: Tensor, iterations: int, tell: Callable[[int, float], None]) -> Fit:
    """Change R and P until the maps behind `second` come back as well as they can; full-batch L-BFGS.

    Args:
        operators: In float64, drawn from a seed; changed in place.
        second: From `Moments`, not zero.
        iterations: At most so many.
        tell: Called after every `TELL_EVERY` iterations, and after the last, with their number and the error.

    Cost:
        About 6 * channels^3 multiply-accumulates an iteration for each level.

    Raises:
        Diverged: The error is not finite any more.
    """
    from scipy.optimize import minimize

    start = time.perf_counter()
    problem = _Problem(operators.transfers, second.numpy())
    seen = [problem.loss_and_gradient(problem.start)[0]]
    converged = False

    def after(intermediate_result: "OptimizeResult") -> None:
        """Scipy passes its state under this name only."""
        nonlocal converged
        loss = float(intermediate_result.fun)
        seen.append(loss)
        if (len(seen) - 1) % TELL_EVERY == 0:
            tell(len(seen) - 1, loss * problem.scale)
        converged = len(seen) > WINDOW and seen[-1 - WINDOW] - loss <= TOLERANCE * loss
        if converged:
            raise StopIteration

    # Matrices this small are not worth a second thread, and where cores are busy one would wait for the other.
    with threadpool_limits(1):
        ended = minimize(
            problem.loss_and_gradient,
            problem.start,
            jac=True,
            method="L-BFGS-B",
            callback=after,
            options={"maxiter": iterations, "maxfun": 10 * iterations, "maxcor": HISTORY, "ftol": 0, "gtol": 0},
        )
    done = len(seen) - 1
    if not math.isfinite(seen[-1]):
        raise Diverged(f"the error became {seen[-1]} at iteration {done}")
    problem.put(ended.x)
    tell(done, seen[-1] * problem.scale)
    # Fewer iterations than allowed, and yet no gain: the line search finds none in float64.
    return Fit(seen[-1] * problem.scale, done, converged or done < iterations, time.perf_counter() - start)


@torch.no_grad()
def error(operators: TransferOperators, second: Tensor) -> float:
    """The mean squared error of an element that the formula gives, without the maps."""
    return float(_error(product(operators.transfers, len(second)), second)) / len(second)


def pca_bound(second: Tensor, rank: int) -> float:
    """The least error of any linear map of that rank: the smallest eigenvalues, over the number of channels.

    Of the moment that is not centred, as the operators have no bias either.
    """
    left_out = max(0, len(second) - rank)
    return float(torch.linalg.eigvalsh(second)[:left_out].clamp_min(0).sum()) / len(second)


@torch.no_grad()
def level_errors(operators: TransferOperators, second: Tensor) -> list[LevelError]:
    """One row a level, finest first.

    By roots of the moment, not by inverses: those of maps with dead or equal channels are noise.
    """
    rows = []
    transfers = operators.transfers
    root = _root(second)
    for level, here in enumerate(operators.levels):
        down = product(transfers[:level], len(second))
        decoded = (root @ _row_space(down @ root).T).square().sum()
        up = product(transfers[len(transfers) - level :], here.channels)
        expressed = (up @ torch.linalg.pinv(up) * second).sum()
        rows.append(
            LevelError(
                restriction_mse=max(0.0, float(second.trace() - decoded)) / len(second),
                prolongation_mse=max(0.0, float(second.trace() - expressed)) / len(second),
                pca=pca_bound(second, here.channels),
            )
        )
    return rows


def _root(second: Tensor) -> Tensor:
    """S, symmetric, with S S = `second`; eigenvalues that are rounding are 0."""
    values, vectors = torch.linalg.eigh(second)
    values = torch.where(values > len(values) * torch.finfo(values.dtype).eps * values[-1], values, 0.0)
    root: Tensor = (vectors * values.sqrt()) @ vectors.T
    return root


def _row_space(rows: Tensor) -> Tensor:
    """An orthonormal basis of what the rows span, (rank, columns)."""
    _, values, basis = torch.linalg.svd(rows, full_matrices=False)
    found: Tensor = basis[values > max(rows.shape) * torch.finfo(values.dtype).eps * values[0]]
    return found


def matrix(transfer: Transfer2d) -> Tensor:
    """Its weight as a block-diagonal matrix, (channels_out, channels_in)."""
    whole: Tensor = torch.block_diag(*transfer.weight.flatten(1).unflatten(0, (transfer.groups, -1)))  # type: ignore[no-untyped-call]
    return whole


def product(transfers: Sequence[Transfer2d], width: int) -> Tensor:
    """One matrix for transfers that follow each other, the first of which reads `width` channels."""
    start = torch.eye(width, dtype=torch.float64)
    return reduce(lambda done, transfer: matrix(transfer) @ done, transfers, start)


class _Problem:
    """The loss tr((I - M) C (I - M)^T) / tr(C) of the weights of all transfers as one vector, and its gradient.

    By hand, in numpy: automatic differentiation takes ten times as long for matrices this small.

    Args:
        transfers: In the order in which they are applied.
        second: C, (channels, channels), float64.
    """

    def __init__(self, transfers: Sequence[Transfer2d], second: np.ndarray) -> None:
        self._transfers = transfers
        self._blocks = [_blocks(one) for one in transfers]
        self._cuts = np.cumsum([blocks.sum() for blocks in self._blocks])[:-1]
        self._trace = float(np.trace(second))
        self._second = second / self._trace
        self._one = np.eye(len(second))
        self.scale = self._trace / len(second)  # from the loss to the mean squared error of an element
        self.start = np.concatenate([one.weight.detach().numpy().ravel() for one in transfers])

    def loss_and_gradient(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        matrices = self._matrices(weights)
        done = [self._one]
        for one in matrices:
            done.append(one @ done[-1])
        rest = self._one - done[-1]
        weighted = rest @ self._second
        back = -2 * weighted
        gradients = []
        for one, blocks, before in zip(matrices[::-1], self._blocks[::-1], done[-2::-1], strict=True):
            gradients.append((back @ before.T)[blocks])
            back = one.T @ back
        return float((weighted * rest).sum()), np.concatenate(gradients[::-1])

    def put(self, weights: np.ndarray) -> None:
        """Into the transfers."""
        with torch.no_grad():
            for one, values in zip(self._transfers, np.split(weights, self._cuts), strict=True):
                one.weight.copy_(torch.from_numpy(values).view_as(one.weight))

    def _matrices(self, weights: np.ndarray) -> list[np.ndarray]:
        matrices = []
        for blocks, values in zip(self._blocks, np.split(weights, self._cuts), strict=True):
            matrices.append(np.zeros(blocks.shape))
            matrices[-1][blocks] = values
        return matrices


def _blocks(transfer: Transfer2d) -> np.ndarray:
    """Where its matrix may differ from zero; row by row, as the weight lies in memory."""
    rows, columns = transfer.out_channels, transfer.in_channels
    row_group = np.arange(rows) // (rows // transfer.groups)
    column_group = np.arange(columns) // (columns // transfer.groups)
    blocks: np.ndarray = row_group[:, None] == column_group[None, :]
    return blocks


def _error(whole: Tensor, second: Tensor) -> Tensor:
    """Summed over the channels, so c times the mean squared error of an element."""
    rest = torch.eye(len(second), dtype=second.dtype) - whole
    return (rest @ second * rest).sum()
