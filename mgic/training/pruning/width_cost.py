"""The multiply-accumulates of a network as a function of how many channels each group keeps, at once.

A search asks thousands of times; taking the channels out of a copy and counting that takes tens of milliseconds each.
"""

from bisect import bisect_left
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from math import prod

import torch
from torch import Tensor, nn

from mgic.measure.cost import count_cost
from mgic.training.channel_groups import WEIGHTED, Group, macs_without, refusal


@dataclass(frozen=True)
class _Side:
    """Inputs or outputs of a layer: how many there are, and how many go with each channel of a group."""

    whole: int
    taken: tuple[tuple[int, int], ...]  # (group, channels of the side)

    def left(self, removed: Sequence[int]) -> int:
        return self.whole - sum(each * removed[group] for group, each in self.taken)


@dataclass(frozen=True)
class Layer:
    """A layer that makes channels of a group, as a search sees it."""

    inputs: int
    outputs: int
    height: int
    width: int
    stride: int
    kernel: int
    macs: int


class WidthCost:
    """
    Args:
        model: On any device.
        size: Of one sample.
        groups: Those that can lose channels.

    Raises:
        BadConfig: The network costs something else than its widths say.
    """

    def __init__(self, model: nn.Module, size: tuple[int, ...], groups: Sequence[Group]) -> None:
        self.widths = [group.channels for group in groups]
        skeleton = deepcopy(model).to("meta")
        places = _places(skeleton, size)
        self._layers: list[tuple[int, list[_Side]]] = []
        sides = _sides(skeleton, groups)
        for name, output in places.items():
            layer = skeleton.get_submodule(name)
            macs = output.numel() // output.shape[1] * layer.get_parameter("weight").numel()
            self._layers.append((macs, sides.get(name, [])))
        self.whole = count_cost(skeleton, size).macs
        self._others = self.whole - sum(macs for macs, _ in self._layers)
        self.first = [self._first(skeleton, places, group) for group in groups]
        halves = [width // 2 for width in self.widths]
        gone = [(group, channel) for group, count in enumerate(halves) for channel in range(count)]
        kept = [width - half for width, half in zip(self.widths, halves, strict=True)]
        if macs_without(skeleton, size, list(groups), gone) != self(kept):
            raise refusal("model", "not_searchable", "the cost of this network does not follow its widths")

    def __call__(self, kept: Sequence[int]) -> int:
        """Of one sample, with so many channels left in each group."""
        removed = [width - left for width, left in zip(self.widths, kept, strict=True)]
        total = self._others
        for macs, sides in self._layers:
            total += macs * prod(side.left(removed) for side in sides) // prod(side.whole for side in sides)
        return total

    def most(self, kept: Sequence[int], group: int, least: int, macs: float) -> int:
        """The most channels of a group with which the network stays within `macs`, and `least` at the fewest."""

        def too_many(count: int) -> bool:
            return self([*kept[:group], count, *kept[group + 1 :]]) > macs

        return least + bisect_left(range(least + 1, self.widths[group] + 1), True, key=too_many)

    @staticmethod
    def _first(skeleton: nn.Module, places: dict[str, Tensor], group: Group) -> Layer:
        """The layer that makes the group's channels first."""
        made = {part.layer for part in group.slices if part.produces}
        name, output = next((name, output) for name, output in places.items() if name in made)
        layer = skeleton.get_submodule(name)
        height, width = output.shape[2:] if output.dim() == 4 else (1, 1)
        weight = layer.get_parameter("weight")
        stride, kernel = (layer.stride[0], layer.kernel_size[0]) if isinstance(layer, nn.Conv2d) else (1, 1)
        macs = output.numel() // output.shape[1] * weight.numel()
        return Layer(weight.shape[1], weight.shape[0], height, width, stride, kernel, macs)


def _sides(model: nn.Module, groups: Sequence[Group]) -> dict[str, list[_Side]]:
    """Outputs and inputs of each layer that has channels of a group; a depthwise layer has outputs alone."""
    taken: dict[tuple[str, bool], list[tuple[int, int]]] = {}
    for number, group in enumerate(groups):
        for part in group.slices:
            taken.setdefault((part.layer, part.produces), []).append((number, len(part.index) // group.channels))
    found: dict[str, list[_Side]] = {}
    for (name, produces), channels in taken.items():
        layer = model.get_submodule(name)
        if isinstance(layer, WEIGHTED):
            shape = layer.get_parameter("weight").shape
            found.setdefault(name, []).append(_Side(shape[0 if produces else 1], tuple(channels)))
    return found


def _places(model: nn.Module, size: tuple[int, ...]) -> dict[str, Tensor]:
    """The output of each layer with weights for one sample, in the order of calls."""
    seen: dict[str, Tensor] = {}

    def note(name: str, *called: Tensor) -> None:
        seen[name] = called[-1]

    for name, layer in model.named_modules():
        if isinstance(layer, WEIGHTED):
            layer.register_forward_hook(partial(note, name))
    with torch.inference_mode(), torch.device("meta"):
        model.eval()(torch.empty(1, *size))
    return seen
