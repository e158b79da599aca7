"""Versatile filters: several outputs of one stored filter, and what that saves."""

import pytest
import torch
from torch.nn import functional

from mgic.errors import BadConfig
from mgic.measure.cost import count_cost
from mgic.models import create
from mgic.models.versatile_resnet import VersatileConv


def test_a_filter_is_used_whole_and_by_its_middle_at_two_positions():
    conv = VersatileConv(6, 8, 3, stride=2, channel_step=2)
    (weight,) = conv.parameters()
    assert weight.shape == (2, 4, 3, 3)
    x = torch.randn(2, 6, 7, 7)
    expected = [
        functional.conv2d(x[:, :4], weight, stride=2, padding=1),
        functional.conv2d(x[:, 2:], weight, stride=2, padding=1),
        functional.conv2d(x[:, :4], weight[:, :, 1:2, 1:2], stride=2),
        functional.conv2d(x[:, 2:], weight[:, :, 1:2, 1:2], stride=2),
    ]
    assert torch.allclose(conv(x), torch.cat(expected, dim=1), atol=1e-6)


def test_one_weight_learns_from_all_its_uses():
    conv = VersatileConv(4, 8, 3, channel_step=1)
    assert len({id(secondary.weight) for secondary in conv.secondary}) == 1
    conv(torch.ones(1, 4, 1, 1)).sum().backward()
    (weight,) = conv.parameters()
    middle = weight.grad[:, :, 1, 1]
    assert (middle == 4).all()  # two positions, as part of the 3x3 and alone
    assert weight.grad.sum() == middle.sum()  # a single pixel: the border sees padding only


def test_the_weight_stays_one_in_a_copy_and_in_a_state_dict():
    conv = VersatileConv(4, 8, 3, channel_step=1)
    other = VersatileConv(4, 8, 3, channel_step=1)
    other.load_state_dict(conv.state_dict())
    x = torch.randn(1, 4, 3, 3)
    assert torch.equal(other(x), conv(x))
    assert len(list(other.parameters())) == 1


@pytest.mark.parametrize(
    ("kernel_size", "step", "params", "macs"),
    [
        (3, 0, 9 * 8 * 8, 8 * 8 * (9 + 1)),
        (3, 1, 9 * 7 * 4, 4 * 2 * 7 * (9 + 1)),
        (1, 1, 7 * 8, 8 * 2 * 7),
        (7, 0, 49 * 8 * 4, 4 * 8 * (49 + 25 + 9 + 1)),
    ],
)
def test_a_convolution_costs_what_a_hand_counts(kernel_size, step, params, macs):
    cost = count_cost(VersatileConv(8, 16, kernel_size, channel_step=step), (8, 5, 5))
    assert cost.params == params
    assert cost.macs == 25 * macs


@pytest.mark.parametrize(
    ("step", "params", "macs"),
    [(1, 10_978_056, 3_183_833_600), (0, 19_891_352, 3_199_664_128), (12, 10_759_640, 3_009_697_792)],
)
def test_costs_are_those_of_the_docstring(step, params, macs):
    with torch.device("meta"):
        network = create("versatile_resnet50", channel_step=step)
    cost = count_cost(network, (3, 224, 224))
    assert (cost.params, cost.macs) == (params, macs)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ({"channels_out": 7, "kernel_size": 3}, "channels_out"),
        ({"channels_out": 8, "kernel_size": 2}, "kernel_size"),
        ({"channels_out": 8, "kernel_size": 3, "channel_step": 4}, "channel_step"),
    ],
)
def test_a_convolution_that_cannot_be_built_names_the_argument(arguments, option):
    with pytest.raises(BadConfig, match=f"{option}={arguments[option]}") as caught:
        VersatileConv(4, **arguments)
    assert caught.value.problems[0].pointer == option
