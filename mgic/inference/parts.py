"""Steps that keep groups of channels apart, done for a part of the channels at a time: less live memory.

A grouped convolution needs its input and its output at once. But a part of its groups needs no other part, so that the
output of each can be written where its input was, and the maps in between are as many times smaller as there are
parts. All levels of an MGIC block but the coarsest are such steps, from the sum that they begin with to their end.
"""

import copy
import operator
from math import gcd
from typing import Any

from torch import Tensor, fx, nn

from mgic.inference.in_place import ACTIVATION_FUNCTIONS, ACTIVATIONS, ARITHMETIC, is_new
from mgic.inference.traced import computes_as, hooked, module_of

PARTS = 4  # at most: with more, what else is live at the time is most of it


class ByParts(nn.Module):
    """Each part of the channels goes through steps of its own, and comes back where it was.

    Args:
        parts: One for each of as many equal parts of the channels; they keep the shape.

    Shape:
        (batch, channels, height, width) -> the same, in the memory of the input.
    """

    def __init__(self, parts: list[fx.GraphModule]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        for part, piece in zip(self.parts, x.chunk(len(self.parts), dim=1), strict=True):
            piece.copy_(part(piece))
        return x


def split_into_parts(network: fx.GraphModule) -> int:
    """In place: steps that begin at new memory which only they read become `ByParts`, as many as can.

    Returns:
        How often.
    """
    gone: set[fx.Node] = set()
    count = 0
    for node in list(network.graph.nodes):
        if node in gone or not is_new(network, node) or len(node.meta["shape"]) != 4:
            continue
        parts, steps = _steps_from(network, node)
        if steps:
            _replace(network, node, steps, parts)
            gone |= set(steps)
            count += 1
    return count


def _steps_from(network: fx.GraphModule, first: fx.Node) -> tuple[int, list[fx.Node]]:
    """The most parts, and the most steps in so many, behind `first` that read nothing else; none: no steps.

    All of what they compute but the last is read by them alone, and that has the shape of the first.
    """
    steps: list[fx.Node] = []
    inside = {first}
    groups, best = 0, (1, 0)
    node = first.next
    while node.op != "root":
        if node.all_input_nodes and inside.issuperset(node.all_input_nodes) and _keeps_apart(network, node):
            inside.add(node)
            steps.append(node)
            module = module_of(network, node)
            groups = gcd(groups, module.groups) if isinstance(module, nn.Conv2d) else groups
            parts = max(d for d in range(1, PARTS + 1) if not groups % d)
            whole = all(inside.issuperset(one.users) for one in inside if one is not node)
            if groups and parts > 1 and whole and node.meta["shape"] == first.meta["shape"]:
                best = max(best, (parts, len(steps)))
        node = node.next
    return best[0], steps[: best[1]]


def _keeps_apart(network: fx.GraphModule, node: fx.Node) -> bool:
    """Whether parts of the channels may go through a step one by one, if it has as many groups."""
    module = module_of(network, node)
    if module is not None:
        grouped = computes_as(module, (nn.Conv2d,)) and module.groups > 1 and len(node.meta["shape"]) == 4
        return grouped or (type(module) in ACTIVATIONS and not hooked(module))
    if node.target in ACTIVATION_FUNCTIONS:
        return len(node.args) == 1
    shapes = {one.meta.get("shape") for one in node.all_input_nodes}
    sums = node.target in (*ARITHMETIC, operator.iadd) and not node.kwargs
    return sums and all(isinstance(one, fx.Node) for one in node.args) and shapes == {node.meta["shape"]}


def _replace(network: fx.GraphModule, first: fx.Node, steps: list[fx.Node], parts: int) -> None:
    name = f"{steps[-1].name}_by_parts"
    network.add_submodule(name, ByParts([_part(network, first, steps, number, parts) for number in range(parts)]))
    with network.graph.inserting_after(steps[-1]):
        new = network.graph.call_module(name, (first,))
    steps[-1].replace_all_uses_with(new)
    new.meta = dict(steps[-1].meta)
    for step in reversed(steps):
        network.graph.erase_node(step)


def _part(network: fx.GraphModule, first: fx.Node, steps: list[fx.Node], number: int, parts: int) -> fx.GraphModule:
    graph, modules = fx.Graph(), {}
    made = {first: graph.placeholder("x")}
    for step in steps:
        made[step] = graph.node_copy(step, made.__getitem__)
        if step.op == "call_module":
            modules[step.name] = _module_part(module_of(network, step), number, parts)
            made[step].target = step.name
    graph.output(made[steps[-1]])
    return fx.GraphModule(modules, graph)


def _module_part(module: Any, number: int, parts: int) -> nn.Module:
    part: nn.Module = copy.deepcopy(module)
    if isinstance(part, nn.Conv2d):
        part.in_channels //= parts
        part.out_channels //= parts
        part.groups //= parts
        part.weight = _piece(module.weight, number, parts)
        part.bias = None if module.bias is None else _piece(module.bias, number, parts)
    return part


def _piece(weight: Tensor, number: int, parts: int) -> nn.Parameter:
    return nn.Parameter(weight.detach().chunk(parts)[number].clone(), requires_grad=False)
