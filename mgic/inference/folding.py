"""A network made faster without changing what it computes: norms folded, activations in place."""

import copy
import inspect
import operator
import sys
from collections.abc import Callable
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.utils.fusion import fuse_conv_bn_weights

from mgic.errors import BadConfig, Problem
from mgic.inference.check import IMAGES, compare, eager_outputs, evaluation_copy, output_of, reference_output, several
from mgic.inference.race import fastest_network

Here = Literal["portable", "host"]  # for whom a network is folded

_LINEAR = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_ACTIVATIONS = (
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
_ACTIVATION_FUNCTIONS = (
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
_ARITHMETIC = (operator.add, operator.mul, operator.sub, torch.add, torch.mul, torch.sub)

# What a forward that fx cannot follow may raise: its own error is a ValueError; the others come from Python
# where a number or a tensor is needed and a stand-in is given.
_UNTRACEABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def optimize_for_inference(model: nn.Module, example: Tensor, target: Here = "portable") -> nn.Module:
    """A copy of the model for inference, faster and giving the same numbers but for rounding.

    In the copy a BatchNorm is part of the convolution or linear layer whose output only it reads;
    activations write over their input where nobody else reads it; dropout and identities are gone.
    It stays in evaluation mode, its parameters ask for no gradient, and further arguments of `forward` stay
    at their defaults.

    Left as they are: layers that compute their weight as they run or have hooks, transposed convolutions,
    norms of the batch's own statistics. A module is left as a whole, with all in it, if `torch.fx` cannot trace
    its forward because that decides by the values or sizes of tensors; if the network's own forward does, or
    has hooks, the copy is in evaluation mode and no more.

    Args:
        model: Of any floating dtype, in either mode; left as found.
        example: An input with its batch, on the model's device: shapes are read from it, and the copy is
            compared with the model on it. Other batches and sizes work as in the model.
        target: "portable" is the copy above, on every machine. "host" is the fastest on this one, on the example: that
            copy, the same with its weights in channels_last, or a plain copy where neither is faster.

    Cost:
        Six forward passes, one of them in float64, and four of them on at least four samples (more, if the output is
        under 64 numbers); four copies of the parameters meanwhile, one of them in float64. With "host" half a
        second, or 11 passes, for each of the two or three.

    Returns:
        A `torch.fx.GraphModule`, or a plain copy where the network's own forward cannot be traced.

    Raises:
        BadConfig: The example does not fit, the output is not one finite tensor, there is no such target, or the
            copy's output is further from float64 than `mgic.inference.Agreement` puts down to rounding.

    Examples:
        >>> import torch
        >>> import mgic
        >>> network, images = mgic.create("mgic_resnet20").eval(), torch.rand(4, 3, 32, 32)
        >>> fast = mgic.optimize_for_inference(network, images)
        >>> torch.allclose(fast(images), network(images), atol=1e-4)
        True
        >>> any(isinstance(module, torch.nn.BatchNorm2d) for module in fast.modules())
        False
    """
    _check_target(target)
    network = evaluation_copy(model).requires_grad_(False)
    samples = several(example, output_of(network, example), least=1)
    optimised = _traced(model, example)
    if optimised is None:
        return network
    _fold_norms(optimised)
    _write_in_place(optimised)
    optimised.delete_all_unused_submodules()
    optimised.recompile()
    optimised.eval().requires_grad_(False)
    reference, eager = reference_output(model, samples), eager_outputs(network, samples)
    _check(optimised, samples, eager, reference)
    if target == "portable":
        return optimised
    return _fastest_here(network, optimised, example, lambda form: _check(form, samples, eager, reference))


def _check_target(target: str) -> None:
    """Raises `BadConfig` at `target`."""
    if target not in get_args(Here):
        detail = f"target={target!r} is none of {', '.join(get_args(Here))}"
        raise BadConfig(detail, (Problem("target", "literal_error", detail),))


def _fastest_here(
    network: nn.Module, optimised: nn.Module, example: Tensor, check: Callable[[nn.Module], None]
) -> nn.Module:
    candidates = [network, optimised]
    if example.ndim == IMAGES:
        last: nn.Module = cast(Any, copy.deepcopy(optimised)).to(memory_format=torch.channels_last)
        check(last)
        candidates.append(last)
    return candidates[fastest_network(candidates, example)]


def _check(optimised: nn.Module, samples: Tensor, eager: list[Tensor], reference: Tensor) -> None:
    """Raises `BadConfig` where it is not the network."""
    agreement = compare(output_of(optimised, samples), eager, reference)
    if not agreement.holds:
        detail = (
            f"folding the norms changes the output by {agreement.error:.2g}, where rounding explains "
            f"{agreement.bound:.2g}; use the network as it is"
        )
        raise BadConfig(detail, (Problem("model", "not_equal", detail),))


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
        whole = isinstance(m, _ConvNd | _BatchNorm) or type(m) in self.opaque or _hooked(m)
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
    """Runs a graph and notes the number of dimensions of every tensor in it."""

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            n.meta["dimensions"] = result.ndim
        return result


def _traced(model: nn.Module, example: Tensor) -> fx.GraphModule | None:
    """The graph of a copy, without steps that do nothing; None where fx cannot follow the network's own forward."""
    if _hooked(model):
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
            _Shapes(traced).run(example.clone())
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
            if type(norm) is layers.BatchNormAct2d and not _hooked(norm):
                setattr(parent, name, _split(norm))


def _split(norm: Any) -> nn.Module:
    plain = nn.BatchNorm2d(norm.num_features, norm.eps)
    plain.weight, plain.bias = norm.weight, norm.bias
    plain.running_mean, plain.running_var = norm.running_mean, norm.running_var
    return nn.Sequential(plain, norm.drop, norm.act).eval()


def _drop_identities(network: fx.GraphModule) -> None:
    """In place: without the identities and dropouts, an output has the readers that read it in truth."""
    for node in network.graph.nodes:
        module = _module(network, node)
        if isinstance(module, nn.Identity | _DropoutNd) and not _hooked(module):
            node.replace_all_uses_with(_input(node))
            network.graph.erase_node(node)


def _fold_norms(network: fx.GraphModule) -> None:
    """In place: each foldable pair becomes a layer of its own name, so that what shares the old one keeps it."""
    for node in network.graph.nodes:
        norm = _module(network, node)
        if not _computes_as(norm, _NORMS) or norm.running_mean is None or norm.running_var is None:
            continue
        before = _input(node)
        layer = _module(network, before)
        # Unbatched or, for Linear, with inner dimensions, the norm's channels are not the layer's.
        if before is None or not _computes_as(layer, _LINEAR) or before.meta["dimensions"] != layer.weight.ndim:
            continue
        if len(before.users) > 1:
            continue
        folded = copy.deepcopy(layer)
        folded.weight, folded.bias = fuse_conv_bn_weights(
            layer.weight, layer.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
        name = f"{before.name}_folded"
        network.add_submodule(name, folded)
        before.target = name
        node.replace_all_uses_with(before)
        network.graph.erase_node(node)


def _write_in_place(network: fx.GraphModule) -> None:
    """In place: activations write over an input that is fresh and read by nothing else."""
    safe: dict[Any, bool] = {}
    for node in network.graph.nodes:
        module = _module(network, node)
        fresh = _is_fresh(network, _input(node))
        if type(module) in _ACTIVATIONS and not _hooked(module):
            safe[module] = safe.get(module, True) and fresh
        elif node.target in _ACTIVATION_FUNCTIONS and len(node.args) == 1 and fresh:
            node.kwargs = {**node.kwargs, "inplace": True}
    for module, always in safe.items():
        module.inplace = module.inplace or always


def _is_fresh(network: fx.GraphModule, node: fx.Node | None) -> bool:
    """Whether the output is new memory, no view of an input or a parameter, with a single reader."""
    if node is None or len(node.users) > 1:
        return False
    if node.op == "call_function":
        return node.target in _ARITHMETIC and not node.kwargs
    return _computes_as(_module(network, node), (*_LINEAR, *_NORMS))


def _input(node: fx.Node) -> fx.Node | None:
    """The first argument, where it is a tensor of the graph."""
    first = node.args[0] if node.args else node.kwargs.get("input")
    return first if isinstance(first, fx.Node) else None


def _module(network: fx.GraphModule, node: Any) -> Any:
    """The module that a node calls; None if it calls none."""
    called = isinstance(node, fx.Node) and node.op == "call_module"
    return network.get_submodule(str(node.target)) if called else None


def _computes_as(module: Any, kinds: tuple[type[nn.Module], ...]) -> bool:
    """Whether it is one of `kinds` that computes as its kind does: with the kind's own forward, its weights stored."""
    return (
        any(
            isinstance(module, kind)
            and all(
                getattr(type(module), name, None) is getattr(kind, name, None) for name in ("forward", "_conv_forward")
            )
            for kind in kinds
        )
        and not _hooked(module)
        and "weight" in module._parameters  # not so if it is computed from others, as under a parametrisation
    )


def _hooked(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)
