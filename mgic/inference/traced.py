"""The graph of a network: traced as far as `torch.fx` can follow it, and what its nodes are."""

import inspect
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.dropout import _DropoutNd

from mgic.inference.check import evaluation_copy

LINEAR = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)

# What a forward that fx cannot follow may raise: its own error is a ValueError; the others come from Python
# where a number or a tensor is needed and a stand-in is given.
_UNTRACEABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class _Tracer(fx.Tracer):
    """Takes for one step: torch's layers, subclasses too, what has hooks, and the classes in `opaque`.

    Args:
        opaque: Classes of modules whose forward cannot be followed.
    """

    def __init__(self, opaque: set[type[nn.Module]]) -> None:
        super().__init__()
        self.opaque = opaque
        self.stuck: type[nn.Module] | None = None

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        whole = isinstance(m, _ConvNd | _BatchNorm) or type(m) in self.opaque or hooked(m)
        return whole or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        try:
            return super().call_module(m, forward, args, kwargs)
        except _UNTRACEABLE:
            self.stuck = self.stuck or type(m)  # the innermost module is the first to see it
            raise


class _Shapes(fx.Interpreter):
    """Runs a graph and notes the shape and the dtype of every tensor in it."""

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            n.meta["shape"], n.meta["dtype"] = tuple(result.shape), result.dtype
        return result


def traced(model: nn.Module, examples: Tensor) -> fx.GraphModule | None:
    """The graph of a copy, without steps that do nothing; None where fx cannot follow the network's own forward.

    Its nodes know the `shape` and the `dtype` of their tensors on the examples, in `meta`.
    """
    if hooked(model):
        return None
    network = evaluation_copy(model)
    _split_norms(network)
    parameters = list(inspect.signature(network.forward).parameters.values())
    defaults = {p.name: p.default for p in parameters[1:] if p.default is not p.empty}
    graph = _graph(network, defaults)
    if graph is None:
        return None
    traced = fx.GraphModule(network, graph, type(model).__name__)
    try:
        _drop_identities(traced)
        with torch.no_grad():
            _Shapes(traced).run(examples.clone())
    except _UNTRACEABLE:
        return None
    return traced


def _graph(network: nn.Module, defaults: dict[str, Any]) -> fx.Graph | None:
    """Each failure makes one class of modules a single step, until the trace goes through."""
    opaque: set[type[nn.Module]] = set()
    while True:
        tracer = _Tracer(opaque)
        try:
            return tracer.trace(network, defaults)
        except _UNTRACEABLE:
            if tracer.stuck is None or tracer.stuck in opaque:
                return None
            opaque.add(tracer.stuck)


def _split_norms(network: nn.Module) -> None:
    """In place: timm's norms that contain an activation become a BatchNorm, a dropout and the activation."""
    layers = sys.modules.get("timm.layers")  # takes seconds to import; a network with such norms has done so
    if layers is None:
        return
    for parent in list(network.modules()):
        for name, norm in parent.named_children():
            if type(norm) is layers.BatchNormAct2d and not hooked(norm):
                setattr(parent, name, _split(norm))


def _split(norm: Any) -> nn.Module:
    plain = nn.BatchNorm2d(norm.num_features, norm.eps)
    plain.weight, plain.bias = norm.weight, norm.bias
    plain.running_mean, plain.running_var = norm.running_mean, norm.running_var
    return nn.Sequential(plain, norm.drop, norm.act).eval()


def _drop_identities(network: fx.GraphModule) -> None:
    """In place: without the identities and dropouts, an output has the readers that read it in truth."""
    for node in network.graph.nodes:
        module = module_of(network, node)
        if isinstance(module, nn.Identity | _DropoutNd) and not hooked(module):
            node.replace_all_uses_with(first_input(node))
            network.graph.erase_node(node)


def first_input(node: fx.Node) -> fx.Node | None:
    """The first argument, where it is a tensor of the graph."""
    first = node.args[0] if node.args else node.kwargs.get("input")
    return first if isinstance(first, fx.Node) else None


def module_of(network: fx.GraphModule, node: Any) -> Any:
    """The module that a node calls; None if it calls none."""
    called = isinstance(node, fx.Node) and node.op == "call_module"
    return network.get_submodule(str(node.target)) if called else None


def computes_as(module: Any, kinds: tuple[type[nn.Module], ...]) -> bool:
    """Whether it is one of `kinds` that computes as its kind does: with the kind's own forward, its weights stored."""
    return (
        any(
            isinstance(module, kind)
            and all(
                getattr(type(module), name, None) is getattr(kind, name, None) for name in ("forward", "_conv_forward")
            )
            for kind in kinds
        )
        and not hooked(module)
        and "weight" in module._parameters  # not so if it is computed from others, as under a parametrisation
    )


def hooked(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)
