"""Steps of a traced network that may write over their input: activations, and sums of two maps."""

import operator
from typing import Any

import torch
from torch import fx, nn
from torch.nn import functional

from mgic.inference.traced import LINEAR, NORMS, computes_as, first_input, hooked, module_of

ACTIVATIONS = (
    nn.CELU,
    nn.ELU,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.LeakyReLU,
    nn.Mish,
    nn.ReLU,
    nn.ReLU6,
    nn.SELU,
    nn.SiLU,
)
ACTIVATION_FUNCTIONS = (
    functional.celu,
    functional.elu,
    functional.hardsigmoid,
    functional.hardswish,
    functional.leaky_relu,
    functional.mish,
    functional.relu,
    functional.relu6,
    functional.selu,
    functional.silu,
)
ARITHMETIC = (operator.add, operator.mul, operator.sub, torch.add, torch.mul, torch.sub)


def write_in_place(network: fx.GraphModule) -> None:
    """In place: activations and sums write over an input that is fresh and read by nothing else."""
    safe: dict[Any, bool] = {}
    for node in network.graph.nodes:
        module = module_of(network, node)
        fresh = is_fresh(network, first_input(node))
        if type(module) in ACTIVATIONS and not hooked(module):
            safe[module] = safe.get(module, True) and fresh
        elif node.target in ACTIVATION_FUNCTIONS and len(node.args) == 1 and fresh:
            node.kwargs = {**node.kwargs, "inplace": True}
        elif node.target in (operator.add, torch.add):
            _add_in_place(network, node)
    for module, always in safe.items():
        module.inplace = module.inplace or always


def _add_in_place(network: fx.GraphModule, node: fx.Node) -> None:
    """In place: the sum of two tensors of one shape writes over the first of them that may be written over.

    Where a size is 1, another example may be broadcast along it: such sums are left.
    """
    terms = [one for one in node.args if isinstance(one, fx.Node)]
    shape = node.meta.get("shape", (1,))
    if len(terms) != 2 or len(node.args) != 2 or node.kwargs or 1 in shape:
        return
    if any((one.meta.get("shape"), one.meta.get("dtype")) != (shape, node.meta["dtype"]) for one in terms):
        return
    for over, other in (terms, reversed(terms)):
        if is_fresh(network, over):
            node.target, node.args = operator.iadd, (over, other)
            node.meta["over_fresh"] = True
            return


def is_fresh(network: fx.GraphModule, node: fx.Node | None) -> bool:
    """Whether the output is new memory, no view of an input or a parameter, with a single reader."""
    return node is not None and len(node.users) == 1 and is_new(network, node)


def is_new(network: fx.GraphModule, node: fx.Node) -> bool:
    """Whether the output is new memory, or such that a step before has written over, and is read by none before."""
    if node.op == "call_function":
        return node.meta.get("over_fresh", False) or (node.target in ARITHMETIC and not node.kwargs)
    return computes_as(module_of(network, node), (*LINEAR, *NORMS))
