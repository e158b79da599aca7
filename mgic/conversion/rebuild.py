"""A block once more, with fewer channels and in groups.

Every width inside falls by the same factor, those of expansions and of squeeze-and-excite with it; what mixes
channels does so within groups; a depthwise convolution stays one. The block's own code is run, and nothing is known
of it: `rebuilt` makes what is worth a try, and whoever uses it runs it first.
"""

import copy
import math
from collections.abc import Container, Iterator
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn

from mgic.conversion.anatomy import CONVOLUTIONS
from mgic.layers.grouped_linear import GroupedLinear

_SHIFTS = {"bias", "beta"}  # what norms add: zero is where they start
HIDDEN = 0.1  # a scale that starts below it starts at 1 instead
_COUNTS = {"num_features", "normalized_shape", "num_channels", "num_parameters"}  # as norms and PReLU call their width


class CannotRebuild(Exception):
    """The message says which layer, and why."""


def rebuilt(block: nn.Module, scale: Fraction, groups: int, *, numbers: bool, normed: bool) -> nn.Module:
    """The block at `scale` times its channels.

    Weights start anew: as constants where they are constant in the block, such as the ones of a fresh norm, but, where
    the block is `normed`, at 1 where a scale is next to nothing; else normal with the deviation they have there, over
    the root of what fan-in is more or less.

    Args:
        block: It keeps its number of channels. Untouched.
        scale: 1 or less.
        groups: Of every layer that mixes channels, at least; a group is never larger than it was.
        numbers: Whether a whole number that some module of the block keeps is scaled too where it equals one of
            the block's widths, or what one has more than another, as a partial convolution keeps how many channels it
            cuts off and how many it leaves.
        normed: Whether what the block adds to its input goes through a norm behind it, which cannot divide by nothing.

    Raises:
        CannotRebuild: It has parameters of which nobody knows how they scale.
    """
    own = set(_widths(block))
    widths = (own | {wide - narrow for wide in own for narrow in own if wide > narrow}) - {1}
    new = copy.deepcopy(block)
    for module in new.modules():
        if getattr(module, "inplace", False) is True:  # its input is used again outside
            module.inplace = False  # type: ignore[assignment]
    for name, module in list(new.named_modules()):
        if isinstance(module, CONVOLUTIONS):
            _convolution(module, scale, groups)
            _each_channel(
                module, scale, name, set(), normed, done={"weight", "bias"}
            )  # a gain, in one that is normalised
        elif isinstance(module, nn.Linear):
            other = _linear(module, scale, groups)
            if not name:
                return other
            new.set_submodule(name, other)
        else:
            _each_channel(module, scale, name, widths if numbers else set(), normed)
    return new


def scaled(width: int, scale: Fraction) -> int:
    return max(1, math.ceil(width * scale))


def _widths(block: nn.Module) -> Iterator[int]:
    for module in block.modules():
        if isinstance(module, CONVOLUTIONS):
            yield from (module.in_channels, module.out_channels)
        elif isinstance(module, nn.Linear):
            yield from (module.in_features, module.out_features)


def _convolution(layer: Any, scale: Fraction, groups: int) -> None:
    """In place, so that what a library derived from `nn.Conv2d` stays what it is."""
    depthwise = layer.groups == layer.in_channels
    fan = layer.weight[0].numel()
    layer.in_channels, layer.out_channels = scaled(layer.in_channels, scale), scaled(layer.out_channels, scale)
    asked = layer.in_channels if depthwise else max(groups, math.ceil(layer.groups * scale))
    layer.groups = asked if depthwise else _dividing(layer.in_channels, layer.out_channels, asked)
    if layer.out_channels % layer.groups:
        raise CannotRebuild(f"{layer.out_channels} outputs are not made of {layer.groups} groups")
    shape = (layer.out_channels, layer.in_channels // layer.groups, *layer.kernel_size)
    if layer.transposed:
        raise CannotRebuild("has a transposed convolution")
    layer.weight = _started(layer.weight, shape, Fraction(fan, math.prod(shape[1:])))
    if layer.bias is not None:
        layer.bias = _started(layer.bias, shape[:1], Fraction(fan, math.prod(shape[1:])))


def _dividing(channels_in: int, channels_out: int, at_least: int) -> int:
    """The smallest number of groups from `at_least` on that divides both; the largest that does if there is none."""
    most = math.gcd(channels_in, channels_out)
    return next((n for n in range(at_least, most) if most % n == 0), most)


def _linear(layer: nn.Linear, scale: Fraction, groups: int) -> nn.Module:
    if type(layer).forward is not nn.Linear.forward or layer._forward_hooks or layer._forward_pre_hooks:
        raise CannotRebuild(f"has a {type(layer).__name__} that does more than a linear layer")
    wide, out = scaled(layer.in_features, scale), scaled(layer.out_features, scale)
    count = _dividing(wide, out, groups)
    with torch.device(layer.weight.device):
        other = (
            nn.Linear(wide, out, layer.bias is not None)
            if count == 1
            else GroupedLinear(wide, out, count, layer.bias is not None)
        )
    fan = Fraction(layer.in_features * count, wide)
    other.weight = _started(layer.weight, other.weight.shape, fan)
    if layer.bias is not None:
        other.bias = _started(layer.bias, (out,), fan)
    return other.train(layer.training)


def _each_channel(
    module: nn.Module, scale: Fraction, name: str, widths: set[int], normed: bool, done: Container[str] = ()
) -> None:
    """What a norm, a layer scale or an activation keeps for each channel, and the numbers beside it."""
    anew = False
    for table in (module._parameters, module._buffers):
        for key, value in table.items():
            if value is None or value.numel() == 1 or key in done:
                continue
            if sum(n != 1 for n in value.shape) > 1:
                where = ".".join(filter(None, (name, key)))
                size = "x".join(map(str, value.shape))
                raise CannotRebuild(f"keeps {where}, which is {size} and not one number a channel")
            anew |= not (value.is_meta or _constant(value))
            new = _started(value, tuple(scaled(n, scale) if n != 1 else 1 for n in value.shape), Fraction(1))
            if normed and isinstance(value, nn.Parameter) and key not in _SHIFTS and _hides(value):
                nn.init.ones_(new)
            table[key] = new
    for key, number in list(vars(module).items()):
        if key in _COUNTS or _is_width(number, widths):
            setattr(module, key, _smaller(number, scale))
    if isinstance(module, nn.GroupNorm):
        module.num_groups = next(n for n in range(module.num_groups, 0, -1) if module.num_channels % n == 0)
    if anew and not done and hasattr(module, "reset_parameters"):
        module.reset_parameters()  # type: ignore[operator]


def _hides(scale: Tensor) -> bool:
    """Whether a branch starts as next to nothing by it, as by a norm that starts at zero or by a layer scale of 1e-6.

    Of such a branch the norm after P gets nothing to divide by: gradients are then 1e10 times what they were.
    """
    return not scale.is_meta and _constant(scale) and abs(scale.flatten()[0].item()) < HIDDEN


def _is_width(number: Any, widths: set[int]) -> bool:
    if isinstance(number, list | tuple):
        return bool(number) and all(_is_width(n, widths) for n in number)
    return type(number) is int and number in widths


def _smaller(number: Any, scale: Fraction) -> Any:
    if isinstance(number, list | tuple):
        return type(number)(scaled(n, scale) for n in number)
    return scaled(number, scale)


def _started(old: Tensor, shape: tuple[int, ...], fan: Fraction) -> Any:
    """New values: constant where the old are, else normal with their deviation times the root of `fan`."""
    new = torch.empty(shape, dtype=old.dtype, device=old.device)
    if not new.is_meta:
        values = old.detach()
        if _constant(values):
            new.fill_(values.flatten()[0])
        else:
            new.normal_(0, float(values.float().std()) * math.sqrt(fan))
    return nn.Parameter(new, old.requires_grad) if isinstance(old, nn.Parameter) else new


def _constant(values: Tensor) -> bool:
    return bool((values == values.flatten()[0]).all())
