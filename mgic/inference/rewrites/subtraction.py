"""`y - c` as a sum: runtimes with a layout of their own often know sums in it, and no differences.

ONNX Runtime 1.31 computes a graph in blocks of 16 channels as long as it knows each operator in that layout; a
subtraction takes both operands out of it and its result back in, and stands by itself, where a sum becomes part of
the convolution before it.
"""

import numpy as np

from mgic.inference.rewrites.graph import Graph


def subtractions_as_sums(graph: Graph) -> int:
    """In place: each difference of two batches of maps of one shape becomes a sum.

    Where c is what a convolution makes for nobody else, that convolution takes the sign, and no operator is added.
    Else c goes through a depthwise 1x1 convolution with weight -1, to which the runtime adds y as it writes. Sign
    changes round nothing: the numbers stay the same to the last bit.

    Returns:
        How many there were.
    """
    readers, makers = graph.readers(), graph.makers()
    nodes, count = [], 0
    for node in graph.nodes:
        if node.op_type != "Sub" or not _of_maps(graph, node):
            nodes.append(node)
            continue
        count += 1
        minuend, subtrahend = node.input
        maker = makers.get(subtrahend)
        if maker is not None and maker.op_type == "Conv" and len(readers[subtrahend]) == 1 and _known(graph, maker):
            for place in range(1, len(maker.input)):
                maker.input[place] = graph.weight(-graph.weights[maker.input[place]])
            nodes.append(graph.node("Add", [minuend, subtrahend], node.output[0]))
            continue
        channels = graph.channels(subtrahend) or 0
        sign = graph.weight(np.full((channels, 1, 1, 1), -1, np.float32))
        negated = graph.node("Conv", [subtrahend, sign], group=channels, kernel_shape=[1, 1])
        nodes += [negated, graph.node("Add", [negated.output[0], minuend], node.output[0])]
    graph.nodes = nodes
    graph.refresh()
    return count


def _known(graph: Graph, convolution: object) -> bool:
    names = list(getattr(convolution, "input", ()))[1:]
    return all(name in graph.weights for name in names)


def _of_maps(graph: Graph, node: object) -> bool:
    one, other = getattr(node, "input", ("", ""))
    return graph.channels(one) is not None and graph.shapes[one] == graph.shapes.get(other)
