"""Which channels of a trained network go first, until what is left fits a budget of multiply-accumulates?

Sources: Li et al., https://arxiv.org/abs/1608.08710 (`l1`); Molchanov et al., https://arxiv.org/abs/1906.10771
(`taylor_bn`); Liu et al., https://arxiv.org/abs/1708.06519 (`bn_sparsity`); Fang et al.,
https://arxiv.org/abs/2301.12900 (`group_l2`). Taken from them is what makes a channel important. Not done are the
shares Li et al. choose by hand for each stage, the training Molchanov et al. do between two removals, and the sparse
training of Fang et al.; SSS (Huang and Wang, https://arxiv.org/abs/1707.01213) keeps scales small as Liu et al. do,
but with an optimizer of its own. The other methods have files of their own.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mgic.training.channel_groups import (
    NORMS,
    WEIGHTED,
    Group,
    Slice,
    find_groups,
    macs_without,
    norms_of,
    producers_of,
    refusal,
    remove,
)
from mgic.training.split import Split

Method = Literal["l1", "taylor_bn", "bn_sparsity", "group_l2", "nisp", "thinet", "cp", "amc", "metapruning"]
Scope = Literal["global", "local"]
Sensitivity = Mapping[str, Tensor]  # norm, or layer -> (channels,)
Measure = Callable[[nn.Module, Slice], Tensor | None]


def prunable_groups(model: nn.Module, input_size: tuple[int, ...], method: Method) -> list[Group]:
    """The groups that can lose channels and that the method can score; by place where it goes from layer to layer.

    Args:
        model: Left as it is.
        input_size: Of one sample, without the batch.
        method: `taylor_bn` and `bn_sparsity` score only groups with a BatchNorm in them, `thinet` and `cp` only those
            that one layer produces: the inner channels of a residual block, not its sum.

    Raises:
        BadConfig: torch-pruning is not installed or cannot trace the network, or there is no such group.
    """
    groups = find_groups(model, input_size)
    if method in ("thinet", "cp"):
        groups = [group for group in groups if len(producers_of(model, group)) == 1]
        if not groups:
            detail = f"{method} chooses channels that one layer makes for the next, and there are none in this network"
            raise refusal("method", "no_inner_channels", detail)
    if method in ("thinet", "cp", "amc", "metapruning"):
        place = {name: number for number, (name, _) in enumerate(model.named_modules())}
        groups.sort(key=lambda group: min(place[name] for name in producers_of(model, group)))
    if method in ("taylor_bn", "bn_sparsity"):
        groups = [group for group in groups if norms_of(model, group)]
        if not groups:
            detail = f"{method} scores channels by their BatchNorm, and no layer that can lose channels has one"
            raise refusal("method", "no_norms", detail)
    return groups


def fewest_macs(model: nn.Module, input_size: tuple[int, ...], groups: list[Group]) -> int:
    """Multiply-accumulates with a single channel left in each group, which is as far as pruning goes.

    Raises:
        BadConfig: The network does not compute any more without the others.
    """
    others = [(number, channel) for number, group in enumerate(groups) for channel in range(1, group.channels)]
    return macs_without(deepcopy(model).to("meta"), input_size, groups, others)


def prune_to(
    model: nn.Module, input_size: tuple[int, ...], macs: float, groups: list[Group], scores: list[Tensor], scope: Scope
) -> None:
    """Take the least important channels out of the model, in place: as few as bring it down to `macs`.

    Args:
        model: On any device.
        input_size: Of one sample, without the batch.
        macs: Multiply-accumulates it may have afterwards, batch 1.
        groups: Of this model as it is now.
        scores: For each group that of its channels, see `score`.
        scope: "local" takes the same share of every group, "global" ranks the channels of all groups together;
            the most important channel of a group stays in either case.

    Cost:
        A count of shapes for each halving of the number of channels: 10 for resnet20, a quarter of a second.

    Raises:
        BadConfig: `macs` cannot be reached.
    """
    remove(model, groups, ranked_for(model, input_size, macs, groups, scores, scope))


def ranked_for(
    model: nn.Module, input_size: tuple[int, ...], macs: float, groups: list[Group], scores: list[Tensor], scope: Scope
) -> list[tuple[int, int]]:
    """The channels that `prune_to` takes out: (number of the group, channel of it). The model is left as it is."""
    ranked = rank(scores, scope)
    skeleton = deepcopy(model).to("meta")

    def fits(removed: int) -> bool:
        return macs_without(skeleton, input_size, groups, ranked[:removed]) <= macs

    enough = bisect_left(range(len(ranked) + 1), True, key=fits)
    if enough > len(ranked):
        detail = f"{macs:,.0f} multiply-accumulates are fewer than the network has with one channel in each layer"
        raise refusal("macs_ratio", "out_of_reach", detail)
    return ranked[:enough]


def score(model: nn.Module, group: Group, method: Method, sensitivity: Sensitivity) -> Tensor:
    """How important each channel of a group is; comparable between groups.

    `l1`: sum of the absolute weights of the filter, the mean over the layers that produce the channel; divided
    by the mean of the group, for layers differ in their number of weights. `group_l2`: sum of squares of all
    weights the channel has in any layer, norms included, divided likewise. `bn_sparsity`: absolute scale in the
    BatchNorm, the mean over the norms of the group. `taylor_bn`, `nisp`: the sum of `sensitivity` over the group.

    Shape:
        (channels,), on the CPU.
    """
    if method == "l1":
        filters = _collect(model, group, _filter_norm)
        return _relative(torch.stack(filters).mean(0))
    if method == "group_l2":
        return _relative(torch.stack(_collect(model, group, _squares)).sum(0))
    if method == "bn_sparsity":
        return torch.stack(_collect(model, group, _scale)).mean(0)
    return torch.stack(_collect(model, group, partial(_told, sensitivity))).sum(0)


def rank(scores: list[Tensor], scope: Scope) -> list[tuple[int, int]]:
    """The order in which channels go. The last channel of each group is not in it."""
    keys: list[tuple[float, int, int]] = []
    for number, values in enumerate(scores):
        order = values.argsort(stable=True).tolist()
        for place, channel in enumerate(order[:-1], 1):
            keys.append((place / len(order) if scope == "local" else values[channel].item(), number, channel))
    return [(number, channel) for _, number, channel in sorted(keys)]


def norm_sensitivity(model: nn.Module, names: Sequence[str], split: Split, batches: Sequence[Tensor]) -> Sensitivity:
    """First-order Taylor estimate of what the loss changes by without a channel, squared, the mean over batches.

    (gamma * dE/dgamma + beta * dE/dbeta)^2 of scale and shift of a BatchNorm: the derivative of the loss E by a
    factor put behind the norm, times the 1 it would be lowered by. The model computes as in evaluation, so that
    the statistics of its norms stay, on images as they are.

    Args:
        model: Its mode is put back as it was.
        names: The norms, as `norm_names` gives them.
        split: The samples.
        batches: Which of them make a batch, one tensor of indices each.
    """
    parameters = [model.get_parameter(f"{name}.{key}") for name in names for key in ("weight", "bias")]
    totals = [torch.zeros(parameter.shape) for parameter in parameters[::2]]
    training = model.training
    model.eval()
    for index in batches:
        images, labels = split.take(index)
        gradients = torch.autograd.grad(functional.cross_entropy(model(images), labels), parameters)
        changes = [(p.detach() * g).cpu() for p, g in zip(parameters, gradients, strict=True)]
        for total, scale, shift in zip(totals, changes[::2], changes[1::2], strict=True):
            total += (scale + shift).square() / len(batches)
    model.train(training)
    return dict(zip(names, totals, strict=True))


def norm_names(model: nn.Module, groups: Iterable[Group]) -> list[str]:
    """The BatchNorms of the groups, each once."""
    return list(dict.fromkeys(name for group in groups for name in norms_of(model, group)))


@contextmanager
def scale_penalty(model: nn.Module, names: Iterable[str], weight: float) -> Iterator[None]:
    """While open, every backward pass adds the gradient of `weight` * sum |gamma| over these norms.

    The loss that is shown stays that of the data. The model must lie on its device already.
    """
    scales = [model.get_parameter(f"{name}.weight") for name in names]
    penalties = [(scale, partial(_add_sign, scale, weight)) for scale in scales]
    handles = [scale.register_hook(penalty) for scale, penalty in penalties]  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _collect(model: nn.Module, group: Group, measure: Measure) -> list[Tensor]:
    """For each layer that has a value by channel, (channels,) of the group; several of one channel add up."""
    found = []
    for part in group.slices:
        values = measure(model.get_submodule(part.layer), part)
        if values is not None:
            picked = values.detach().float().cpu()[list(part.index)]
            found.append(torch.zeros(group.channels).index_add_(0, torch.tensor(part.root), picked))
    return found


def _filter_norm(layer: nn.Module, part: Slice) -> Tensor | None:
    return layer.weight.abs().flatten(1).sum(1) if part.produces and isinstance(layer, WEIGHTED) else None


def _squares(layer: nn.Module, part: Slice) -> Tensor | None:
    if isinstance(layer, WEIGHTED):
        weight = layer.weight if part.produces else layer.weight.transpose(0, 1)
        return weight.flatten(1).square().sum(1)
    return layer.weight.square() if isinstance(layer, NORMS) and layer.affine else None


def _told(sensitivity: Sensitivity, _: nn.Module, part: Slice) -> Tensor | None:
    return sensitivity.get(part.layer) if part.produces else None


def _scale(layer: nn.Module, _: Slice) -> Tensor | None:
    return layer.weight.abs() if isinstance(layer, NORMS) and layer.affine else None


def _relative(values: Tensor) -> Tensor:
    return values / values.mean().clamp_min(torch.finfo(values.dtype).tiny)


def _add_sign(scale: Tensor, weight: float, gradient: Tensor) -> Tensor:
    return gradient + weight * scale.detach().sign()
