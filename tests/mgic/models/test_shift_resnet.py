"""Shift-ResNet-50: where the shift moves things, and the figures of the docstring."""

import pytest
import torch

from mgic.errors import BadConfig
from mgic.measure.cost import count_cost
from mgic.models import create
from mgic.models.shift_resnet import Shift, ShiftModule


def test_each_group_sees_one_neighbour_of_a_pixel():
    x = torch.zeros(1, 20, 5, 5)
    x[:, :, 2, 2] = 1
    y = Shift()(x)
    assert y.sum() == 20
    for channel in range(18):
        down, right = divmod(channel // 2, 3)  # two channels a group; what was at (y + dy, x + dx) is at (y, x)
        assert y[0, channel, 2 - (down - 1), 2 - (right - 1)] == 1
    assert torch.equal(y[:, 18:], x[:, 18:])


def test_what_leaves_the_image_is_lost_and_zeros_come_in():
    x = torch.ones(1, 9, 3, 4)
    y = Shift()(x)
    assert y[0, 0].sum() == 2 * 3  # moved down and right: a row and a column of zeros
    assert y[0, 1].sum() == 2 * 4
    assert not y[0, 0, 0].any()
    assert not y[0, 0, :, 0].any()
    assert y[0, 4].sum() == 3 * 4


def test_fewer_than_nine_channels_stay():
    x = torch.randn(2, 8, 3, 3)
    assert torch.equal(Shift()(x), x)


def test_a_shift_has_neither_parameters_nor_multiply_accumulates():
    assert not list(Shift().parameters())
    assert count_cost(Shift(), (18, 8, 8)).macs == 0


def test_a_module_costs_what_a_hand_counts():
    module = ShiftModule(6, 4, expansion=3, stride=2)
    cost = count_cost(module, (6, 8, 8))
    assert cost.params == 6 * 12 + 2 * 12 + 12 * 4 + 2 * 4
    assert cost.macs == 64 * 6 * 12 + 16 * 12 * 4
    assert module(torch.randn(2, 6, 8, 8)).shape == (2, 4, 4, 4)


@pytest.mark.parametrize(
    ("options", "params", "macs"),
    [
        ({}, 5_985_864, 984_875_008),
        ({"expansion": 2}, 5_353_352, 853_213_184),
        ({"expansion": 4}, 6_618_376, 1_116_536_832),
    ],
)
def test_costs_are_those_of_the_docstring(options, params, macs):
    with torch.device("meta"):
        network = create("shift_resnet50", **options)
    cost = count_cost(network, (3, 224, 224))
    assert (cost.params, cost.macs) == (params, macs)


def test_at_full_width_the_modules_are_exchanged_for_the_3x3s_alone():
    """ResNet-50's parameters, less 9 p^2 and two norms, more 2 * 3 p^2 and four for each p."""
    with torch.device("meta"):
        network = create("shift_resnet50", width_mult=1.0)
    widths = [64] * 3 + [128] * 4 + [256] * 6 + [512] * 3
    expected = 25_557_032 - sum(9 * p**2 + 2 * p for p in widths) + sum(6 * p**2 + 2 * 3 * p + 2 * p for p in widths)
    assert sum(p.numel() for p in network.parameters()) == expected


@pytest.mark.parametrize("options", [{"expansion": 0}, {"expansion": 10}, {"width_mult": 0.0}])
def test_options_have_bounds(options):
    with pytest.raises(BadConfig, match=next(iter(options))):
        create("shift_resnet50", **options)
