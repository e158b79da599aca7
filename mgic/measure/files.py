"""What is exact of a network that is a file: an ONNX graph, or weights in safetensors."""

import json
from collections.abc import Callable, Iterable
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from mgic.errors import BadConfig, Problem
from mgic.extras import how_to_get
from mgic.records import ModelFigures

GRAPH, WEIGHTS = ".onnx", ".safetensors"
LFS = b"version https://git-lfs.github.com/spec/"
LONGEST_HEADER = 100_000_000  # bytes, as the format allows
# Which input of an operator has its weights, or the right hand of the product.
PRODUCTS = {"MatMul": 1, "MatMulInteger": 1, "QLinearMatMul": 3}
CONVOLUTIONS = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3}
UNCOUNTED = {"Einsum", "LSTM", "GRU", "RNN", "Attention", "MultiHeadAttention", "DeformConv"}
COUNTERS = {"INT64", "INT32", "BOOL", "UINT64"}  # of shapes and places, no weights


def is_file(spec: str) -> bool:
    """Whether a model is named by a file."""
    return spec.endswith((GRAPH, WEIGHTS))


def file_figures(spec: str) -> ModelFigures:
    """Parameters, size, and of a graph the multiply-accumulates of one sample; of weights alone they are 0.

    Args:
        spec: Path from the current directory.

    Raises:
        BadConfig: It is no such file, a pointer of Git LFS, or has an operator that is not counted.
    """
    path = Path(spec)
    if path.is_dir():
        raise _bad(f"{spec} is a folder, not a file")
    with path.open("rb") as file:
        if file.read(len(LFS)) == LFS:
            raise _bad(f"{spec} is a pointer of Git LFS, not the file itself: run `git lfs pull`")
    size = path.stat().st_size
    if spec.endswith(WEIGHTS):
        return _figures(spec, (1,), _weights(path), 0, size)
    graph = _graph(path)
    return _figures(spec, _sample(graph), _numbers(graph), sum(_macs(graph, spec)), size)


def file_forward(spec: str, batch_size: int, seed: int) -> Callable[[], object]:
    """A pass by ONNX Runtime, in one thread, over inputs drawn from the seed. Raises `BadConfig`."""
    runtime = _package("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = runtime.InferenceSession(spec, options, providers=["CPUExecutionProvider"])
    draw = np.random.default_rng(seed)
    feed = {}
    for one in session.get_inputs():
        shape = [size if isinstance(size, int) and size > 0 else batch_size for size in one.shape]
        if "float" not in one.type:
            raise _bad(f"{spec} wants {one.type} for {one.name}: only numbers with a fraction are drawn here")
        dtype = np.float16 if "float16" in one.type else np.float64 if "double" in one.type else np.float32
        feed[one.name] = draw.standard_normal(shape).astype(dtype)
    return lambda: session.run(None, feed)


def _weights(path: Path) -> int:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(LONGEST_HEADER, path.stat().st_size):
            raise _bad(f"{path} is no safetensors file")
        try:
            header = json.loads(file.read(length))
            return sum(prod(one["shape"]) for name, one in header.items() if name != "__metadata__")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _bad(f"{path} is no safetensors file: its header cannot be read") from error


def _graph(path: Path) -> Any:
    """With the shapes of all that is between, for a batch of one."""
    onnx = _package("onnx")
    _package("onnxruntime")  # what times it is imported by then
    try:
        model = onnx.load(str(path), load_external_data=False)
    except _package("google.protobuf.message").DecodeError as error:
        raise _bad(f"{path} is no ONNX file: {type(error).__name__}") from error
    for one in model.graph.input:
        for place, size in enumerate(one.type.tensor_type.shape.dim):
            if size.WhichOneof("value") != "dim_value":
                if place:
                    raise _bad(f"{path}: size {place} of its input {one.name} is not fixed, so that nothing is counted")
                size.dim_value = 1
    return onnx.shape_inference.infer_shapes(model, data_prop=True).graph


def _sample(graph: Any) -> tuple[int, ...]:
    known = {one.name for one in graph.initializer}
    first = next((one for one in graph.input if one.name not in known), None)
    sizes = () if first is None else tuple(size.dim_value for size in first.type.tensor_type.shape.dim)
    return (sizes[1:] or (1,))[:3]


def _numbers(graph: Any) -> int:
    types = _package("onnx").TensorProto.DataType
    return sum(prod(one.dims) for one in graph.initializer if types.Name(one.data_type) not in COUNTERS)


def _macs(graph: Any, spec: str) -> Iterable[int]:
    shapes = {one.name: tuple(one.dims) for one in graph.initializer}
    for one in (*graph.input, *graph.value_info, *graph.output):
        shapes[one.name] = tuple(size.dim_value for size in one.type.tensor_type.shape.dim)
    for node in graph.node:
        if node.op_type in UNCOUNTED:
            raise _bad(f"{spec} has {node.op_type}, whose multiply-accumulates are not counted here")
        try:
            yield _of_node(node, shapes)
        except KeyError as error:
            raise _bad(f"{spec}: the shape of {error.args[0]}, of {node.op_type}, cannot be inferred") from error


def _of_node(node: Any, shapes: dict[str, tuple[int, ...]]) -> int:
    if node.op_type in CONVOLUTIONS:  # weights: out, in / groups, kernel
        return prod(shapes[node.output[0]]) * prod(shapes[node.input[CONVOLUTIONS[node.op_type]]][1:])
    if node.op_type == "ConvTranspose":  # weights: in, out / groups, kernel
        return prod(shapes[node.input[0]]) * prod(shapes[node.input[1]][1:])
    if node.op_type in PRODUCTS:
        right = shapes[node.input[PRODUCTS[node.op_type]]]
        return prod(shapes[node.output[0]]) * right[-2 if len(right) > 1 else -1]
    if node.op_type == "Gemm":
        turned = any(one.name == "transA" and one.i for one in node.attribute)
        return prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if turned else 1]
    return 0


def _figures(spec: str, sample: tuple[int, ...], params: int, macs: int, size: int) -> ModelFigures:
    return ModelFigures(model=spec, options={}, input_size=sample, params=params, macs=macs, size_bytes=size)


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise _bad(how_to_get(error) or str(error)) from error


def _bad(words: str) -> BadConfig:
    return BadConfig(words, (Problem("models", "bad_file", words),))
