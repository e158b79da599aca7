"""MetaPruning: a network that makes the weights of every width, an evolution over widths by it, and the best one anew.

Liu et al., "MetaPruning: Meta Learning for Automatic Neural Network Channel Pruning", ICCV 2019, section 3,
https://arxiv.org/abs/1903.10258. For each layer whose channels can go, two fully connected layers make its weights from
how wide its inputs and outputs are; of them the first channels are cut out. They are trained with widths drawn anew at
every step. Then widths evolve: from a random population within the budget, the best by accuracy mutate and are crossed
over, and what breaks the budget is drawn again. Nothing is taken from a trained network: the best widths are trained
from fresh weights, as the whole network is.

Left open there, or done otherwise here:
- Which channels have widths: the groups that can go together, so that of a CIFAR ResNet those inside the blocks; in the
  paper's ResNet-50 the sums, too.
- Widths are a tenth of a layer and more, in 31 steps of 3 %, as in the paper's code; at least one channel.
- Channels that are not there are zero instead of cut out, which computes the same.
- The second layer starts where it makes fresh weights of the layer at any width, so that training starts as usual.
- Before a network is judged its norms are measured anew on the training images that `calibration_images` counts; it
  is judged by images that are held out if there are such, and by as many others of training if not.
- A generation is 20 networks; the 10 best of all so far are parents, half of a generation mutates (each width by
  1 in 10), half is a crossover of two.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Self

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mgic.training.channel_groups import NORMS, WEIGHTED, Group
from mgic.training.pruning.width_cost import WidthCost

UNITS = 32  # between the two layers that make a layer's weights
SCALES = tuple(0.1 + 0.03 * step for step in range(31))
GENERATION = 20
PARENTS = 10
MUTATION = 0.1
TRIES = 100  # to draw a network within the budget, before widths are taken away from one


class PruningNet(nn.Module):
    """Any width of a network. In training the widths are drawn anew with every pass, otherwise they are `kept`.

    Its norms go by the batch always, for what they have seen is of all widths.

    Args:
        network: Its weights are where those that are made start from.
        groups: Of it.
    """

    def __init__(self, network: nn.Module, groups: Sequence[Group]) -> None:
        super().__init__()
        self.network = network
        self.kept = [group.channels for group in groups]
        self._widths = list(self.kept)
        self._made: list[tuple[str, int | None, int | None]] = []  # layer, groups of its inputs and outputs
        self._masked: list[tuple[str, int, Tensor]] = []  # parameter, group, its channels
        self.makers = nn.ModuleList()
        sides: dict[str, dict[bool, int]] = {}
        for number, group in enumerate(groups):
            for part in group.slices:
                layer = network.get_submodule(part.layer)
                if isinstance(layer, WEIGHTED):
                    sides.setdefault(part.layer, {})[part.produces] = number
                if part.produces and isinstance(layer, (*WEIGHTED, *NORMS)):
                    root = torch.tensor(part.root)[torch.tensor(part.index).argsort()]
                    self._masked += [(f"{part.layer}.{key}", number, root) for key, _ in layer.named_parameters()]
        for name, of in sides.items():
            self._made.append((name, of.get(False), of.get(True)))
            self.makers.append(_maker(network.get_submodule(name).get_parameter("weight")))

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for layer in self.network.modules():
            if isinstance(layer, NORMS):
                layer.train()
        return self

    def forward(self, samples: Tensor) -> Tensor:
        kept = self.drawn() if self.training else self.kept
        output: Tensor = functional_call(self.network, dict(self.weights(kept)), (samples,))
        return output

    def drawn(self) -> list[int]:
        """Widths by torch's global generator."""
        steps = torch.randint(len(SCALES), (len(self._widths),)).tolist()
        return [width_of(width, step) for width, step in zip(self._widths, steps, strict=True)]

    def weights(self, kept: Sequence[int]) -> Mapping[str, Tensor]:
        """The parameters that depend on the widths, in the shapes of the whole network, 0 where no channel is."""
        found: dict[str, Tensor] = {}
        shares = [left / width for left, width in zip(kept, self._widths, strict=True)]
        for maker, (name, inputs, outputs) in zip(self.makers, self._made, strict=True):
            weight = self.network.get_submodule(name).get_parameter("weight")
            code = [1.0 if side is None else shares[side] for side in (inputs, outputs)]
            found[f"{name}.weight"] = maker(weight.new_tensor(code)).view(weight.shape)
        for name, group, root in self._masked:
            tensor = found.get(name, self.network.get_parameter(name))
            there = (root < kept[group]).to(tensor)
            found[name] = tensor * there.view(-1, *[1] * (tensor.dim() - 1))
        return found

    def network_of(self, kept: Sequence[int]) -> nn.Module:
        """The whole network with these weights."""
        made = deepcopy(self.network)
        with torch.no_grad():
            for name, tensor in self.weights(kept).items():
                made.get_parameter(name).copy_(tensor)
        return made


def width_of(whole: int, step: int) -> int:
    """Channels of a layer at one of the scales."""
    return max(1, round(SCALES[step] * whole))


def gone(groups: Sequence[Group], kept: Sequence[int]) -> list[tuple[int, int]]:
    """The channels that are not there: the last ones."""
    return [
        (number, channel)
        for number, (group, left) in enumerate(zip(groups, kept, strict=True))
        for channel in range(left, group.channels)
    ]


def evolve(
    cost: WidthCost, macs: float, worth: Callable[[Sequence[int]], float], trials: int, drawn: torch.Generator
) -> Iterator[tuple[float, list[int]]]:
    """A network after the other: what it is worth, and how many channels each group keeps; none is tried twice."""
    known: dict[tuple[int, ...], float] = {}
    while len(known) < trials:
        parents = sorted(known, key=lambda one: -known[one])[:PARENTS]
        for number in range(min(GENERATION, trials - len(known))):
            steps = _within(cost, macs, parents, number % 2 == 0, known, drawn)
            known[steps] = worth(_kept(cost, steps))
            yield known[steps], _kept(cost, steps)


def _within(
    cost: WidthCost,
    macs: float,
    parents: Sequence[tuple[int, ...]],
    mutate: bool,
    known: Mapping[tuple[int, ...], float],
    drawn: torch.Generator,
) -> tuple[int, ...]:
    """A new network that keeps to the budget."""
    for _ in range(TRIES):
        steps = _child(len(cost.widths), parents, mutate, drawn)
        if steps not in known and cost(_kept(cost, steps)) <= macs:
            return steps
    found = [int(step) for step in torch.randint(len(SCALES), (len(cost.widths),), generator=drawn)]
    while cost(_kept(cost, found)) > macs and any(found):
        group = int(torch.randint(len(found), (), generator=drawn))
        found[group] = max(0, found[group] - 1)
    return tuple(found)


def _child(genes: int, parents: Sequence[tuple[int, ...]], mutate: bool, drawn: torch.Generator) -> tuple[int, ...]:
    fresh = torch.randint(len(SCALES), (genes,), generator=drawn)
    if not parents:
        return tuple(fresh.tolist())
    one, two = (torch.tensor(parents[pick]) for pick in torch.randint(len(parents), (2,), generator=drawn).tolist())
    chance = torch.rand(genes, generator=drawn)
    chosen = torch.where(chance < MUTATION, fresh, one) if mutate else torch.where(chance < 0.5, one, two)
    return tuple(chosen.tolist())


def _kept(cost: WidthCost, steps: Sequence[int]) -> list[int]:
    return [width_of(width, step) for width, step in zip(cost.widths, steps, strict=True)]


def _maker(weight: Tensor) -> nn.Sequential:
    found = nn.Sequential(nn.Linear(2, UNITS), nn.ReLU(), nn.Linear(UNITS, weight.numel()))
    last = found[2]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.mul_(float(weight.std()))
        last.bias.copy_(weight.flatten())
    return found
