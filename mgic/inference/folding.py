"""A network made faster without changing what it computes: norms folded, activations in place."""

import copy
from collections.abc import Callable
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from mgic.errors import BadConfig, Problem
from mgic.inference.check import IMAGES, compare, eager_outputs, evaluation_copy, output_of, reference_output, several
from mgic.inference.in_place import write_in_place
from mgic.inference.parts import split_into_parts
from mgic.inference.race import fastest_network
from mgic.inference.traced import LINEAR, NORMS, computes_as, first_input, module_of, traced

Here = Literal["portable", "host", "memory"]  # for whom a network is folded


def optimize_for_inference(model: nn.Module, example: Tensor, target: Here = "portable") -> nn.Module:
    """A copy of the model for inference, faster and giving the same numbers but for rounding.

    In the copy a BatchNorm is part of the convolution or linear layer whose output only it reads;
    activations and sums write over their input where nobody else reads it; dropout and identities are gone.
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
            copy, the same with its weights in channels_last, or a plain copy where neither is faster. "memory" is the
            first with the least live at once: what keeps groups of channels apart, as all levels of an MGIC block but
            the coarsest do, goes through them part by part, in the memory of its input. No gradient of the input is
            to be had of it.

    Cost:
        Six forward passes, one of them in float64, and five of them on at least four samples (more, if the output is
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
    optimised = traced(model, samples)
    if optimised is None:
        return network
    _optimise(optimised, target)
    reference, eager = reference_output(model, samples), eager_outputs(network, samples)
    _check(optimised, samples, eager, reference)
    if target != "host":
        return optimised
    return _fastest_here(network, optimised, example, lambda form: _check(form, samples, eager, reference))


def _optimise(traced_copy: fx.GraphModule, target: Here) -> None:
    """In place."""
    _fold_norms(traced_copy)
    write_in_place(traced_copy)
    if target == "memory":
        split_into_parts(traced_copy)
    traced_copy.delete_all_unused_submodules()
    traced_copy.recompile()
    traced_copy.eval().requires_grad_(False)


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


def _fold_norms(network: fx.GraphModule) -> None:
    """In place: each foldable pair becomes a layer of its own name, so that what shares the old one keeps it."""
    for node in network.graph.nodes:
        norm = module_of(network, node)
        if not computes_as(norm, NORMS) or norm.running_mean is None or norm.running_var is None:
            continue
        before = first_input(node)
        layer = module_of(network, before)
        # Unbatched or, for Linear, with inner dimensions, the norm's channels are not the layer's.
        if before is None or not computes_as(layer, LINEAR) or len(before.meta["shape"]) != layer.weight.ndim:
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
