"""A difference of maps becomes a sum, and the numbers stay to the last bit."""

import numpy as np
import torch
from torch import nn

import mgic
from mgic.inference.rewrites import Graph, subtractions_as_sums
from tests.mgic.inference.networks import Functional, conv, images
from tests.mgic.inference.rewrites.graphs import graph_of, largest_difference, operators, output


def change(network: nn.Module, channels: int = 3) -> tuple[Graph, int]:
    graph = graph_of(network, channels)
    return graph, subtractions_as_sums(graph)


def test_what_a_convolution_makes_for_the_difference_alone_takes_the_sign():
    network = Functional(lambda self, x: self.first(x) - self.second(x), first=conv(), second=conv())
    graph, count = change(network)
    assert (count, operators(graph)) == (1, {"Conv": 2, "Add": 1})
    assert largest_difference(network, graph, 3) < 1e-6


def test_what_others_read_too_goes_through_a_depthwise_convolution():
    def forward(self, x):
        y = self.first(x)
        return self.second(x) - y + torch.relu(y)

    network = Functional(forward, first=conv(), second=conv())
    graph, count = change(network)
    assert (count, operators(graph)) == (1, {"Conv": 3, "Add": 2, "Relu": 1})
    assert largest_difference(network, graph, 3) < 1e-6


def test_differences_of_anything_but_two_equal_maps_stay():
    network = Functional(lambda self, x: (x - 1) - x.mean(1, keepdim=True), unused=nn.Identity())
    graph, count = change(network)
    assert (count, operators(graph)["Sub"]) == (0, 2)


def test_signs_round_nothing():
    network = mgic.create("mgic_resnet20", width=16)
    before, (after, count) = graph_of(network, 3, 32), (graph := graph_of(network, 3, 32), subtractions_as_sums(graph))
    assert count == 9  # six blocks of 32 and 64 channels, with one and two levels below the first
    x = images(2, 32)
    plain, changed = (output(one.content({}), x, "ORT_DISABLE_ALL") for one in (before, after))
    assert np.array_equal(plain, changed)
