"""What shape does an operator give? Of the commonest, told here: torch knows it in code that loads its compiler.

That takes a second and a half, for networks of convolutions, norms, poolings and linear layers that need none of it.
What is not as plain as it is here, or does not fit, is left to torch, which has the words for it.
"""

from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

Shaped = Tensor | tuple[Tensor, ...] | None  # None: it is for torch to say
_aten = torch.ops.aten


_DRAWS = {Tensor.normal_, Tensor.uniform_, Tensor.exponential_, Tensor.bernoulli_}


class Undrawn(TorchFunctionMode):
    """Nothing is drawn where there are shapes alone: torch would load its compiler for it."""

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        if func in _DRAWS and args[0].is_meta:
            return args[0]
        return func(*args, **(kwargs or {}))


def output_of_shapes(func: Any, args: tuple[Any, ...]) -> Shaped:
    """Of an operator on the meta device without gradients: an empty output, or None.

    Args:
        func: The operator.
        args: All of its arguments; those that are tensors are dense and on the meta device.
    """
    rule = _RULES.get(func)
    return None if rule is None else rule(*args)


def _convolution(x: Tensor, weight: Tensor, bias: Tensor | None, *how: Any) -> Shaped:
    stride, padding, dilation, transposed, _, groups = how
    if transposed or x.ndim != weight.ndim or x.shape[1] != weight.shape[1] * groups or weight.shape[0] % groups:
        return None
    sides = [
        (side + 2 * pad - step * (kernel - 1) - 1) // stride + 1
        for side, kernel, stride, pad, step in zip(
            x.shape[2:], weight.shape[2:], cycle(stride), cycle(padding), cycle(dilation), strict=False
        )
    ]
    fits = min(sides, default=0) > 0 and (bias is None or bias.shape == weight.shape[:1]) and x.dtype == weight.dtype
    plain = x.is_contiguous() and weight.is_contiguous()
    return x.new_empty([x.shape[0], weight.shape[0], *sides]) if fits and plain else None


def _norm(x: Tensor, *how: Any) -> Shaped:
    *vectors, training, _, _ = how
    if training or any(one is not None and one.shape != x.shape[1:2] for one in vectors):
        return None
    return torch.empty_like(x), x.new_empty(0), x.new_empty(0)


def _mean(x: Tensor, dims: Sequence[int] | None = None, keep: bool = False) -> Shaped:
    if not dims or not keep or not x.is_contiguous() or any(not -x.ndim <= dim < x.ndim for dim in dims):
        return None
    averaged = {dim % x.ndim for dim in dims}
    return x.new_empty([1 if dim in averaged else size for dim, size in enumerate(x.shape)])


def _linear(bias: Tensor, x: Tensor, weight: Tensor) -> Shaped:
    fits = x.shape[1] == weight.shape[0] and bias.shape == weight.shape[1:] and x.dtype == weight.dtype
    return x.new_empty(x.shape[0], weight.shape[1]) if fits else None


def _of_two(one: Any, other: Any) -> Shaped:
    both = isinstance(one, Tensor) and isinstance(other, Tensor)
    alike = both and (one.shape, one.stride(), one.dtype) == (other.shape, other.stride(), other.dtype)
    return torch.empty_like(one) if alike else None


_RULES: dict[Any, Callable[..., Shaped]] = {
    _aten.convolution.default: _convolution,
    _aten.native_batch_norm.default: _norm,
    _aten.mean.dim: _mean,
    _aten.addmm.default: _linear,
    _aten.add.Tensor: _of_two,
    _aten.sub.Tensor: _of_two,
    _aten.mul.Tensor: _of_two,
}
