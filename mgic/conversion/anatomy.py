"""Which parts of a network keep their number of channels, and which of them is a block?

One pass on the meta device is watched: what every module is given and gives back, and which sums and
concatenations are its own. Nothing is known of any kind of network by name.
"""

import copy
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mgic.errors import BadConfig, Problem
from mgic.layers import MGICBlock

Kind = Literal["maps", "channels-last maps", "signals", "tokens", "vectors"]
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_SUMS = {"add", "add_", "__add__", "__radd__", "__iadd__"}
_PRODUCTS = {
    "matmul",
    "__matmul__",
    "bmm",
    "baddbmm",
    "einsum",
    "scaled_dot_product_attention",
    "multi_head_attention_forward",
}
_JOINS = _SUMS | {"cat", "concat", "concatenate"}
FAULTS = (  # what a network may raise
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    StopIteration,
    TypeError,
    ValueError,
)


@dataclass
class Seen:
    """What one module did in the pass; sizes are those of the first call, batch included."""

    calls: int = 0
    given: torch.Size | None = None  # None: not one tensor and nothing else
    gave: torch.Size | None = None
    last: bool = False  # what it gave is the network's answer
    altered: bool = False  # it wrote into its own input
    joined: set[torch.Size] = field(default_factory=set)  # sizes of its own sums and concatenations
    added_input: bool = False  # one of its sums had its own input in it, as it came
    attends: bool = False  # it multiplies matrices of which none is a parameter

    @property
    def adds_input(self) -> bool:
        return self.added_input and self.gave in self.joined

    @property
    def keeps(self) -> bool:
        """One tensor in, one of the same size out, once."""
        return self.calls == 1 and self.given is not None and self.given == self.gave


@dataclass(frozen=True)
class Unit:
    """A block that may be converted, or what is left, and why."""

    name: str
    reason: str = ""  # empty: it is a block
    channels: int = 0  # of its tensor
    widths: tuple[
        int, ...
    ] = ()  # what the levels may be planned on: a bottleneck's inner convolution first, its tensor
    kind: Kind = "maps"
    axis: int = 1  # of the channels, batch included
    size: tuple[int, ...] = ()  # of its input, without the batch


def watch(network: nn.Module, example: Tensor) -> dict[str, Seen]:
    """What every module does in one pass in evaluation mode; the network itself is not touched.

    Args:
        network: On any device.
        example: An input, (batch, ...).

    Raises:
        BadConfig: The network does not run on it.
    """
    try:
        return _watched(shadow(network), example.to("meta"))
    except FAULTS as error:
        if any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
            raise _misfit(example, error) from error
    try:  # it may ask for values on its way
        with torch.random.fork_rng(devices=[]):
            return _watched(copy.deepcopy(network), example)
    except FAULTS as error:
        raise _misfit(example, error) from error


def _misfit(example: Tensor, error: Exception) -> BadConfig:
    detail = f"the network does not run on an input of {tuple(example.shape)}: {first_line(error)}"
    return BadConfig(detail, (Problem("example", "input_misfit", detail),))


def shadow(network: nn.Module) -> nn.Module:
    """A copy on the meta device; no memory but that of the modules."""
    known = {tensor: _on_meta(tensor) for tensor in (*network.parameters(), *network.buffers())}
    return copy.deepcopy(network, {id(tensor): other for tensor, other in known.items()})


def _on_meta(tensor: Tensor) -> Tensor:
    other = tensor.detach().to("meta")
    return nn.Parameter(other, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else other


def _watched(network: nn.Module, example: Tensor) -> dict[str, Seen]:
    watcher = _Watcher(network)
    with torch.no_grad(), watcher:
        answer = network.eval()(example)
    for seen, output in watcher.outputs:
        seen.last = output is answer
    return {name: watcher.seen[module] for name, module in network.named_modules()}


class _Watcher(TorchFunctionMode):
    """Keeps who is at work, and credits each join to the innermost module."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.seen = {module: Seen() for module in network.modules()}
        self.outputs: list[tuple[Seen, Any]] = []
        self._stack: list[tuple[Seen, Any, int]] = []
        for module in self.seen:
            module.register_forward_pre_hook(self._enter, with_kwargs=True)
            module.register_forward_hook(self._leave, with_kwargs=True)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in _JOINS and self._stack and isinstance(output, Tensor):
            seen, given, _ = self._stack[-1]
            seen.joined.add(output.shape)
            seen.added_input |= name in _SUMS and any(operand is given for operand in args)
        if name in _PRODUCTS and self._stack and not any(isinstance(operand, nn.Parameter) for operand in args[:3]):
            self._stack[-1][0].attends = True
        return output

    def _enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen = self.seen[module]
        seen.calls += 1
        given = args[0] if len(args) == 1 and not kwargs and isinstance(args[0], Tensor) else None
        if seen.calls == 1 and given is not None:
            seen.given = given.shape
        self._stack.append((seen, given, -1 if given is None else given._version))

    def _leave(self, _module: nn.Module, _args: tuple[Any, ...], _kwargs: dict[str, Any], output: Any) -> None:
        seen, given, version = self._stack.pop()
        if seen.calls == 1 and isinstance(output, Tensor):
            seen.gave = output.shape
            self.outputs.append((seen, output))
        seen.altered |= given is not None and given._version != version


def find_units(network: nn.Module, seen: dict[str, Seen]) -> list[Unit]:
    """Every layer that mixes channels is in one of these, in the order of the network.

    A block is the smallest module that keeps its tensor's size, adds its own input to something of that size, and
    mixes channels; a module around such a one is none. Where none is, the largest one that joins branches; and where
    nothing is joined, a layer that keeps its channels, with the norm and activation that are one module with it.
    """
    modules = dict(network.named_modules())
    mixing = [name for name, module in modules.items() if mixes(module) and seen[name].calls]
    taken: dict[str, Unit] = {}
    inside_mgic = {f"{name}." for name, module in modules.items() if isinstance(module, MGICBlock)}
    for layer in mixing:
        if any(layer.startswith(prefix) for prefix in inside_mgic):
            holder = next(prefix[:-1] for prefix in inside_mgic if layer.startswith(prefix))
            taken.setdefault(holder, Unit(holder, "is an MGIC block already"))
            continue
        name = _holder(layer, seen, mixing)
        if name not in taken:
            attends = any(seen[inner].attends for inner in _within(name, modules))
            taken[name] = _unit(name, modules[name], seen[name], attends)
    shared = _shared(network, [modules[name] for name in taken])
    return [
        Unit(name, "shares weights with another part of the network", size=unit.size)
        if not unit.reason and any(id(weight) in shared for weight in modules[name].parameters())
        else unit
        for name, unit in taken.items()
    ]


def _shared(network: nn.Module, parts: list[nn.Module]) -> set[int]:
    """Weights that belong to several modules, or to several of the parts; new ones would be no longer the same."""
    owners = Counter(id(weight) for module in network.modules() for weight in module._parameters.values())
    holders = Counter(id(weight) for part in parts for weight in part.parameters())
    return {weight for counts in (owners, holders) for weight, count in counts.items() if count > 1}


def mixes(module: nn.Module) -> bool:
    """Whether it makes each channel of several others; a depthwise convolution does not."""
    if isinstance(module, CONVOLUTIONS):
        return module.in_channels > 1 and module.groups < module.in_channels
    return isinstance(module, nn.Linear)


def _holder(layer: str, seen: dict[str, Seen], mixing: list[str]) -> str:
    """The module that stands for a mixing layer: its block, or what of its surroundings is left as one."""
    around = list(_ancestors(layer))  # innermost first, without the network itself
    for name in around:
        if _is_block(name, seen, mixing) and not _blocks_in(name, seen, mixing):
            return name
    joining = [name for name in around if seen[name].gave in seen[name].joined]
    outer = [name for name in joining if not _blocks_in(name, seen, mixing)]
    if outer:
        return outer[-1]
    alone = [name for name in (layer, *around) if seen[name].keeps and len(_within(name, mixing)) == 1]
    return alone[-1] if alone else layer


def _ancestors(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _within(name: str, others: Iterable[str]) -> list[str]:
    """Those of the others that are the module, or in it."""
    return [other for other in others if other == name or other.startswith(f"{name}.")]


def _is_residual(name: str, seen: dict[str, Seen], mixing: list[str]) -> bool:
    """It adds its own input itself, or something in it does that mixes nothing, as a ConvMixer's depthwise half."""
    if seen[name].adds_input:
        return True
    adding = [inner for inner in _within(name, seen) if seen[inner].adds_input]
    return any(seen[a].gave == seen[name].gave for a in adding) and not any(_within(a, mixing) for a in adding)


def _is_block(name: str, seen: dict[str, Seen], mixing: list[str]) -> bool:
    return seen[name].keeps and _is_residual(name, seen, mixing) and bool(_within(name, mixing))


def _blocks_in(name: str, seen: dict[str, Seen], mixing: list[str]) -> bool:
    return any(_is_block(inner, seen, mixing) for inner in _within(name, seen) if inner != name)


def _unit(name: str, module: nn.Module, one: Seen, attends: bool) -> Unit:
    size = tuple(one.given[1:]) if one.given is not None else ()
    if one.last:
        return Unit(name, "gives the network's answer", size=size)
    if one.calls > 1:
        return Unit(name, f"is used {one.calls} times")
    if one.given is None or one.gave is None:
        return Unit(name, "does not take one tensor and give one back")
    if attends:  # its groups would hold queries of some channels and keys of others
        return Unit(name, "multiplies its tensors with each other, as attention does", size=size)
    layout = _layout(module, one.given)
    if layout is None:
        return Unit(name, f"works on tensors of {len(one.given)} dimensions, whose channels cannot be told", size=size)
    kind, axis = layout
    if not one.keeps:
        return Unit(name, _change(one.given, one.gave, axis), size=size)
    channels = one.given[axis]
    return Unit(name, "", channels, _widths(module, channels), kind, axis, size)


def _layout(module: nn.Module, size: torch.Size) -> tuple[Kind, int] | None:
    """The kind of tensor and the axis of its channels, told by the first layers that read it."""
    first = next((m for m in module.modules() if isinstance(m, (nn.Linear, *CONVOLUTIONS))), None)
    convolves = any(isinstance(m, CONVOLUTIONS) and m.in_channels == size[1] for m in module.modules())
    if len(size) == 2:
        return "vectors", 1
    if len(size) == 3 and isinstance(first, nn.Linear):
        return "tokens", 2
    if len(size) == 3 and isinstance(first, nn.Conv1d):
        return "signals", 1
    if len(size) == 4 and convolves:
        return "maps", 1
    if len(size) == 4 and any(isinstance(m, nn.Linear) and m.in_features == size[3] for m in module.modules()):
        return "channels-last maps", 3
    return ("maps", 1) if len(size) == 4 and first is not None else None


def _change(given: torch.Size, gave: torch.Size, axis: int) -> str:
    if len(given) != len(gave):
        return f"turns a tensor of {len(given)} dimensions into one of {len(gave)}"
    changed = []
    if given[axis] != gave[axis]:
        changed.append(f"the number of channels, {given[axis]} to {gave[axis]}")
    before = [n for at, n in enumerate(given) if at not in (0, axis)]
    after = [n for at, n in enumerate(gave) if at not in (0, axis)]
    if before != after:
        changed.append(f"the resolution, {'x'.join(map(str, before))} to {'x'.join(map(str, after))}")
    return "changes " + " and ".join(changed)


def _widths(module: nn.Module, channels: int) -> tuple[int, ...]:
    """Channels of the inner convolution of a bottleneck, to which another one narrows; those of the tensor."""
    layers = [layer for layer in module.modules() if isinstance(layer, CONVOLUTIONS) and mixes(layer)]
    narrowed = {layer.out_channels for layer in layers if layer.in_channels == channels}
    square = [layer for layer in layers if layer.in_channels == layer.out_channels and max(layer.kernel_size) > 1]
    inner = min({layer.in_channels for layer in square} & narrowed, default=channels)
    return (inner, channels) if inner < channels and channels % inner == 0 else (channels,)


def first_line(error: Exception) -> str:
    """Of its message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
