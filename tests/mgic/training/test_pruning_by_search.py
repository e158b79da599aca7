"""AMC and MetaPruning, on costs by hand, toy rewards and a small network: budgets hold, and searches find."""

from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch import nn

import mgic
from mgic.data import load
from mgic.data.batches import train_and_test
from mgic.training import generator
from mgic.training.channel_groups import macs_without, remove
from mgic.training.pruning import amc, metapruning, prunable_groups
from mgic.training.pruning.judging import accuracy, measure_norms
from mgic.training.pruning.metapruning import PruningNet, gone
from mgic.training.pruning.width_cost import WidthCost
from tests.mgic.training.prunable import IMAGE, Mixed, chain, shaken

MODELS = {"chain": chain, "mixed": Mixed, "resnet20": lambda: mgic.create("resnet20", width=4, in_channels=1)}


def groups_of(model):
    return prunable_groups(model, IMAGE, "amc")


@pytest.mark.parametrize("name", MODELS)
def test_the_cost_of_widths_is_that_of_the_network_without_the_channels(name):
    model = shaken(MODELS[name]())
    groups = groups_of(model)
    cost = WidthCost(model, IMAGE, groups)
    skeleton = model.to("meta")
    for number in range(3):
        drawn = generator(number)
        kept = [int(torch.randint(1, group.channels + 1, (), generator=drawn)) for group in groups]
        assert cost(kept) == macs_without(skeleton, IMAGE, groups, gone(groups, kept))
    assert cost.most([1] * len(groups), 0, 1, cost.whole) == groups[0].channels
    limit = cost([2, *[1] * (len(groups) - 1)])
    assert cost.most([1] * len(groups), 0, 1, limit) == 2
    assert cost.most([1] * len(groups), 0, 1, 0) == 1


def test_what_the_agent_sees_of_a_layer():
    """conv (1 -> 4) and conv (4 -> 3) on 8x8: the numbers that differ are scaled to 0 and 1."""
    model = chain()
    cost = WidthCost(model, IMAGE, groups_of(model))
    assert [(one.inputs, one.outputs, one.kernel, one.macs) for one in cost.first] == [
        (1, 4, 3, 64 * 9 * 4),
        (4, 3, 3, 64 * 9 * 12),
    ]
    assert amc.features(cost).tolist() == [[0, 1, 0, 0, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0, 0, 1]]


def test_amc_keeps_to_the_budget_and_learns_which_layer_is_useless():
    """The reward is the share that stays of all layers but the first, which can give way to the others."""
    model = MODELS["resnet20"]()
    groups = groups_of(model)[:4]
    cost = WidthCost(model, IMAGE, groups)
    macs = 0.9 * cost.whole

    def reward(kept):
        return sum(kept[1:]) / sum(cost.widths[1:]) - 1

    tried = list(amc.search(cost, macs, reward, 80, generator(0)))
    assert tried[:22] == list(islice(amc.search(cost, macs, reward, 80, generator(0)), 22))
    assert all(cost(kept) <= macs for _, kept in tried)
    assert all(1 <= count <= width for _, kept in tried for count, width in zip(kept, cost.widths, strict=True))
    at_first, at_last = tried[:20], tried[-20:]
    assert sum(found for found, _ in at_last) > sum(found for found, _ in at_first)


def test_evolution_keeps_to_the_budget_repeats_nothing_and_gets_better():
    model = MODELS["resnet20"]()
    groups = groups_of(model)
    cost = WidthCost(model, IMAGE, groups)
    macs = 0.4 * cost.whole

    def worth(kept):
        return sum(kept[6:]) - sum(kept[:6])

    tried = list(metapruning.evolve(cost, macs, worth, 100, generator(1)))
    assert len(tried) == 100
    assert all(cost(kept) <= macs for _, kept in tried)
    assert max(found for found, _ in tried[80:]) > max(found for found, _ in tried[:20])
    assert tried[:30] == list(islice(metapruning.evolve(cost, macs, worth, 100, generator(1)), 30))


def test_made_weights_have_the_shapes_of_their_layers_and_are_cut_to_the_widths():
    model = shaken(MODELS["resnet20"]())
    groups = groups_of(model)
    made = PruningNet(model, groups).eval()
    kept = [1 + number % 3 for number in range(len(groups))]
    weights = made.weights(kept)
    for number, group in enumerate(groups):
        for part in group.slices:
            weight = weights.get(f"{part.layer}.weight")
            assert weight is not None
            assert weight.shape == model.get_submodule(part.layer).weight.shape
            if part.produces:
                assert not weight[kept[number] :].any()
                assert weight[: kept[number]].any(1 if weight.dim() > 1 else 0).any()
    images = torch.randn(2, *IMAGE)
    made.kept = kept
    cut = made.network_of(kept)
    remove(cut, groups, gone(groups, kept))
    torch.testing.assert_close(made.eval()(images), cut.train()(images), rtol=1e-4, atol=1e-5)


def test_a_network_that_makes_weights_learns_at_widths_drawn_anew_and_repeatedly():
    model = MODELS["resnet20"]()
    made = PruningNet(model, groups_of(model)).train()
    torch.manual_seed(0)
    first, second = made.drawn(), made.drawn()
    torch.manual_seed(0)
    assert made.drawn() == first != second
    made(torch.randn(4, *IMAGE)).sum().backward()
    assert all(parameter.grad is not None for parameter in made.makers.parameters())
    assert model.get_submodule("stages.0.conv1").weight.grad is None
    assert model.stem[0].weight.grad is not None


def test_norms_are_measured_on_the_images_and_accuracy_is_the_share_that_is_right(tmp_path):
    whole = load("digits", tmp_path)
    small = replace(whole, train_images=whole.train_images[:40], train_labels=whole.train_labels[:40])
    split = train_and_test(small, torch.device("cpu"))[0]
    images, labels = split.take(slice(0, 40))
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 10))
    measure_norms(model, split, [torch.arange(40)])
    assert model[0].running_mean.item() == pytest.approx(images.mean().item(), abs=1e-6)
    assert model[0].running_var.item() == pytest.approx(images.var().item(), rel=1e-5)
    assert model[0].momentum == 0.1
    right = (model.eval()(images).argmax(1) == labels).float().mean().item()
    assert accuracy(model, split, [torch.arange(15), torch.arange(15, 40)]) == pytest.approx(right)
