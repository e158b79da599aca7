"""Which channels belong together, and that without them a network computes what it did with them at zero."""

import sys
from importlib import util

import pytest
import torch
from torch import nn

import mgic
from mgic.errors import BadConfig
from mgic.training.channel_groups import (
    check_groups,
    find_groups,
    grouped_convolution,
    load_pruned,
    remove,
    widths,
)
from tests.mgic.training.prunable import IMAGE, Mixed, chain, macs_by_hand, shaken


def halve(model: nn.Module) -> None:
    groups = find_groups(model, IMAGE)
    remove(model, groups, [(n, channel) for n, group in enumerate(groups) for channel in range(1, group.channels, 2)])


def _of(groups, channels: int) -> int:
    return next(number for number, group in enumerate(groups) if group.channels == channels)


def test_without_channels_a_resnet_computes_what_it_does_with_their_norms_at_zero():
    model = shaken(mgic.create("resnet20", width=4, in_channels=1))
    x = torch.randn(5, *IMAGE)
    masked = shaken(mgic.create("resnet20", width=4, in_channels=1))
    masked.load_state_dict(model.state_dict())
    groups = find_groups(model, IMAGE)
    gone = [(number, channel) for number, group in enumerate(groups) for channel in range(0, group.channels, 2)]
    remove(model, groups, gone)
    assert all(layer.conv1.out_channels == layer.norm2.num_features // 2 for layer in model.stages)
    with torch.no_grad():
        for block in masked.stages:
            block.norm1.weight[::2] = 0
            block.norm1.bias[::2] = 0
        torch.testing.assert_close(model(x), masked(x), rtol=1e-4, atol=1e-4)


def test_channels_that_are_added_stacked_or_convolved_one_by_one_go_together():
    model = shaken(Mixed())
    x = torch.randn(5, *IMAGE)
    groups = {group.slices[0].layer: group for group in find_groups(model, IMAGE)}
    assert sorted(group.channels for group in groups.values()) == [4, 5, 6]
    six = next(group for group in groups.values() if group.channels == 6)
    assert {part.layer for part in six.slices} == {"stem", "inner.0", "inner.3", "deep.0", "deep.1", "side", "head"}
    masked = shaken(Mixed())
    masked.load_state_dict(model.state_dict())
    ordered = list(groups.values())
    remove(
        model, ordered, [(ordered.index(six), 1), (ordered.index(six), 4), (_of(ordered, 4), 0), (_of(ordered, 5), 2)]
    )
    with torch.no_grad():
        for layer in (masked.inner[0], masked.side):
            layer.weight[:, [1, 4]] = 0
        masked.inner[3].weight[:, 2] = 0
        masked.head.weight[:, [1, 4, 6]] = 0
        torch.testing.assert_close(model(x), masked(x), rtol=1e-4, atol=1e-4)
    assert widths(model)["deep.0"] == (4, 4)
    assert widths(model)["head"] == (7, 10)


def test_a_flattened_channel_takes_all_its_features_along():
    model = shaken(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(256, 10)))
    x = torch.randn(5, *IMAGE)
    with torch.no_grad():
        model[1].weight[2] = model[1].bias[2] = 0
    expected = model(x)
    remove(model, find_groups(model, IMAGE), [(0, 2)])
    assert widths(model) == {"0": (1, 3), "3": (192, 10)}
    torch.testing.assert_close(model(x), expected, rtol=1e-4, atol=1e-4)


def test_channels_that_are_stacked_and_then_flattened_stay():
    assert [group.slices[0].layer for group in find_groups(Mixed(side=2), IMAGE)] == ["inner.0"]


def test_the_pruned_weights_go_into_a_fresh_network():
    model = shaken(Mixed())
    halve(model)
    fresh = Mixed()
    load_pruned(fresh, model.state_dict())
    x = torch.randn(3, *IMAGE)
    assert widths(fresh) == widths(model)
    assert fresh.deep[0].groups == model.deep[0].groups < 6
    assert torch.equal(fresh.eval()(x), model(x))
    assert macs_by_hand(fresh, IMAGE) == macs_by_hand(model, IMAGE) <= 0.5 * macs_by_hand(Mixed(), IMAGE)


def test_frozen_weights_stay_frozen():
    model = chain()
    model[0].weight.requires_grad_(False)
    halve(model)
    assert model[0].out_channels < 4
    assert [name for name, parameter in model.named_parameters() if not parameter.requires_grad] == ["0.weight"]
    fresh = chain()
    fresh[0].weight.requires_grad_(False)
    load_pruned(fresh, model.state_dict())
    assert not fresh[0].weight.requires_grad


class Numbered(nn.Module):
    """Gives a meaning to the number of a channel; the shapes fit without any of them."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 3, 3), nn.Linear(3, 10)

    def forward(self, x):
        x = self.first(x)
        x = self.second(x * torch.arange(x.shape[1]).view(1, -1, 1, 1))
        return self.head(x.mean((2, 3)))


def test_a_network_that_numbers_its_channels_is_refused():
    groups = find_groups(Numbered(), IMAGE)
    with pytest.raises(BadConfig, match="at 0") as caught:
        check_groups(Numbered(), IMAGE, groups)
    assert caught.value.problems[0].pointer == "model"


@pytest.mark.parametrize("build", [chain, Mixed, lambda: mgic.create("resnet20", in_channels=1)])
def test_a_network_that_is_as_traced_passes_the_check_and_stays_as_it_was(build):
    model = build().train()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    check_groups(model, IMAGE, find_groups(model, IMAGE))
    assert model.training
    assert all(tensor.equal(state[name]) for name, tensor in model.state_dict().items())


def test_tracing_leaves_the_model_as_it_was():
    model = chain().train()
    model[0].eval()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    find_groups(model, IMAGE)
    assert [layer.training for layer in model] == [False] + [True] * 8
    assert all(tensor.equal(state[name]) for name, tensor in model.state_dict().items())


def test_grouped_convolutions_are_named_and_depthwise_ones_are_not():
    assert grouped_convolution(Mixed()) is None
    assert grouped_convolution(nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1, groups=2))) == "1"
    assert grouped_convolution(nn.Sequential(nn.Conv2d(4, 8, 1, groups=4))) == "0"
    name = grouped_convolution(mgic.create("mgic_resnet20"))
    assert name is not None
    assert name.startswith("stages.")


class Odd(nn.Module):
    """Has no trace: its output is no tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 4, 3)

    def forward(self, x):
        return str(self.layer(x))


@pytest.mark.parametrize("model", [Odd(), nn.Sequential(nn.Flatten(), nn.Linear(64, 10))])
def test_a_network_without_a_trace_or_without_inner_channels_is_refused_in_words(model):
    with pytest.raises(BadConfig) as caught:
        find_groups(model, IMAGE)
    assert caught.value.problems[0].pointer == "model"


def test_without_the_extra_the_command_that_installs_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    assert util.find_spec("torch_pruning") is None
    with pytest.raises(BadConfig, match=r"pip install mgic\[prune\]"):
        find_groups(chain(), IMAGE)
