"""ThiNet: the channels go that the next layer's output misses least, and the others are scaled to make up for them.

Luo, Wu, Lin, "ThiNet: A Filter Level Pruning Method for Deep Neural Network Compression", ICCV 2017, sections 3.2 and
3.3, https://arxiv.org/abs/1707.06342. Layers are pruned one after the other, each as the pruned ones before it feed it.
Of x_c, what channel c adds to one number of the next layer's output, the set T that goes makes sum (sum_T x_c)^2 least
over numbers drawn from the training images; it is found greedily, one channel at a time (algorithm 1). Then each
channel that stays is multiplied, in the next layer, by the weight that gives the whole sum best, by least squares
(equation 7).

As in the paper's ResNet-50, channels that are added to others stay, so that of a basic block the first convolution
loses filters, and of a bottleneck the first two.

Left open there, or done otherwise here:
- The share of each layer is the paper's by hand; here all lose the same, as many as the budget asks for.
- The paper draws one output channel at a place; here all of them count, at `PLACES` places an image.
- Of several next layers the errors are added, and each has scales of its own.
- The paper trains for one or two epochs after each layer; here there is one fine-tuning at the end.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from mgic.training.channel_groups import Group, silence
from mgic.training.pruning.reading import read
from mgic.training.split import Split


def choose(
    model: nn.Module,
    groups: Sequence[Group],
    counts: Sequence[int],
    split: Split,
    batches: Sequence[Tensor],
    generator: torch.Generator,
) -> Iterator[list[tuple[int, int]]]:
    """The channels to remove, a group at a time; what is left is scaled already, and those silent.

    Args:
        model: Altered, but none of its shapes.
        groups: In the order in which they are pruned.
        counts: How many channels of each group go.
        split: Training samples.
        batches: Which of them are looked at.
        generator: Draws places of the maps.
    """
    for number, (group, count) in enumerate(zip(groups, counts, strict=True)):
        readings = read(model, group, split, batches, generator)
        grams = [reading.contributions(group.channels)[0] for reading in readings]
        gone = least_missed(torch.stack(grams).sum(0), count)
        silence(model, group, set(gone))
        for reading, gram in zip(readings, grams, strict=True):
            scales = scales_of(gram, gone).to(reading.weight)
            reading.assign(model.get_submodule(reading.part.layer), reading.weight * scales[reading.root][:, None])
        yield [(number, channel) for channel in gone]


def least_missed(gram: Tensor, count: int) -> list[int]:
    """Greedily the channels without which the sum of all changes least, in the order in which they are taken.

    Args:
        gram: z^T z of what the channels add to the sum, (channels, channels).
        count: How many.
    """
    gone: list[int] = []
    with_gone = torch.zeros_like(gram[0])
    for _ in range(count):
        error = gram.diagonal() + 2 * with_gone  # more than without this one
        error[gone] = torch.inf
        gone.append(int(error.argmin()))
        with_gone += gram[gone[-1]]
    return gone


def scales_of(gram: Tensor, gone: Sequence[int]) -> Tensor:
    """What to multiply each channel by, so that the sum comes nearest to that of all; 0 for those that are gone.

    Where several answers are as good, the shortest.

    Shape:
        (channels, channels) -> (channels,)
    """
    stays = torch.ones(len(gram), dtype=torch.bool, device=gram.device)
    stays[list(gone)] = False
    scales = torch.zeros_like(gram[0])
    scales[stays] = torch.linalg.pinv(gram[stays][:, stays], hermitian=True) @ gram[stays].sum(1)
    return scales
