"""A depthwise convolution of several channels a channel becomes steps with as many out as in."""

import pytest
from torch import nn

from mgic.inference.rewrites import split_connectors
from tests.mgic.inference.rewrites.graphs import graph_of, largest_difference, operators


def connector(channels: int, times: int, stride: int, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(channels, times * channels, 3, stride, padding=1, groups=channels, bias=bias)


@pytest.mark.parametrize(
    ("times", "stride", "bias", "expected"),
    [
        (4, 1, True, {"Conv": 2}),
        (2, 1, False, {"Conv": 2}),
        (4, 2, True, {"Conv": 2}),  # both ways take 16 + 9 / 4 a channel; the one with fewer nodes is taken
        (2, 2, True, {"Conv": 4, "Add": 1}),
        (3, 2, False, {"Conv": 6, "Add": 2}),
    ],
)
def test_the_numbers_stay(times, stride, bias, expected):
    network = nn.Sequential(connector(32, times, stride, bias))
    graph = graph_of(network, 32)
    assert split_connectors(graph) == 1
    assert operators(graph) == expected
    assert largest_difference(network, graph, 32) < 1e-6


def test_the_multiply_accumulates_are_those_worked_out_by_hand():
    graph = graph_of(nn.Sequential(connector(32, 2, 2)), 32, side=8)
    before = graph.macs()
    split_connectors(graph)
    pixels, channels = 4 * 4, 64
    assert before == pixels * channels * 9
    assert graph.macs() == pixels * channels * (9 + 2 * 16)


@pytest.mark.parametrize("network", [connector(24, 2, 1), connector(32, 1, 1), nn.Conv2d(32, 64, 3, groups=16)])
def test_others_stay(network):
    graph = graph_of(nn.Sequential(network), network.in_channels)
    assert split_connectors(graph) == 0
    assert operators(graph) == {"Conv": 1}
