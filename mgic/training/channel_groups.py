"""Which channels of a network belong together, and what is left of it without some of them?

torch-pruning (the extra `prune`) traces which channels of which layers can only go together, and takes them out
of the layers. Such channels are a *group*: a filter with the scale and shift of its norm, and what every later layer
reads of it. A group is left alone where it holds what cannot change: the outputs, bare parameters, and channels
that a shortcut pads with others (option A of He et al. 2016), so that a CIFAR ResNet loses channels inside its
blocks only, as in Li et al., https://arxiv.org/abs/1608.08710. The tracing: Fang et al.,
https://arxiv.org/abs/2301.12900.
"""

import json
from collections.abc import Callable, Container, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from mgic.errors import BadConfig, Problem
from mgic.measure.cost import count_cost

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
WEIGHTED = (nn.Conv2d, nn.Linear)
# What tracing or altering a network that it does not understand raises, in torch-pruning or in the network.
_FOREIGN = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class Slice:
    """The share of one layer in a group: its channel `index[i]` goes with channel `root[i]` of the group."""

    layer: str
    take_out: Callable[[nn.Module, list[int]], object]
    produces: bool  # its outputs go, not its inputs; a norm or a depthwise convolution has both at once
    index: tuple[int, ...]
    root: tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """Channels of several layers of which each can go only in all of them."""

    channels: int
    slices: tuple[Slice, ...]


def torch_pruning() -> ModuleType:
    """The library, which is an extra.

    Raises:
        BadConfig: It is not installed.
    """
    if find_spec("torch_pruning") is None:
        raise refusal("method", "missing_extra", "pruning needs torch-pruning: pip install mgic[prune]")
    return import_module("torch_pruning")


def grouped_convolution(model: nn.Module) -> str | None:
    """The name of the first convolution that rules pruning out: grouped, but not depthwise.

    Its groups would have to lose the same number of channels each, and so would all that is coupled to them:
    for MGIC that is every level of the hierarchy at once.
    """
    layers = model.named_modules()
    return next((name for name, layer in layers if isinstance(layer, nn.Conv2d) and _uneven(layer)), None)


def find_groups(model: nn.Module, input_size: tuple[int, ...]) -> list[Group]:
    """The groups that can lose channels. The model is left as it is.

    Args:
        model: Traced as a copy on the meta device.
        input_size: Of one sample, without the batch.

    Raises:
        BadConfig: torch-pruning is not installed, cannot trace the network, or finds nothing that can go.
    """
    library = torch_pruning()
    skeleton = deepcopy(model).to("meta")
    names = {module: name for name, module in skeleton.named_modules()}
    try:
        with torch.enable_grad(), torch.device("meta"):
            traced = library.DependencyGraph().build_dependency(skeleton, torch.empty(1, *input_size), verbose=False)
            found = list(traced.get_all_groups(root_module_types=WEIGHTED))
    except _FOREIGN as error:
        raise refusal("model", "not_traceable", f"torch-pruning cannot trace this network: {_words(error)}") from error
    free = [group for group in found if not any(_fixed(traced, item) for item in group.items)]
    groups = [group for group in (_group(traced, each, names) for each in free) if _whole(skeleton, group)]
    if not groups:
        raise refusal("model", "not_prunable", "no layer of this network can lose channels")
    return groups


def norms_of(model: nn.Module, group: Group) -> list[str]:
    """The names of the BatchNorms in a group, but of those without a scale."""
    layers = ((part.layer, model.get_submodule(part.layer)) for part in group.slices)
    return [name for name, layer in layers if isinstance(layer, NORMS) and layer.affine]


def producers_of(model: nn.Module, group: Group) -> list[str]:
    """The names of the layers that make the channels of a group: more than one where channels are added up."""
    return [part.layer for part in group.slices if part.produces and _weighted(model, part) is not None]


def readers_of(model: nn.Module, group: Group) -> list[Slice]:
    """The shares of the layers with weights that read the channels of a group."""
    return [part for part in group.slices if not part.produces and _weighted(model, part) is not None]


def remove(model: nn.Module, groups: list[Group], ranked: Iterable[tuple[int, int]]) -> None:
    """Take these channels out of every layer of their groups, in place; gradients are forgotten."""
    gone: dict[int, set[int]] = {}
    for number, channel in ranked:
        gone.setdefault(number, set()).add(channel)
    # Each layer at once: after a first cut the indices of a second would mean other channels.
    cuts: dict[tuple[str, Callable[[nn.Module, list[int]], object]], set[int]] = {}
    for number, channels in gone.items():
        for part in groups[number].slices:
            lost = {index for index, root in zip(part.index, part.root, strict=True) if root in channels}
            cuts.setdefault((part.layer, part.take_out), set()).update(lost)
    model.zero_grad(set_to_none=True)
    with torch.no_grad():
        for (name, take_out), lost in cuts.items():
            layer = model.get_submodule(name)
            frozen = [key for key, parameter in layer.named_parameters() if not parameter.requires_grad]
            take_out(layer, sorted(lost))
            for key in frozen:  # the parameters are new ones
                layer.get_parameter(key).requires_grad_(False)


def macs_without(
    skeleton: nn.Module, input_size: tuple[int, ...], groups: list[Group], ranked: Iterable[tuple[int, int]]
) -> int:
    """Multiply-accumulates of one sample that a copy of `skeleton` has without these channels.

    Args:
        skeleton: On the meta device, where a copy takes no memory.
        input_size: Of one sample, without the batch.
        groups: What `ranked` counts in.
        ranked: Channels as (number of the group, channel of it).

    Raises:
        BadConfig: The network does not compute any more.
    """
    trial = deepcopy(skeleton)
    try:
        remove(trial, groups, ranked)
        return count_cost(trial, input_size).macs
    except (BadConfig, *_FOREIGN) as error:
        raise _broken(error) from error


def check_groups(model: nn.Module, input_size: tuple[int, ...], groups: list[Group]) -> None:
    """Without some channels a network has to compute what it does with these channels at zero.

    That fails where the network gives a meaning to the number of a channel, as a shift of channels does, or where
    torch-pruning has followed the channels wrongly. Every second channel of all groups is tried, on a copy in
    float64 with norms drawn anew, at the cost of two forward passes of one sample.

    Raises:
        BadConfig: It computes something else, or nothing at all.
    """
    source = torch.Generator().manual_seed(0)
    tried = [(number, channel) for number, group in enumerate(groups) for channel in range(1, group.channels, 2)]
    pruned = deepcopy(model).to("cpu", torch.float64).eval()
    for layer in pruned.modules():
        if isinstance(layer, NORMS) and layer.affine:
            layer.weight.data.uniform_(0.5, 1.5, generator=source)
            layer.bias.data.normal_(0, 0.1, generator=source)
    masked = deepcopy(pruned)
    for number, group in enumerate(groups):
        silence(masked, group, {channel for of, channel in tried if of == number})
    sample = torch.randn(1, *input_size, dtype=torch.float64, generator=source)
    try:
        with torch.inference_mode():
            expected = masked(sample)
            remove(pruned, groups, tried)
            distance = (pruned(sample) - expected).abs().max()
    except _FOREIGN as error:
        raise _broken(error) from error
    if not distance <= 1e-6 * expected.abs().max():
        detail = "this network cannot be pruned: without some channels it does not compute what it does with them at 0"
        raise refusal("model", "not_prunable", detail)


def silence(model: nn.Module, group: Group, channels: Container[int]) -> None:
    """Set to zero what produces these channels, so that they are zero for whoever reads them."""
    for part in group.slices:
        layer = model.get_submodule(part.layer)
        if part.produces and isinstance(layer, (*WEIGHTED, *NORMS)):
            index = [own for own, root in zip(part.index, part.root, strict=True) if root in channels]
            for parameter in (layer.weight, layer.bias):
                if parameter is not None:
                    parameter.data[index] = 0


def widths(model: nn.Module) -> dict[str, tuple[int, int]]:
    """Channels in and out of each convolution and linear layer by name."""
    found = {}
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d):
            found[name] = (layer.in_channels, layer.out_channels)
        elif isinstance(layer, nn.Linear):
            found[name] = (layer.in_features, layer.out_features)
    return found


def load_pruned(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give a network, as it was before pruning, the shapes and the weights of the pruned one, in place."""
    for name, layer in model.named_modules():
        if not isinstance(layer, (*WEIGHTED, *NORMS)):
            continue
        tables: tuple[dict[str, Any], ...] = (layer._parameters, layer._buffers)
        for table in tables:
            for key, old in table.items():
                if old is not None and (new := state[f"{name}.{key}".lstrip(".")]).shape != old.shape:
                    fresh = torch.empty_like(new, device=old.device)
                    table[key] = nn.Parameter(fresh, old.requires_grad) if isinstance(old, nn.Parameter) else fresh
        _describe(layer)
    model.load_state_dict(state)


def save_structure(
    model: str,
    input_size: tuple[int, ...],
    before: Mapping[str, tuple[int, int]],
    after: Mapping[str, tuple[int, int]],
    path: Path,
) -> None:
    """The channels of each layer, as `widths` has them; with the weights, `load_pruned` needs no more."""
    layers = {
        name: {"in": [before[name][0], inputs], "out": [before[name][1], outputs]}
        for name, (inputs, outputs) in after.items()
    }
    written = {"model": model, "input_size": list(input_size), "channels": "[before, after] pruning", "layers": layers}
    path.write_text(json.dumps(written, indent=1) + "\n")


def refusal(pointer: str, code: str, detail: str) -> BadConfig:
    """An error with one problem, at the field `pointer`."""
    return BadConfig(detail, (Problem(pointer, code, detail),))


def _describe(layer: nn.Module) -> None:
    """Set the sizes a layer knows of itself to those of its weight."""
    if isinstance(layer, nn.Conv2d):
        layer.groups = layer.weight.shape[0] if _depthwise(layer) else layer.groups
        layer.out_channels, layer.in_channels = layer.weight.shape[0], layer.weight.shape[1] * layer.groups
    elif isinstance(layer, nn.Linear):
        layer.out_features, layer.in_features = layer.weight.shape
    elif isinstance(layer, NORMS) and layer.affine:
        layer.num_features = len(layer.weight)


def _uneven(layer: nn.Conv2d) -> bool:
    return layer.groups > 1 and not _depthwise(layer)


def _weighted(model: nn.Module, part: Slice) -> nn.Module | None:
    """The layer of a slice if it mixes channels."""
    layer = model.get_submodule(part.layer)
    return layer if isinstance(layer, WEIGHTED) and getattr(layer, "groups", 1) == 1 else None


def _depthwise(layer: nn.Conv2d) -> bool:
    return 1 < layer.groups == layer.in_channels == layer.out_channels


def _group(traced: Any, found: Any, names: Mapping[nn.Module, str]) -> Group:
    """What torch-pruning traced, by the names of the layers and without the operations that have no weights."""
    slices = [
        Slice(
            layer=names[item.dep.target.module],
            take_out=item.dep.handler,
            produces=traced.is_out_channel_pruning_fn(item.dep.handler),
            index=tuple(item.idxs),
            root=tuple(item.root_idxs),
        )
        for item in found.items
        if item.dep.target.module in names
    ]
    return Group(channels=len(found[0].idxs), slices=tuple(slices))


def _fixed(traced: Any, item: Any) -> bool:
    """Whether it forbids the group to change: an output, a bare parameter, or channels padded to others."""
    node = item.dep.target
    output = not node.outputs and traced.is_out_channel_pruning_fn(item.dep.handler)
    pads = getattr(node.grad_fn, "_saved_pad", ())  # from the last dimension on: width, height, channels, in pairs
    return output or isinstance(node.module, nn.Parameter) or any(pads[4:])


def _whole(model: nn.Module, group: Group) -> bool:
    """Whether the channels are all that their layers produce. If not, torch-pruning has followed them wrongly, as it
    does where channels are stacked and flattened to several features each.
    """
    produced = ((model.get_submodule(part.layer), part) for part in group.slices if part.produces)
    return all(
        set(part.index) == set(range(len(layer.weight))) for layer, part in produced if isinstance(layer, WEIGHTED)
    )


def _broken(error: BaseException) -> BadConfig:
    detail = f"this network does not compute any more without some of its channels: {_words(error)}"
    return refusal("model", "not_prunable", detail)


def _words(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
