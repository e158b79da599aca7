"""Channel pruning by regression: LASSO chooses the channels that the next layer needs, least squares its new weights.

He, Zhang, Sun, "Channel Pruning for Accelerating Very Deep Neural Networks", ICCV 2017, section 3.1,
https://arxiv.org/abs/1707.06168. Of y, what the next layer gives in the whole network, and z_c, what channel c adds to
it in the network pruned so far, beta makes |y - sum beta_c z_c|^2 + lambda sum |beta_c| least, for a lambda that leaves
no more channels than are wanted. Then the next layer's weights are those that give y best, by least squares, from the
channels that stay. Layers are pruned one after the other, so that each makes good for the ones before it.

Left open there, or done otherwise here:
- Weights of one channel have norm 1 while beta is looked for (the paper's constraint); W stays the trained one, and
  beta is found once, where the paper's algorithm may alternate. It says that it does not, for the time this takes.
- Lambda is raised in small steps there; here it is halved and doubled until the number of channels is right, by
  coordinate descent. Should fewer stay than are wanted, those nearest to coming in come in.
- All prunable layers lose the same share; what the paper gives each is in no table.
- Of a residual block the inner channels are pruned and the sum is not: neither its sampler of a block's input channels
  is here, nor the correction of the last layer's target by the error of the shortcut (its section 3.3).
- y is taken without what channels outside the group add; of several next layers the errors are added.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mgic.training.channel_groups import Group, silence
from mgic.training.pruning.reading import Reading, read
from mgic.training.split import Split

Numbers = NDArray[np.float64]

HALVINGS = 40  # of the interval that lambda lies in
SWEEPS = 100  # over all channels for one lambda, at most
CLOSE = 1e-6  # of the largest beta, where a sweep is the last one


def choose(
    model: nn.Module,
    groups: Sequence[Group],
    counts: Sequence[int],
    split: Split,
    batches: Sequence[Tensor],
    generator: torch.Generator,
) -> Iterator[list[tuple[int, int]]]:
    """The channels to remove, a group at a time; the next layers have new weights already; see `thinet.choose`."""
    whole = deepcopy(model)
    for number, (group, count) in enumerate(zip(groups, counts, strict=True)):
        readings = read(model, group, split, batches, generator, whole)
        found = [reading.contributions(group.channels) for reading in readings]
        gram, towards = (torch.stack(one).sum(0) for one in zip(*found, strict=True))
        norm = sum(_squares(reading, group.channels) for reading in readings) ** 0.5
        scale = torch.where(norm > 0, 1 / norm, torch.zeros_like(norm))
        kept = lasso(gram * scale * scale[:, None], towards * scale, group.channels - count)
        gone = [channel for channel in range(group.channels) if channel not in kept]
        silence(model, group, set(gone))
        for reading in readings:
            reading.assign(model.get_submodule(reading.part.layer), fitted(reading, kept))
        yield [(number, channel) for channel in gone]


def lasso(gram: Tensor, towards: Tensor, count: int) -> set[int]:
    """The `count` channels that LASSO keeps.

    Args:
        gram: z^T z, (channels, channels).
        towards: z^T y, (channels,).
        count: How many.
    """
    products, goal = gram.cpu().numpy(), towards.cpu().numpy()
    low, high = 0.0, float(abs(goal).max())
    beta = best = np.zeros_like(goal)
    for _ in range(HALVINGS):
        penalty = (low + high) / 2
        beta = _descend(products, goal, penalty, beta)
        number = np.count_nonzero(beta)
        if number <= count:
            best, high = beta, penalty
        else:
            low = penalty
        if number == count:
            break
    # Of those at zero, the nearest to coming in.
    order = np.lexsort((-abs(goal - products @ best), -abs(best)))
    return set(order[:count].tolist())


def fitted(reading: Reading, kept: set[int]) -> Tensor:
    """The weights of the channels that stay which give y best, the smallest where several do; others are 0.

    Shape:
        -> (numbers, outputs)
    """
    stays = torch.tensor([channel in kept for channel in reading.root.tolist()], device=reading.xx.device)
    weight = torch.zeros_like(reading.weight)
    weight[stays] = torch.linalg.pinv(reading.xx[stays][:, stays], hermitian=True) @ reading.xy[stays]
    return weight


def _squares(reading: Reading, channels: int) -> Tensor:
    values = reading.weight.square().sum(1)
    return values.new_zeros(channels).index_add_(0, reading.root, values)


def _descend(gram: Numbers, towards: Numbers, penalty: float, start: Numbers) -> Numbers:
    """beta that makes beta^T gram beta / 2 - towards^T beta + penalty |beta| least, one coordinate after the other."""
    beta = start.copy()
    pull = towards - gram @ beta
    for _ in range(SWEEPS):
        moved = 0.0
        for channel, own in enumerate(gram.diagonal()):
            alone = pull[channel] + own * beta[channel]
            new = np.sign(alone) * max(abs(alone) - penalty, 0.0) / own if own > 0 else 0.0
            if (change := new - beta[channel]) != 0:
                beta[channel] = new
                pull -= gram[channel] * change
                moved = max(moved, abs(change))
        if moved <= CLOSE * abs(beta).max():
            break
    return beta
