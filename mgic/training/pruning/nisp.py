"""NISP: how much the last responses need a channel, passed back through the absolute weights of all layers after it.

Yu et al., "NISP: Pruning Networks using Neuron Importance Score Propagation", CVPR 2018, sections 3.2 to 3.4,
https://arxiv.org/abs/1711.05908. What the classifier reads, the final responses, is ranked by Inf-FS (Roffo, Melzi,
Cristani, "Infinite Feature Selection", ICCV 2015) on training images. Importance goes back as s_k = |W_(k+1)|^T
s_(k+1): the derivative of s^T f by the neurons, if f is the network with absolute weights and without anything that is
not linear. A channel has the sum over its places, and shares of layers are pruned by it.

Left open there, or done otherwise here:
- Norms are not spoken of: here their absolute scale by the deviation is a weight like any other.
- f is the network itself on numbers so small that every activation is its own tangent at 0, with biases and means at 0.
  A maximum passes importance to the place that wins, which is any of several alike.
- Inf-FS mixes the spread of two responses and how little their ranks correlate; the paper does not say how, here
  half and half, and r is 0.9 of 1 / (the largest eigenvalue), as in its authors' paper.
- The importance of a sum's channels is that of every layer that is added, together.
- Which share of which layer went is by hand there; here it is the field `scope`.
"""

from collections.abc import Sequence
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor, nn

from mgic.training.channel_groups import NORMS, WEIGHTED, Group, norms_of, producers_of, refusal
from mgic.training.precision import exact_float32
from mgic.training.split import Split

MIX = 0.5  # of spread and independence in Inf-FS
REACH = 0.9  # of the largest r for which its series converges
SMALL = 1e-150  # of an input, in float64


def importance(model: nn.Module, groups: Sequence[Group], split: Split, batches: Sequence[Tensor]) -> dict[str, Tensor]:
    """By the layers that make a group's channels, norms where it has some, the importance of each channel.

    Args:
        model: On the device of the split; left as it is.
        groups: Whose channels are asked for.
        split: Training samples.
        batches: Which of them the final responses are ranked on.

    Raises:
        BadConfig: Some layer gets no importance from the final responses.
    """
    training = model.training
    model.eval()
    sample, _ = split.take(batches[0][:1])
    last = _last(model, sample)
    with torch.inference_mode(), exact_float32():
        responses = [_responses(model, last, split.take(batch)[0]).cpu() for batch in batches]
    model.train(training)
    final = infinite_feature_selection(torch.cat(responses).double())
    layers = [layer for group in groups for layer in norms_of(model, group) or producers_of(model, group)]
    found = propagate(model, last, final, sample.shape, list(dict.fromkeys(layers)))
    lost = [layer for layer, values in found.items() if not (values.isfinite().all() and values.any())]
    if lost:
        raise refusal("method", "no_importance", f"nisp: no importance comes back to {lost[0]}")
    return found


def infinite_feature_selection(responses: Tensor) -> Tensor:
    """How important each response is beside all others, over all paths through them; it sums up to 1.

    Shape:
        (samples, responses) float64 -> (responses,)
    """
    from scipy.stats import rankdata

    spread = responses.std(0)
    spread = spread / spread.max().clamp_min(torch.finfo(spread.dtype).tiny)
    ranks = torch.as_tensor(rankdata(responses.numpy(), axis=0))
    ranks = ranks - ranks.mean(0)
    size = ranks.square().sum(0).sqrt()
    # A response that never changes correlates with everything: it tells nothing new.
    correlation = torch.where(size.outer(size) > 0, ranks.T @ ranks / size.outer(size).clamp_min(1e-300), 1.0)
    graph = MIX * torch.maximum(spread[:, None], spread) + (1 - MIX) * (1 - correlation.abs())
    reach = REACH / torch.linalg.eigvalsh(graph).abs().max().clamp_min(1e-300)
    unit = torch.eye(len(graph), dtype=graph.dtype)
    energy = (torch.linalg.inv(unit - reach * graph) - unit).sum(1)
    shares: Tensor = energy / energy.sum()
    return shares


def propagate(model: nn.Module, last: str, final: Tensor, size: torch.Size, layers: Sequence[str]) -> dict[str, Tensor]:
    """The importance of the channels that each of the layers gives.

    Args:
        model: Left as it is.
        last: The layer that reads the final responses.
        final: Their importance, (responses,).
        size: Of an input, with the batch.
        layers: Norms, convolutions and linear layers.
    """
    linear = deepcopy(model).to("cpu", torch.float64).eval()
    for layer in linear.modules():
        if isinstance(layer, (*WEIGHTED, *NORMS)):
            for key, tensor in (*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)):
                tensor.data = tensor.data.abs() if key in ("weight", "running_var") else torch.zeros_like(tensor)
    outputs: dict[str, Tensor] = {}

    def keep(layer_name: str, *called: Tensor) -> None:
        outputs[layer_name] = called[-1]

    for layer_name in layers:
        linear.get_submodule(layer_name).register_forward_hook(partial(keep, layer_name))
    with torch.enable_grad():
        responses = _responses(linear, last, torch.full(size, SMALL, dtype=torch.float64))
        back = torch.autograd.grad((responses * final).sum(), [outputs[layer_name] for layer_name in layers])
    return {
        layer_name: gradient.flatten(2).sum((0, 2)) if gradient.dim() > 2 else gradient.sum(0)
        for layer_name, gradient in zip(layers, back, strict=True)
    }


def _last(model: nn.Module, sample: Tensor) -> str:
    """The layer with weights that is called last: it reads the final responses."""
    called: list[str] = []

    def note(name: str, *_: object) -> None:
        called.append(name)

    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, WEIGHTED)]
    handles = [layer.register_forward_hook(partial(note, name)) for name, layer in layers]
    with torch.inference_mode():
        model(sample)
    for handle in handles:
        handle.remove()
    return called[-1]


def _responses(model: nn.Module, last: str, samples: Tensor) -> Tensor:
    """What the layer `last` reads; of maps the mean over places, (samples, responses)."""
    seen: list[Tensor] = []
    handle = model.get_submodule(last).register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(samples)
    handle.remove()
    (responses,) = seen
    return responses.flatten(2).mean(2) if responses.dim() > 2 else responses
