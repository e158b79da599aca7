"""Groups of channels that fill the blocks a runtime computes in: merged with zeros, or padded with channels of zeros.

ONNX Runtime has fast code for grouped convolutions whose groups read and write multiples of 16 channels (with AVX-512):
50 to 58 GMAC/s, where groups of 8 reach 21, groups of 4 reach 12, and every tensor is moved to another layout and
back in between (EPYC with AVX-512, one thread, 14x14 to 56x56 pixels, 28 November 2026). Two ways lead there. Groups
that stand side by side become one, with zeros where they do not mix: twice the multiply-accumulates for two. Or the
channels of each group are padded to the next multiple: 48 for 40. Which is cheaper depends on all convolutions that
read or write a tensor, so the layouts of all tensors are chosen together.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import gcd
from typing import Any

import numpy as np

from mgic.inference.rewrites.graph import Array, Graph

BLOCK = 16
# Operators that leave channels where they are, and make no infinite number of a 0.
UNARY = {
    *("Clip", "Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Mish", "Relu", "Selu", "Sigmoid", "Softplus"),
    *("Tanh", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool"),
}
BINARY = {"Add", "Mul", "Sub"}
SWEEPS = 20  # at most, of the search for layouts; three or four are enough


@dataclass
class Layout:
    """Where the channels of some tensors lie: in `parts` equal parts, each padded with zeros to full blocks.

    Args:
        channels: How many there are.
        fixed: Somebody reads them who must find them where they are.
    """

    channels: int
    fixed: bool = False
    parts: int = 1
    candidates: set[int] = field(default_factory=lambda: {1})

    @property
    def part(self) -> int:
        """Channels of a part, with its padding; one part is left as it is, since runtimes pad that themselves."""
        size = self.channels // self.parts
        return size if self.parts == 1 else -(-size // BLOCK) * BLOCK

    @property
    def width(self) -> int:
        return self.parts * self.part

    @property
    def places(self) -> Array:
        """Of each channel."""
        size = self.channels // self.parts
        number = np.arange(self.channels)
        return number // size * self.part + number % size

    def may(self, parts: int) -> bool:
        return not self.channels % parts and (not self.fixed or parts == 1 or not self.channels // parts % BLOCK)


@dataclass(frozen=True)
class Step:
    """A grouped or dense convolution between two layouts."""

    node: Any
    source: Layout
    target: Layout
    groups: int
    work: int  # kernel size times pixels of the output

    @property
    def merged(self) -> int:
        """Groups that are left: as many as both layouts keep apart."""
        return gcd(self.groups, self.source.parts, self.target.parts)

    @property
    def macs(self) -> int:
        return self.work * self.source.width * self.target.width // self.merged


def align_groups(graph: Graph) -> int:
    """In place: every grouped convolution between maps has groups of full blocks, or is dense.

    Returns:
        How many convolutions have other groups or more channels than before.
    """
    layouts = _layouts(graph)
    steps = _steps(graph, layouts)
    _choose(steps)
    changed = sum(_realign(graph, step) for step in steps)
    for node in graph.nodes:
        if _depthwise(graph, node):
            changed += _widen(graph, node, layouts[node.output[0]])
    graph.refresh()
    return changed


def _layouts(graph: Graph) -> dict[str, Layout]:
    """Of each batch of maps; tensors whose channels must lie alike share one."""
    same: dict[str, str] = {}

    def first(name: str) -> str:
        while same.get(name, name) != name:
            name = same[name]
        return name

    moved: set[str] = set()  # read or made by somebody who is not known to leave channels where they are
    for node in graph.nodes:
        together = _together(graph, node)
        if together is None:
            moved |= {*node.input, *node.output}
        for name in together or ():
            same[first(name)] = first((together or (name,))[0])
    moved |= graph.inputs | graph.outputs
    found: dict[str, Layout] = {}
    for name in graph.shapes:
        channels = graph.channels(name)
        if channels is not None:
            layout = found.setdefault(first(name), Layout(channels))
            layout.fixed |= name in moved
            found[name] = layout
    return found


def _together(graph: Graph, node: Any) -> tuple[str, ...] | None:
    """The tensors of a node whose channels lie alike; None where nothing is known of it."""
    output = node.output[0]
    channels = graph.channels(output)
    if channels is None or len(node.output) > 1:
        return None
    if node.op_type == "Conv":
        known = all(name in graph.weights for name in node.input[1:]) and graph.channels(node.input[0]) is not None
        return () if known and not _depthwise(graph, node) else ((output, node.input[0]) if known else None)
    if node.op_type in UNARY:
        return (output, node.input[0])
    if node.op_type == "ReduceMean" and graph.channels(node.input[0]) == channels:
        axes = graph.weights.get(node.input[1]) if len(node.input) > 1 else None
        return (output, node.input[0]) if axes is not None and sorted(int(a) % 4 for a in axes) == [2, 3] else None
    if node.op_type in BINARY:
        tensors = [name for name in node.input if name not in graph.weights or graph.weights[name].size > 1]
        return (output, *tensors) if all(graph.channels(name) == channels for name in tensors) else None
    return None


def _depthwise(graph: Graph, node: Any) -> bool:
    if node.op_type != "Conv" or node.input[1] not in graph.weights or graph.channels(node.input[0]) is None:
        return False
    weight = graph.weights[node.input[1]]
    return weight.shape[1] == 1 and len(weight) == graph.groups(node) > 1


def _steps(graph: Graph, layouts: dict[str, Layout]) -> list[Step]:
    steps = []
    for node in graph.nodes:
        if node.op_type == "Conv" and _together(graph, node) == ():
            weight = graph.weights[node.input[1]]
            work = int(np.prod(weight.shape[2:])) * graph.pixels(node.output[0])
            source, target = layouts[node.input[0]], layouts[node.output[0]]
            step = Step(node, source, target, graph.groups(node), work)
            steps.append(step)
            for layout in (source, target):
                layout.candidates |= {d for d in range(1, step.groups + 1) if not step.groups % d and layout.may(d)}
    return steps


def _choose(steps: list[Step]) -> None:
    """Set the parts of all layouts such that the multiply-accumulates are few: none is better changed alone.

    From as many parts as there can be, and from one each; the better end is taken.
    """
    of: dict[int, list[Step]] = defaultdict(list)
    layouts: dict[int, Layout] = {}
    for step in steps:
        for layout in (step.source, step.target):
            layouts[id(layout)] = layout
            of[id(layout)].append(step)
    ends = []
    for start in (max, min):
        for layout in layouts.values():
            layout.parts = start(layout.candidates)
        _descend(layouts, of)
        ends.append((sum(step.macs for step in steps), [layout.parts for layout in layouts.values()]))
    for layout, parts in zip(layouts.values(), min(ends)[1], strict=True):
        layout.parts = parts


def _descend(layouts: dict[int, Layout], of: dict[int, list[Step]]) -> None:
    for _ in range(SWEEPS):
        moved = False
        for key, layout in layouts.items():
            costs = []
            before = layout.parts
            for parts in sorted(layout.candidates):
                layout.parts = parts
                costs.append((sum(step.macs for step in of[key]), layout.width, -parts, parts))
            layout.parts = min(costs)[3]
            moved |= layout.parts != before
        if not moved:
            return


def _realign(graph: Graph, step: Step) -> bool:
    """In place: the convolution's weight between the two layouts."""
    node, old = step.node, graph.weights[step.node.input[1]]
    source, target = step.source.width // step.merged, step.target.width // step.merged
    if (step.merged, step.source.width, step.target.width) == (step.groups, step.source.channels, step.target.channels):
        return False
    new = np.zeros((step.target.width, source, *old.shape[2:]), old.dtype)
    per_group = len(old) // step.groups
    places_in, places_out = step.source.places, step.target.places
    for row, place in enumerate(places_out):
        first = row // per_group * old.shape[1]
        columns = places_in[first : first + old.shape[1]] - place // target * source
        new[place, columns] = old[row]
    node.input[1] = graph.weight(new)
    _set_groups(node, step.merged)
    _widen_bias(graph, node, step.target)
    return True


def _widen(graph: Graph, node: Any, layout: Layout) -> bool:
    """In place: a depthwise convolution over the padding too."""
    if layout.width == layout.channels:
        return False
    old = graph.weights[node.input[1]]
    new = np.zeros((layout.width, *old.shape[1:]), old.dtype)
    new[layout.places] = old
    node.input[1] = graph.weight(new)
    _set_groups(node, layout.width)
    _widen_bias(graph, node, layout)
    return True


def _widen_bias(graph: Graph, node: Any, layout: Layout) -> None:
    if len(node.input) > 2 and layout.width != layout.channels:
        new = np.zeros(layout.width, np.float32)
        new[layout.places] = graph.weights[node.input[2]]
        node.input[2] = graph.weight(new)


def _set_groups(node: Any, groups: int) -> None:
    for one in node.attribute:
        if one.name == "group":
            one.i = groups
