"""Take channels out of a trained network by any of the methods, in equal steps down to its budget."""

from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import ceil

import torch
from torch import nn

from mgic.measure.cost import count_cost
from mgic.training.channel_groups import Group, check_groups, refusal, remove
from mgic.training.pruning import amc, cp, nisp, thinet
from mgic.training.pruning.judging import accuracy
from mgic.training.pruning.ranking import (
    Method,
    Scope,
    Sensitivity,
    fewest_macs,
    norm_names,
    norm_sensitivity,
    prunable_groups,
    prune_to,
    ranked_for,
    score,
)
from mgic.training.pruning.reading import batches_of
from mgic.training.pruning.width_cost import WidthCost
from mgic.training.seed import generator
from mgic.training.split import Split

TAYLOR_BATCHES = 16  # batches of training images that `taylor_bn` looks at before each removal
SEARCHED: tuple[Method, ...] = ("amc", "metapruning")  # how wide each layer is to be
BY_LAYER = {"thinet": thinet.choose, "cp": cp.choose}  # which channels of a layer the next one needs least


@dataclass(frozen=True)
class Pruning:
    """What is to be done, by the names of the experiment's fields.

    Args:
        method: How channels are chosen.
        macs_ratio: Share of the multiply-accumulates that may be left.
        scope: Whether layers lose equal shares.
        iterations: Removals on the way.
        images: Training images that a method looks at, but for `taylor_bn`.
        trials: Networks that a search tries.
        batch_size: Of them.
        seed: From which their choice derives.
    """

    method: Method
    macs_ratio: float
    scope: Scope
    iterations: int
    images: int
    trials: int
    batch_size: int
    seed: int


def check_budget(model: nn.Module, size: tuple[int, ...], name: str, wanted: Pruning) -> list[str]:
    """The norms to keep small while training; before it, so that no training is in vain.

    Args:
        model: The whole network.
        size: Of a sample.
        name: What the network is called in errors.
        wanted: What is to be done with it.

    Raises:
        BadConfig: The network cannot be pruned, or not as far as that.
    """
    groups = prunable_groups(model, size, wanted.method)
    check_groups(model, size, groups)
    fewest, macs = fewest_macs(model, size, groups), count_cost(model, size).macs
    if fewest > wanted.macs_ratio * macs:
        detail = (
            f"macs_ratio={wanted.macs_ratio:g} is out of reach: with one channel left in each layer that can lose any, "
            f"{name} has {ceil(10_000 * fewest / macs) / 10_000:g} of its multiply-accumulates"
        )
        raise refusal("macs_ratio", "out_of_reach", detail)
    return norm_names(model, groups) if wanted.method == "bn_sparsity" else []


def remove_channels(
    model: nn.Module, split: Split, judged: Split, size: tuple[int, ...], wanted: Pruning, going_on: Callable[[], None]
) -> None:
    """Do it, in place; but for `metapruning`, see `anew`.

    Args:
        model: On the device of the split.
        split: Training samples.
        judged: By which a search judges.
        size: Of one of them.
        wanted: What.
        going_on: Called now and then; may raise.

    Raises:
        BadConfig: The network cannot be pruned so, or not so far.
    """
    macs = count_cost(model, size).macs
    for number in range(1, wanted.iterations + 1):
        going_on()
        groups = prunable_groups(model, size, wanted.method)
        done = number / wanted.iterations
        budget = macs * ((1 - done) + done * wanted.macs_ratio)
        if wanted.method in BY_LAYER:
            _by_layer(model, groups, split, size, budget, wanted, number, going_on)
        elif wanted.method == "amc":
            _by_search(model, groups, judged, WidthCost(model, size, groups), budget, wanted, going_on)
        else:
            sensitivity = _sensitivity(model, groups, split, wanted, number)
            scores = [score(model, group, wanted.method, sensitivity) for group in groups]
            prune_to(model, size, budget, groups, scores, wanted.scope)


def _by_search(
    model: nn.Module,
    groups: list[Group],
    judged: Split,
    cost: WidthCost,
    budget: float,
    wanted: Pruning,
    going_on: Callable[[], None],
) -> None:
    """The widths that `amc` finds; of each group the channels of the largest filters stay."""
    batches = batches_of(judged, wanted.images, wanted.batch_size, generator(wanted.seed, "judging"))
    orders = [score(model, group, "l1", {}).argsort(stable=True).tolist() for group in groups]

    def gone(kept: Sequence[int]) -> list[tuple[int, int]]:
        return [(group, channel) for group, order in enumerate(orders) for channel in order[: len(order) - kept[group]]]

    def reward(kept: Sequence[int]) -> float:
        going_on()
        tried = deepcopy(model)
        remove(tried, groups, gone(kept))
        return accuracy(tried, judged, batches) - 1

    drawn = generator(wanted.seed, "search")
    _, best = max(amc.search(cost, budget, reward, wanted.trials, drawn), key=lambda one: one[0])
    remove(model, groups, gone(best))


def _sensitivity(model: nn.Module, groups: list[Group], split: Split, wanted: Pruning, number: int) -> Sensitivity:
    """What images say of the channels; nothing where a method looks at weights alone."""
    drawn = generator(wanted.seed, "ranking", number)
    if wanted.method == "taylor_bn":
        order = torch.randperm(len(split), generator=drawn).to(split.device)
        batches = torch.split(order, wanted.batch_size)[:TAYLOR_BATCHES]
        return norm_sensitivity(model, norm_names(model, groups), split, batches)
    if wanted.method == "nisp":
        return nisp.importance(model, groups, split, batches_of(split, wanted.images, wanted.batch_size, drawn))
    return {}


def _by_layer(
    model: nn.Module,
    groups: list[Group],
    split: Split,
    size: tuple[int, ...],
    budget: float,
    wanted: Pruning,
    number: int,
    going_on: Callable[[], None],
) -> None:
    """The same share of each layer, by a method that goes from layer to layer."""
    drawn = generator(wanted.seed, "calibration", number)
    batches = batches_of(split, wanted.images, wanted.batch_size, drawn)
    any_order = [torch.arange(group.channels, dtype=torch.float32) for group in groups]
    counted = Counter(group for group, _ in ranked_for(model, size, budget, groups, any_order, "local"))
    counts = [counted[group] for group in range(len(groups))]
    gone: list[tuple[int, int]] = []
    for chosen in BY_LAYER[wanted.method](model, groups, counts, split, batches, drawn):
        going_on()
        gone += chosen
    remove(model, groups, gone)
