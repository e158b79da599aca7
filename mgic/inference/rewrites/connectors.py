"""A depthwise convolution that makes several channels of each as steps that runtimes have fast code for.

Fast code is there for as many channels out as in. Of k channels a channel, the convolution becomes either a
repetition of each channel, a grouped 1x1 convolution with weights 0 and 1, and a depthwise convolution of as many
channels as come out; or, where it strides, k depthwise convolutions, whose channels 1x1 convolutions bring into their
places and add up: whichever takes fewer multiply-accumulates.
"""

from typing import Any

import numpy as np

from mgic.inference.rewrites.graph import Array, Graph

BLOCK = 16  # channels of a group of the 1x1 convolutions, ONNX Runtime's block with AVX-512


def split_connectors(graph: Graph) -> int:
    """In place; multiplications by 0 and 1 and sums with 0 round nothing.

    Returns:
        How many there were, of a number of channels that is a multiple of 16.
    """
    nodes, count = [], 0
    for node in graph.nodes:
        if not _multiplies(graph, node):
            nodes.append(node)
            continue
        count += 1
        channels, rows = graph.groups(node), len(graph.weights[node.input[1]])
        repeats, area = rows // channels, int(np.prod(graph.attribute(node, "strides", [1, 1])))
        nodes += _repeated(graph, node) if area <= repeats else _scattered(graph, node)
    graph.nodes = nodes
    graph.refresh()
    return count


def _multiplies(graph: Graph, node: Any) -> bool:
    if node.op_type != "Conv" or graph.channels(node.input[0]) is None or node.input[1] not in graph.weights:
        return False
    groups, weight = graph.groups(node), graph.weights[node.input[1]]
    return groups > 1 and groups % BLOCK == 0 and weight.shape[1] == 1 and len(weight) > groups


def _repeated(graph: Graph, node: Any) -> list[Any]:
    rows = len(graph.weights[node.input[1]])
    repeats = rows // graph.groups(node)
    every = _places(rows, repeats, range(repeats))
    wide = graph.node("Conv", [node.input[0], graph.weight(every)], **_pointwise(graph, node))
    attributes = {**graph.attributes(node), "group": rows}
    return [wide, graph.node("Conv", [wide.output[0], *node.input[1:]], node.output[0], **attributes)]


def _scattered(graph: Graph, node: Any) -> list[Any]:
    weight = graph.weights[node.input[1]]
    rows, attributes = len(weight), graph.attributes(node)
    repeats = rows // graph.groups(node)
    nodes, so_far = [], ""
    for number in range(repeats):
        part = graph.node("Conv", [node.input[0], graph.weight(weight[number::repeats])], **attributes)
        bias = node.input[2:] if number == 0 else []
        places = graph.weight(_places(rows, repeats, [number]))
        placed = graph.node("Conv", [part.output[0], places, *bias], **_pointwise(graph, node))
        nodes += [part, placed]
        if so_far:
            last = node.output[0] if number == repeats - 1 else None
            nodes.append(graph.node("Add", [placed.output[0], so_far], last))
        so_far = nodes[-1].output[0]
    return nodes


def _pointwise(graph: Graph, node: Any) -> dict[str, Any]:
    return {"group": graph.groups(node) // BLOCK, "kernel_shape": [1, 1]}


def _places(rows: int, repeats: int, numbers: Any) -> Array:
    """The weight of a 1x1 convolution whose channel o is channel o // repeats, if o % repeats is one of the numbers."""
    weight = np.zeros((rows, BLOCK, 1, 1), np.float32)
    for row in range(rows):
        if row % repeats in numbers:
            weight[row, row // repeats % BLOCK] = 1
    return weight
