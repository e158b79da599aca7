"""Which modules do the same to every input of a shape?

Only what can be trusted is said to be equal: modules of known packages that have no hooks,
hold nothing but plain values and functions of known packages, and share no part among themselves.
"""

from collections.abc import Hashable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

TRUSTED = ("mgic", "torch", "torchvision", "timm")  # whose modules keep to what their attributes say

OWN = frozenset(vars(nn.Module())) | {"forward"}  # what every module has, besides what its class gave it
_HOOKS = tuple(name for name in vars(nn.Module()) if name.endswith("_hooks"))

_PLAIN = (type(None), bool, int, float, str)


class Signature:
    """A nested tuple whose hash is computed once, and how many modules it is of."""

    def __init__(self, parts: Hashable, size: int) -> None:
        self.parts = parts
        self.size = size
        self._hash = hash(parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Signature) and self._hash == other._hash and self.parts == other.parts


Signatures = dict[nn.Module, Signature | None]


def sign(module: nn.Module, signatures: Signatures, counted: bool = False) -> Signature | None:
    """All of a module that a shape could depend on; None where that cannot be told.

    Args:
        module: The module, signed after its children.
        signatures: Those known; filled.
        counted: Whether a pass is being counted: then the hooks and the forward found here are our own.
    """
    if module in signatures:
        return signatures[module]
    children = {n: None if c is None else sign(c, signatures, counted) for n, c in module._modules.items()}
    signatures[module] = None
    state = vars(module)
    changed = not counted and ("forward" in state or any(state[name] for name in _HOOKS))
    forward, call = getattr(type(module), "forward", None), type(module).__call__  # replaced there, it is another's
    foreign = not (_trusted(type(module).__module__) and _is_trusted_function(forward) and _is_trusted_function(call))
    if changed or foreign or any(children[n] is None for n, c in module._modules.items() if c is not None):
        return None
    size = 1 + sum(child.size for child in children.values() if child is not None)
    tables = [{n: v for n, v in state.items() if n not in OWN}, module._parameters, module._buffers]
    values = [[(n, _value(v)) for n, v in table.items()] for table in tables]
    if any(v is None for table in values for _, v in table) or (children and size != len(list(module.modules()))):
        return None
    parts = (type(module), forward, call, tuple(map(tuple, values)), tuple(children.items()))
    signatures[module] = Signature(parts, size)
    return signatures[module]


def _value(value: Any) -> Hashable | None:
    """What can be compared of a value; None where it is of a kind that may change without notice."""
    if isinstance(value, _PLAIN):
        return (type(value), value)
    if isinstance(value, type):
        return (type, value) if _trusted(value.__module__) or value.__module__ == "builtins" else None
    if isinstance(value, FunctionType | BuiltinFunctionType):
        return (type(value), value) if _is_trusted_function(value) else None
    if isinstance(value, tuple | list):
        items = tuple(_value(item) for item in value)
        return None if None in items else (type(value), items)
    if isinstance(value, Tensor):
        return (value.shape, value.dtype)
    return value if isinstance(value, torch.dtype) else None


def _trusted(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] in TRUSTED


def _is_trusted_function(value: Any) -> bool:
    """Whether a function does the same to every input of a shape, as one may not that reads what others may change.

    What wraps a function says it is of the other's module, but has the names of its own.
    """
    if isinstance(value, BuiltinFunctionType):
        return value.__self__ is None or isinstance(value.__self__, type | ModuleType)
    if not isinstance(value, FunctionType) or value.__closure__:
        return False
    return _trusted(value.__module__) and _trusted(value.__globals__.get("__name__"))
