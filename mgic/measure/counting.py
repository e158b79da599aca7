"""How many multiply-accumulates does each layer of one forward pass do, without doing them?

Equal modules with equal inputs are counted once: the blocks of a stage differ in their
weights only, and what is remembered serves the next network too. Only what can be trusted is
remembered: modules of known packages that have no hooks, hold nothing but plain values,
share no part among themselves, and are after their pass what they were before. All others
are run each time.
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

TRUSTED = ("mgic", "torch", "torchvision", "timm")  # whose modules keep to what their attributes say
REMEMBERED = 4096  # (module, input) pairs; a network has a few dozen that differ

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_COUNTED = (*_CONVOLUTIONS, nn.Linear, *_TRANSPOSED)
_OWN = frozenset(vars(nn.Module())) | {"forward"}  # what every module has, besides what its class gave it
_HOOKS = tuple(name for name in vars(nn.Module()) if name.endswith("_hooks"))

Call = tuple[torch.Size, torch.dtype, tuple[int, ...]]  # of the output; MACs of the module's modules, in their order
Signatures = dict[nn.Module, "_Signature | None"]
_calls: OrderedDict[Hashable, Call] = OrderedDict()


@contextmanager
def counting(model: nn.Module) -> Iterator[Macs]:
    """Fill the table it gives while passes on the meta device run inside; the model is afterwards as it was.

    Inside, a module with children may return an empty tensor of the right shape in place of
    running: nothing else of a pass is of use.
    """
    macs: Macs = {}
    signatures: Signatures = {}
    _sign(model, signatures)
    hooks = [m.register_forward_hook(partial(_add, macs)) for m in model.modules() if isinstance(m, _COUNTED)]
    replaced = [m for m, signature in signatures.items() if m is not model and m._modules and signature is not None]
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
    if isinstance(output, Tensor) and _sign(module, {}, counted=True) == signature:  # the pass changed nothing
        work = tuple(macs.get(inner, 0) - done for inner, done in zip(inside, before, strict=True))
        _calls[key] = (output.shape, output.dtype, work)
        if len(_calls) > REMEMBERED:
            _calls.popitem(last=False)
    return output


class _Signature:
    """A nested tuple whose hash is computed once, and how many modules it is of."""

    def __init__(self, parts: Hashable, size: int) -> None:
        self.parts = parts
        self.size = size
        self._hash = hash(parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, _Signature) and self.parts == other.parts)


def _sign(module: nn.Module, signatures: Signatures, counted: bool = False) -> _Signature | None:
    """All of a module that a shape could depend on; None where that cannot be told.

    Args:
        module: The module, signed after its children.
        signatures: Those known; filled.
        counted: Whether a pass is being counted: then the hooks and the forward found here are our own.
    """
    if module in signatures:
        return signatures[module]
    children = {n: None if c is None else _sign(c, signatures, counted) for n, c in module._modules.items()}
    signatures[module] = None
    state = vars(module)
    changed = not counted and ("forward" in state or any(state[name] for name in _HOOKS))
    foreign = type(module).__module__.partition(".")[0] not in TRUSTED
    if changed or foreign or any(children[n] is None for n, c in module._modules.items() if c is not None):
        return None
    size = 1 + sum(child.size for child in children.values() if child is not None)
    tables = [{n: v for n, v in state.items() if n not in _OWN}, module._parameters, module._buffers]
    values = [[(n, _value(v)) for n, v in table.items()] for table in tables]
    if size != len(list(module.modules())) or any(v is None for table in values for _, v in table):
        return None
    parts = (type(module), tuple(map(tuple, values)), tuple(children.items()))
    signatures[module] = _Signature(parts, size)
    return signatures[module]


def _value(value: Any) -> Hashable | None:
    """What can be compared of a value; None where it is of a kind that may change without notice."""
    if value is None or isinstance(value, bool | int | float | str | type | FunctionType | BuiltinFunctionType):
        return (type(value), value)
    if isinstance(value, tuple | list):
        items = tuple(_value(item) for item in value)
        return None if None in items else (type(value), items)
    if isinstance(value, Tensor):
        return (value.shape, value.dtype)
    return value if isinstance(value, torch.dtype) else None
