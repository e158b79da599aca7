"""How many multiply-accumulates does each layer of one forward pass do, without doing them?

Equal modules with equal inputs are counted once: the blocks of a stage differ in their
weights only, and what is remembered serves the next network too.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from math import prod
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn

Macs = dict[nn.Module, int]

REMEMBERED = 4096  # (module, input) pairs; a network has a few dozen that differ

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_COUNTED = (*_CONVOLUTIONS, nn.Linear, *_TRANSPOSED)
_OWN = frozenset(vars(nn.Module())) | {"forward"}  # what every module has, besides what its class gave it

Call = tuple[torch.Size, torch.dtype, tuple[int, ...]]  # of the output; MACs of the module's modules, in their order
_calls: OrderedDict[Hashable, Call] = OrderedDict()


@contextmanager
def counting(model: nn.Module) -> Iterator[Macs]:
    """Fill the table it gives while passes on the meta device run inside; the model is afterwards as it was.

    Inside, a module with children may return an empty tensor of the right shape in place of
    running: nothing else of a pass is of use.
    """
    macs: Macs = {}
    signatures: dict[nn.Module, Hashable] = {}
    strangers: dict[int, Hashable] = {}
    _sign(model, signatures, strangers)
    hooks = [m.register_forward_hook(partial(_add, macs)) for m in model.modules() if isinstance(m, _COUNTED)]
    replaced = [m for m in model.modules() if m is not model and m._modules and "forward" not in vars(m)]
    try:
        for module in replaced:
            vars(module)["forward"] = partial(_once, module, module.forward, signatures[module], macs)
        yield macs
    finally:
        for module in replaced:
            vars(module).pop("forward", None)
        for hook in hooks:
            hook.remove()


def _add(macs: Macs, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    """What the layer did: its kernel once for each output element, or, transposed, for each input element."""
    x = inputs[0]
    if isinstance(module, _TRANSPOSED):
        work = x.numel() * module.out_channels // module.groups * prod(module.kernel_size)
    elif isinstance(module, _CONVOLUTIONS):
        width = x.shape[-1 - len(module.kernel_size)]  # of the input, not of the weight: a layer may use a slice of it
        work = output.numel() * (width // module.groups) * prod(module.kernel_size)
    else:
        work = output.numel() * x.shape[-1]
    macs[module] = macs.get(module, 0) + work


def _once(
    module: nn.Module, forward: Callable[..., Any], signature: Hashable, macs: Macs, *inputs: Any, **more: Any
) -> Any:
    """Run the module, or remember what it did when an equal one was last given such an input."""
    if more or not all(isinstance(x, Tensor) and x.is_meta for x in inputs):
        return forward(*inputs, **more)
    inside = list(module.modules())
    key = (signature, tuple((x.shape, x.dtype) for x in inputs))
    if key in _calls:
        _calls.move_to_end(key)
        shape, dtype, work = _calls[key]
        for inner, done in zip(inside, work, strict=True):
            if done:
                macs[inner] = macs.get(inner, 0) + done
        return torch.empty(shape, dtype=dtype, device="meta")
    before = [macs.get(inner, 0) for inner in inside]
    output = forward(*inputs)
    if isinstance(output, Tensor):
        work = tuple(macs.get(inner, 0) - done for inner, done in zip(inside, before, strict=True))
        _calls[key] = (output.shape, output.dtype, work)
        if len(_calls) > REMEMBERED:
            _calls.popitem(last=False)
    return output


def _sign(module: nn.Module, signatures: dict[nn.Module, Hashable], strangers: dict[int, Hashable]) -> Hashable:
    """All of a module that a shape could depend on: two of the same signature treat shapes alike.

    Args:
        module: The module, signed after its children.
        signatures: Those known; filled.
        strangers: For each object of unknown kind that a module holds, something equal to nothing else.
    """
    if module in signatures:
        return signatures[module]
    state = vars(module)
    signature = (
        type(module),
        tuple((name, _value(value, strangers)) for name, value in state.items() if name not in _OWN),
        tuple((name, _value(value, strangers)) for name, value in module._parameters.items()),
        tuple((name, _value(value, strangers)) for name, value in module._buffers.items()),
        tuple((name, child and _sign(child, signatures, strangers)) for name, child in module._modules.items()),
    )
    signatures[module] = _Signature(signature)
    return signatures[module]


def _value(value: Any, strangers: dict[int, Hashable]) -> Hashable:
    if value is None or isinstance(value, bool | int | float | str | type | FunctionType | BuiltinFunctionType):
        return (type(value), value)
    if isinstance(value, tuple | list | torch.Size):
        return (type(value), tuple(_value(item, strangers) for item in value))
    if isinstance(value, Tensor):
        return (value.shape, value.dtype, value.requires_grad)
    if isinstance(value, torch.dtype):
        return value
    return strangers.setdefault(id(value), object())


class _Signature:
    """A nested tuple whose hash is computed once."""

    def __init__(self, parts: Hashable) -> None:
        self.parts = parts
        self._hash = hash(parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, _Signature) and self.parts == other.parts)
