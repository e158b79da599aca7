"""Small networks as graphs, and what ONNX Runtime makes of them."""

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from mgic.inference.export import _exported
from mgic.inference.rewrites import Graph
from tests.mgic.inference.networks import drawn, images


def graph_of(network: nn.Module, channels: int, side: int = 6) -> Graph:
    return Graph(_exported(drawn(network).eval(), images(2, side, channels), free_batch=True))


def output(content: bytes, x: torch.Tensor, level: str = "ORT_ENABLE_ALL") -> np.ndarray:
    """By ONNX Runtime; at ORT_DISABLE_ALL it computes the nodes as they stand."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(["output"], {"input": x.numpy()})[0]


def largest_difference(network: nn.Module, graph: Graph, channels: int, side: int = 6) -> float:
    """Between the network and its graph on three images, relative to the largest output."""
    x = images(3, side, channels)
    with torch.no_grad():
        expected = network.eval()(x).numpy()
    found = output(graph.content({}), x, "ORT_DISABLE_ALL")
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def operators(graph: Graph) -> Counter:
    return Counter(node.op_type for node in graph.nodes)


def of_runtime(content: bytes, path: str) -> Counter:
    """The operators that ONNX Runtime computes a file with on this machine."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = path
    options.log_severity_level = 4
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(path).graph.node)
