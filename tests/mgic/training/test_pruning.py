"""Which channels go first by each method, and how many, against small networks and numbers by hand."""

from dataclasses import replace

import pytest
import torch
import torch_pruning
from torch import nn
from torch.nn import functional

import mgic
from mgic.data import load
from mgic.data.batches import train_and_test
from mgic.errors import BadConfig
from mgic.measure.cost import count_cost
from mgic.training.channel_groups import find_groups, remove, widths
from mgic.training.pruning import (
    fewest_macs,
    norm_names,
    norm_sensitivity,
    prunable_groups,
    prune_to,
    rank,
    scale_penalty,
    score,
)
from tests.mgic.training.prunable import IMAGE, Mixed, chain, macs_by_hand, shaken


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    whole = load("digits", tmp_path_factory.mktemp("data"))
    small = replace(whole, train_images=whole.train_images[:64], train_labels=whole.train_labels[:64])
    return train_and_test(small, torch.device("cpu"))[0]


def pruned(model: nn.Module, share: float, method="l1", scope="local") -> nn.Module:
    groups = prunable_groups(model, IMAGE, method)
    scores = [score(model, group, method, {}) for group in groups]
    prune_to(model, IMAGE, share * count_cost(model, IMAGE).macs, groups, scores, scope)
    return model


def test_l1_takes_the_filters_with_the_smallest_sum_of_absolute_weights():
    model = chain()
    with torch.no_grad():
        for channel, size in enumerate((3.0, -0.1, 2.0, -0.2)):
            model[0].weight[channel] = size / 9  # sums of absolute weights: 3, 0.1, 2, 0.2
        model[3].weight[0] *= 1e-3
    rest, next_layer = model[0].weight[[0, 2]].clone(), model[3].weight[1:, [0, 2]].clone()
    # 64 pixels * 9 taps * (1 * 4 + 4 * 3) = 9216 and 30 in the head; 2 and 2 channels leave 64 * 9 * 6 + 20 = 3476.
    pruned(model, 3476 / 9246)
    assert widths(model) == {"0": (1, 2), "3": (2, 2), "8": (2, 10)}
    assert torch.equal(model[0].weight, rest)
    assert torch.equal(model[3].weight, next_layer)


def test_the_last_channel_of_a_group_stays_and_the_order_is_that_of_the_scope():
    scores = [torch.tensor([0.3, 0.1, 0.2, 9.0]), torch.tensor([5.0, 0.05])]
    assert rank(scores, "global") == [(1, 1), (0, 1), (0, 2), (0, 0)]
    assert rank(scores, "local") == [(0, 1), (0, 2), (1, 1), (0, 0)]  # a quarter, two, and a half of the other


@pytest.mark.parametrize("scope", ["local", "global"])
@pytest.mark.parametrize("method", ["l1", "bn_sparsity", "group_l2"])
def test_the_budget_is_reached_and_one_channel_more_would_break_it(method, scope):
    model = shaken(mgic.create("resnet20", width=4, in_channels=1))
    whole = macs_by_hand(model, IMAGE)
    groups = prunable_groups(model, IMAGE, method)
    scores = [score(model, group, method, {}) for group in groups]
    order, before = rank(scores, scope), widths(model)
    again = shaken(mgic.create("resnet20", width=4, in_channels=1))
    again.load_state_dict(model.state_dict())
    prune_to(model, IMAGE, 0.45 * whole, groups, scores, scope)
    assert macs_by_hand(model, IMAGE) <= 0.45 * whole
    gone = sum(before[name][1] - outputs for name, (_, outputs) in widths(model).items())
    remove(again, groups, order[: gone - 1])
    assert macs_by_hand(again, IMAGE) > 0.45 * whole


def test_a_cifar_resnet_is_pruned_inside_its_blocks_only():
    model = mgic.create("resnet20", width=4, in_channels=1)
    before = widths(model)
    after = widths(pruned(model, 0.5))
    changed = {name.rpartition(".")[2] for name in after if after[name] != before[name]}
    assert changed == {"conv1", "conv2"}
    assert all(after[f"stages.{block}.conv1"][0] == before[f"stages.{block}.conv1"][0] for block in range(9))
    assert all(after[f"stages.{block}.conv2"][1] == before[f"stages.{block}.conv2"][1] for block in range(9))
    assert after["head"] == (16, 10)


def _of(groups, channels: int) -> int:
    return next(number for number, group in enumerate(groups) if group.channels == channels)


def test_the_scores_are_those_of_their_definitions():
    model = shaken(chain())
    group = next(group for group in find_groups(model, IMAGE) if group.channels == 4)
    filters, following, scales = model[0].weight, model[3].weight, model[1].weight
    l1 = filters.abs().sum((1, 2, 3))
    squares = filters.square().sum((1, 2, 3)) + following.square().sum((0, 2, 3)) + scales.square()
    torch.testing.assert_close(score(model, group, "l1", {}), (l1 / l1.mean()).detach())
    torch.testing.assert_close(score(model, group, "group_l2", {}), (squares / squares.mean()).detach())
    torch.testing.assert_close(score(model, group, "bn_sparsity", {}), scales.abs().detach())
    told = torch.tensor([4.0, 3.0, 2.0, 1.0])
    assert score(model, group, "taylor_bn", {"1": told}).equal(told)


@pytest.mark.parametrize("method", ["group_l2", "bn_sparsity"])
def test_the_scores_agree_with_those_of_torch_pruning(method):
    model = shaken(Mixed())
    traced = torch_pruning.DependencyGraph().build_dependency(model, torch.zeros(1, *IMAGE), verbose=False)
    theirs = {
        "group_l2": torch_pruning.importance.GroupMagnitudeImportance(p=2),
        "bn_sparsity": torch_pruning.importance.BNScaleImportance(normalizer=None),
    }[method]
    expected = {len(group[0].idxs): theirs(group) for group in traced.get_all_groups()}
    for group in prunable_groups(model, IMAGE, method):
        if method == "group_l2" and group.channels == 6:
            continue  # theirs leaves out the weights of depthwise convolutions
        torch.testing.assert_close(score(model, group, method, {}), expected[group.channels])


class Gate(nn.Module):
    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm, self.gate = norm, nn.Parameter(torch.ones(1, norm.num_features, 1, 1))

    def forward(self, x):
        return self.gate * self.norm(x)


def test_the_sensitivity_is_the_squared_derivative_by_a_gate_behind_the_norm(digits):
    model = shaken(chain()).train()
    batches = [torch.arange(0, 20), torch.arange(20, 64)]
    found = norm_sensitivity(model, ["1", "4"], digits, batches)
    assert model.training
    assert model[1].num_batches_tracked == 0
    model[1], model[4] = Gate(model[1]), Gate(model[4])
    model.eval()
    expected = {"1": torch.zeros(4), "4": torch.zeros(3)}
    for batch in batches:
        images, labels = digits.take(batch)
        loss = functional.cross_entropy(model(images), labels)
        for name, gradient in zip("14", torch.autograd.grad(loss, [model[1].gate, model[4].gate]), strict=True):
            expected[name] += gradient.flatten().square() / 2
    for name in "14":
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-8)


def test_the_sensitivity_of_a_channel_nobody_listens_to_is_zero_and_it_goes_first(digits):
    model = shaken(chain())
    with torch.no_grad():
        model[3].weight[:, 2] = 0
        model[1].bias.fill_(3)  # so that no channel is dead behind its ReLU
    groups = prunable_groups(model, IMAGE, "taylor_bn")
    found = norm_sensitivity(model, norm_names(model, groups), digits, [torch.arange(64)])
    assert found["1"][2] == 0
    assert found["1"].argmin() == 2
    order = rank([score(model, group, "taylor_bn", found) for group in groups], "global")
    assert order[0] == (_of(groups, 4), 2)


def test_the_penalty_adds_its_sign_to_the_gradients_of_the_scales_and_ends(digits):
    model = shaken(chain())
    images, labels = digits.take(slice(0, 16))

    def gradients():
        model.zero_grad()
        functional.cross_entropy(model(images), labels).backward()
        return model[1].weight.grad.clone(), model[4].weight.grad.clone()

    plain, other = gradients()
    with scale_penalty(model, ["1"], 0.25):
        more, same = gradients()
    torch.testing.assert_close(more - plain, 0.25 * model[1].weight.sign().detach())
    assert same.equal(other)
    assert gradients()[0].equal(plain)


def test_a_budget_under_one_channel_a_layer_is_refused():
    model = chain()
    groups = find_groups(model, IMAGE)
    assert fewest_macs(model, IMAGE, groups) == 64 * 9 * (1 + 1) + 10
    with pytest.raises(BadConfig, match="one channel") as caught:
        prune_to(model, IMAGE, 1161, groups, [score(model, group, "l1", {}) for group in groups], "global")
    assert caught.value.problems[0].pointer == "macs_ratio"
    assert widths(model) == widths(chain())


class Fixed(nn.Module):
    """Knows by heart how many channels it has."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4 * 64, 10)

    def forward(self, x):
        return self.second(self.first(x).reshape(-1, 4, 64).transpose(1, 2).reshape(-1, 256))


def test_a_network_that_does_not_compute_without_channels_is_refused_in_words():
    model = Fixed()
    with pytest.raises(BadConfig, match="this network") as caught:
        fewest_macs(model, IMAGE, find_groups(model, IMAGE))
    assert caught.value.problems[0].pointer == "model"


@pytest.mark.parametrize("method", ["taylor_bn", "bn_sparsity"])
def test_a_method_that_reads_norms_needs_some(method):
    with pytest.raises(BadConfig, match="BatchNorm") as caught:
        prunable_groups(chain(norm=False), IMAGE, method)
    assert caught.value.problems[0].pointer == "method"
    assert len(prunable_groups(chain(norm=False), IMAGE, "l1")) == 2
