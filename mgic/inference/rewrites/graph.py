"""An ONNX graph that rewrites can change: its nodes, its weights as arrays, and the shapes of what is between."""

from collections import defaultdict
from importlib import import_module
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int | None, ...]  # None is a size that is free, as that of the batch


class Graph:
    """The graph of an exported network, without the nodes that only give a tensor a second name or hold a constant.

    Args:
        content: Of an ONNX file with one input, whose weights lie in it.
    """

    def __init__(self, content: bytes) -> None:
        self._onnx = import_module("onnx")
        self._helper = import_module("onnx.helper")
        self._model = self._onnx.load_from_string(content)
        graph = self._model.graph
        to_array = import_module("onnx.numpy_helper").to_array
        self.weights: dict[str, Array] = {one.name: to_array(one) for one in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant" and (value := self.attribute(node, "value")) is not None:
                self.weights[node.output[0]] = to_array(value)
        self.outputs = {one.name for one in graph.output}
        self.inputs = {one.name for one in graph.input} - self.weights.keys()
        self.nodes: list[Any] = [node for node in graph.node if node.output[0] not in self.weights]
        self._made = 0
        self._drop_second_names()
        self.shapes = self._shapes()

    def attribute(self, node: Any, name: str, default: Any = None) -> Any:
        """What a node has under this name."""
        found = next((one for one in node.attribute if one.name == name), None)
        return default if found is None else self._helper.get_attribute_value(found)

    def attributes(self, node: Any) -> dict[str, Any]:
        return {one.name: self._helper.get_attribute_value(one) for one in node.attribute}

    def node(self, operator: str, inputs: list[str], output: str | None = None, **attributes: Any) -> Any:
        """A new node, whose output has a name of its own if none is given; where it goes is the caller's to say."""
        name = self._name()
        return self._helper.make_node(operator, inputs, [output or name], name=f"{operator}_{name}", **attributes)

    def weight(self, values: Array) -> str:
        """The name of a new weight."""
        name = self._name()
        self.weights[name] = np.ascontiguousarray(values)
        return name

    def readers(self) -> dict[str, list[Any]]:
        """By tensor: the nodes that read it; an output of the graph has one reader more, None."""
        found: dict[str, list[Any]] = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                found[name].append(node)
        for name in self.outputs:
            found[name].append(None)
        return found

    def makers(self) -> dict[str, Any]:
        """By tensor: the node that makes it."""
        return {name: node for node in self.nodes for name in node.output}

    def channels(self, name: str) -> int | None:
        """Of a batch of maps, `(batch, channels, height, width)` with the last three known; else None."""
        shape = self.shapes.get(name, ())
        return shape[1] if len(shape) == 4 and None not in shape[1:] else None

    def pixels(self, name: str) -> int:
        """Positions of a tensor with these channels: the product of its sizes from the third on."""
        return prod(size or 0 for size in self.shapes[name][2:])

    def groups(self, convolution: Any) -> int:
        return int(self.attribute(convolution, "group", 1))

    def macs(self) -> int:
        """Multiply-accumulates of one sample in the convolutions whose weights are known; rewrites change no others."""
        return sum(
            self.weights[node.input[1]].size * self.pixels(node.output[0])
            for node in self.nodes
            if node.op_type == "Conv" and node.input[1] in self.weights and len(self.shapes.get(node.output[0], ())) > 2
        )

    def multiplies_maps(self) -> bool:
        """Whether a product has two factors that are computed, both batches of maps."""
        return any(
            node.op_type == "Mul" and all(self.channels(name) is not None for name in node.input) for node in self.nodes
        )

    def refresh(self) -> None:
        """Infer the shapes anew, after nodes were changed."""
        self._write()
        self.shapes = self._shapes()

    def content(self, notes: dict[str, str]) -> bytes:
        """The file: of equal graphs, equal bytes. The notes become its metadata."""
        self._write()
        self._helper.set_model_props(self._model, notes)
        self._onnx.checker.check_model(self._model)
        written: bytes = self._model.SerializeToString(deterministic=True)
        return written

    def _write(self) -> None:
        graph, from_array = self._model.graph, import_module("onnx.numpy_helper").from_array
        used = {name for node in self.nodes for name in node.input} | self.outputs
        nodes = list(self.nodes)
        del graph.node[:], graph.initializer[:], graph.value_info[:]
        graph.node.extend(nodes)
        graph.initializer.extend(from_array(values, name) for name, values in self.weights.items() if name in used)
        self.nodes = list(graph.node)  # extend copies, and what is changed later has to be what is written

    def _name(self) -> str:
        self._made += 1
        return f"rewritten_{self._made}"

    def _drop_second_names(self) -> None:
        first: dict[str, str] = {}
        kept = []
        for node in self.nodes:
            for place, name in enumerate(node.input):
                node.input[place] = first.get(name, name)
            if node.op_type == "Identity" and node.output[0] not in self.outputs:
                first[node.output[0]] = node.input[0]
            else:
                kept.append(node)
        self.nodes = kept

    def _shapes(self) -> dict[str, Shape]:
        """Of tensors in float32, which alone are rewritten."""
        graph = self._onnx.shape_inference.infer_shapes(self._model, data_prop=True).graph
        return {
            one.name: tuple(
                size.dim_value if size.WhichOneof("value") == "dim_value" else None
                for size in one.type.tensor_type.shape.dim
            )
            for one in (*graph.input, *graph.value_info, *graph.output)
            if one.type.tensor_type.elem_type == self._onnx.TensorProto.FLOAT
        }
